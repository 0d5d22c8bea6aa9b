#ifndef TINE_POSIX_CONSTANTS_H
#define TINE_POSIX_CONSTANTS_H
#include <stdint.h>

// open(2)
extern const int32_t posix_O_DIRECT, posix_O_NOATIME, posix_O_PATH, posix_O_TMPFILE;
// linkat(2), name_to_handle_at(2), statx(2)
extern const int32_t posix_AT_EMPTY_PATH, posix_AT_SYMLINK_FOLLOW, posix_AT_SYMLINK_NOFOLLOW;
// renameat2(2)
extern const uint32_t posix_RENAME_NOREPLACE, posix_RENAME_EXCHANGE, posix_RENAME_WHITEOUT;
// fallocate(2)
extern const int32_t posix_FALLOC_FL_KEEP_SIZE, posix_FALLOC_FL_PUNCH_HOLE, posix_FALLOC_FL_ZERO_RANGE,
    posix_FALLOC_FL_COLLAPSE_RANGE, posix_FALLOC_FL_INSERT_RANGE, posix_FALLOC_FL_UNSHARE_RANGE;
// lseek(2)
extern const int32_t posix_SEEK_DATA, posix_SEEK_HOLE;
// preadv2(2)
extern const int32_t posix_RWF_APPEND, posix_RWF_DSYNC, posix_RWF_NOWAIT;
// setxattr(2)
extern const int32_t posix_XATTR_CREATE, posix_XATTR_REPLACE;
// fcntl(2): locks that belong to the open file, not to the process
extern const int32_t posix_F_OFD_GETLK, posix_F_OFD_SETLK;
// flock(2)
extern const int32_t posix_LOCK_SH, posix_LOCK_EX, posix_LOCK_UN, posix_LOCK_NB;
// utimensat(2)
extern const int64_t posix_UTIME_NOW, posix_UTIME_OMIT;
#endif
