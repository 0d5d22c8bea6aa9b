#include "linux_files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
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

int linux_try_lock_exclusively(int descriptor) { return flock(descriptor, LOCK_EX | LOCK_NB); }

int linux_open_path(int directory, const char *path) { return openat(directory, path, O_PATH | O_CLOEXEC); }

uint64_t linux_device_of_link(const char *path) {
  struct statx status;
  if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, 0, &status) != 0) return 0;
  return linux_device(status.stx_dev_major, status.stx_dev_minor);
}

uint64_t linux_device(uint32_t major_number, uint32_t minor_number) { return makedev(major_number, minor_number); }
