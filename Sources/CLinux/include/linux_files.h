#ifndef TINE_LINUX_FILES_H
#define TINE_LINUX_FILES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/// Reads like preadv(2). Without `may_block` it fails with EAGAIN where the data is not in the page cache (RWF_NOWAIT);
/// where the file system does not support that, it reports EAGAIN as well.
ssize_t linux_preadv(int descriptor, const struct iovec *vectors, int count, off_t offset, bool may_block);

/// pwritev(2) with a 64-bit offset.
ssize_t linux_pwritev(int descriptor, const struct iovec *vectors, int count, off_t offset);

/// fallocate(2) with mode 0: reserves space and extends the file, new bytes read as zeros.
int linux_allocate(int descriptor, off_t offset, off_t length);

/// fallocate(2) with FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE.
int linux_punch_hole(int descriptor, off_t offset, off_t length);

/// sync_file_range(2) with SYNC_FILE_RANGE_WRITE: starts write-back and does not wait for it.
int linux_start_writeback(int descriptor, off_t offset, off_t length);

/// openat(2) with O_PATH: names a file without the right to read it.
int linux_open_path(int directory, const char *path);

/// The device number of the file that a link of /proc leads to, such as /proc/1/cwd; 0 if that cannot be told. The file system is not
/// asked (AT_STATX_DONT_SYNC), for it may be one that this process serves.
uint64_t linux_device_of_link(const char *path);

/// The device number that two numbers make, as stat(2) gives it.
uint64_t linux_device(uint32_t major, uint32_t minor);

/// flock(2) with LOCK_EX | LOCK_NB.
int linux_try_lock_exclusively(int descriptor);
#endif
