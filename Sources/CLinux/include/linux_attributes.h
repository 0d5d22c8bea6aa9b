#ifndef TINE_LINUX_ATTRIBUTES_H
#define TINE_LINUX_ATTRIBUTES_H
#include <stddef.h>
#include <stdint.h>
struct stat;
#include <sys/types.h>

/// Extended attributes, as flistxattr(2), fgetxattr(2), fsetxattr(2) and fremovexattr(2) handle them: of an open file, or where `entry`
/// is not NULL of that entry of an open directory, of the link itself where it is a symbolic link. Entries are reached through /proc.
ssize_t linux_list_attributes(int descriptor, const char *entry, char *names, size_t size);
ssize_t linux_get_attribute(int descriptor, const char *entry, const char *name, void *value, size_t size);
int linux_set_attribute(int descriptor, const char *entry, const char *name, const void *value, size_t size);
int linux_remove_attribute(int descriptor, const char *entry, const char *name);

/// lseek(2) with SEEK_DATA and SEEK_HOLE.
off_t linux_seek_data(int descriptor, off_t offset);
off_t linux_seek_hole(int descriptor, off_t offset);

/// fstatat(2) without following a symbolic link.
int linux_status(int directory, const char *name, struct stat *status);
#endif
