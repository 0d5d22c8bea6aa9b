#ifndef TINE_POSIX_FUNCTIONS_H
#define TINE_POSIX_FUNCTIONS_H
#include <linux/stat.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

// Names
int renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned int flags);
struct file_handle;
int name_to_handle_at(int directory, const char *path, struct file_handle *handle, int *mount, int flags);
int open_by_handle_at(int mount, struct file_handle *handle, int flags);

// Content
int fallocate(int descriptor, int mode, off_t offset, off_t length);
ssize_t copy_file_range(int in, off_t *in_offset, int out, off_t *out_offset, size_t length, unsigned int flags);
ssize_t preadv2(int descriptor, const struct iovec *vectors, int count, off_t offset, int flags);
ssize_t pwritev2(int descriptor, const struct iovec *vectors, int count, off_t offset, int flags);
int syncfs(int descriptor);
/// ioctl(2) with FICLONE.
int posix_clone(int to, int from);

// Attributes
int statx(int directory, const char *path, int flags, unsigned int mask, struct statx *status);

// Extended attributes
ssize_t getxattr(const char *path, const char *name, void *value, size_t size);
ssize_t lgetxattr(const char *path, const char *name, void *value, size_t size);
ssize_t fgetxattr(int descriptor, const char *name, void *value, size_t size);
int setxattr(const char *path, const char *name, const void *value, size_t size, int flags);
int lsetxattr(const char *path, const char *name, const void *value, size_t size, int flags);
int fsetxattr(int descriptor, const char *name, const void *value, size_t size, int flags);
ssize_t listxattr(const char *path, char *names, size_t size);
ssize_t llistxattr(const char *path, char *names, size_t size);
ssize_t flistxattr(int descriptor, char *names, size_t size);
int removexattr(const char *path, const char *name);
int lremovexattr(const char *path, const char *name);
int fremovexattr(int descriptor, const char *name);

// Directories
ssize_t getdents64(int descriptor, void *entries, size_t size);

// Locks
int flock(int descriptor, int operation);
#endif
