#include "linux_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

ssize_t linux_preadv(int descriptor, const struct iovec *vectors, int count, off_t offset, bool may_block) {
  ssize_t result = preadv2(descriptor, vectors, count, offset, may_block ? 0 : RWF_NOWAIT);
  if (result < 0 && errno == EOPNOTSUPP) errno = EAGAIN;
  return result;
}

ssize_t linux_pwritev(int descriptor, const struct iovec *vectors, int count, off_t offset) {
  return pwritev(descriptor, vectors, count, offset);
}

int linux_allocate(int descriptor, off_t offset, off_t length) { return fallocate(descriptor, 0, offset, length); }

int linux_punch_hole(int descriptor, off_t offset, off_t length) {
  return fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
}

int linux_start_writeback(int descriptor, off_t offset, off_t length) {
  return sync_file_range(descriptor, offset, length, SYNC_FILE_RANGE_WRITE);
}

int linux_mark_directory(int directory, const char *path) {
  return openat(directory, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

ssize_t linux_read_directory(int descriptor, void *entries, size_t size) {
  return getdents64(descriptor, entries, size);
}

int linux_rename_without_replacing(int directory, const char *name, const char *new_name) {
  return renameat2(directory, name, directory, new_name, RENAME_NOREPLACE);
}

int linux_try_lock_exclusively(int descriptor) { return flock(descriptor, LOCK_EX | LOCK_NB); }
