#include "linux_attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/// Long enough for "/proc/self/fd/", a number, a slash, a name of 255 bytes and a zero.
typedef char entry_path[320];

/// Where an entry of an open directory is found by calls that take paths only; NULL with an error where the name is too long.
static const char *path_of(int directory, const char *entry, entry_path path) {
  int length = snprintf(path, sizeof(entry_path), "/proc/self/fd/%d/%s", directory, entry);
  if (length > 0 && (size_t)length < sizeof(entry_path)) return path;
  errno = ENAMETOOLONG;
  return NULL;
}

ssize_t linux_list_attributes(int descriptor, const char *entry, char *names, size_t size) {
  if (!entry) return flistxattr(descriptor, names, size);
  entry_path buffer;
  const char *path = path_of(descriptor, entry, buffer);
  return path ? llistxattr(path, names, size) : -1;
}

ssize_t linux_get_attribute(int descriptor, const char *entry, const char *name, void *value, size_t size) {
  if (!entry) return fgetxattr(descriptor, name, value, size);
  entry_path buffer;
  const char *path = path_of(descriptor, entry, buffer);
  return path ? lgetxattr(path, name, value, size) : -1;
}

int linux_set_attribute(int descriptor, const char *entry, const char *name, const void *value, size_t size) {
  if (!entry) return fsetxattr(descriptor, name, value, size, 0);
  entry_path buffer;
  const char *path = path_of(descriptor, entry, buffer);
  return path ? lsetxattr(path, name, value, size, 0) : -1;
}

int linux_remove_attribute(int descriptor, const char *entry, const char *name) {
  if (!entry) return fremovexattr(descriptor, name);
  entry_path buffer;
  const char *path = path_of(descriptor, entry, buffer);
  return path ? lremovexattr(path, name) : -1;
}

off_t linux_seek_data(int descriptor, off_t offset) { return lseek(descriptor, offset, SEEK_DATA); }

off_t linux_seek_hole(int descriptor, off_t offset) { return lseek(descriptor, offset, SEEK_HOLE); }

int linux_status(int directory, const char *name, struct stat *status) {
  return fstatat(directory, name, status, AT_SYMLINK_NOFOLLOW);
}
