#ifndef TINE_LINUX_ATTRIBUTES_H
#define TINE_LINUX_ATTRIBUTES_H
#include <stddef.h>
#include <stdint.h>
struct stat;
#include <sys/types.h>

/// Extended attributes, of the link itself where the path is a symbolic link: llistxattr(2), lgetxattr(2), lsetxattr(2).
ssize_t linux_list_attributes(const char *path, char *names, size_t size);
ssize_t linux_get_attribute(const char *path, const char *name, void *value, size_t size);
int linux_set_attribute(const char *path, const char *name, const void *value, size_t size);

/// lseek(2) with SEEK_DATA and SEEK_HOLE.
off_t linux_seek_data(int descriptor, off_t offset);
off_t linux_seek_hole(int descriptor, off_t offset);

/// fstatat(2) without following a symbolic link.
int linux_status(int directory, const char *name, struct stat *status);
#endif
