#include "linux_attributes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

ssize_t linux_list_attributes(const char *path, char *names, size_t size) { return llistxattr(path, names, size); }

ssize_t linux_get_attribute(const char *path, const char *name, void *value, size_t size) {
  return lgetxattr(path, name, value, size);
}

int linux_set_attribute(const char *path, const char *name, const void *value, size_t size) {
  return lsetxattr(path, name, value, size, 0);
}

off_t linux_seek_data(int descriptor, off_t offset) { return lseek(descriptor, offset, SEEK_DATA); }

off_t linux_seek_hole(int descriptor, off_t offset) { return lseek(descriptor, offset, SEEK_HOLE); }

int linux_status(int directory, const char *name, struct stat *status) {
  return fstatat(directory, name, status, AT_SYMLINK_NOFOLLOW);
}
