#include "posix_constants.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

const int32_t posix_O_DIRECT = O_DIRECT, posix_O_NOATIME = O_NOATIME, posix_O_PATH = O_PATH,
              posix_O_TMPFILE = O_TMPFILE;
const int32_t posix_AT_EMPTY_PATH = AT_EMPTY_PATH, posix_AT_SYMLINK_FOLLOW = AT_SYMLINK_FOLLOW,
              posix_AT_SYMLINK_NOFOLLOW = AT_SYMLINK_NOFOLLOW;
const uint32_t posix_RENAME_NOREPLACE = RENAME_NOREPLACE, posix_RENAME_EXCHANGE = RENAME_EXCHANGE,
               posix_RENAME_WHITEOUT = RENAME_WHITEOUT;
const int32_t posix_FALLOC_FL_KEEP_SIZE = FALLOC_FL_KEEP_SIZE, posix_FALLOC_FL_PUNCH_HOLE = FALLOC_FL_PUNCH_HOLE,
              posix_FALLOC_FL_ZERO_RANGE = FALLOC_FL_ZERO_RANGE,
              posix_FALLOC_FL_COLLAPSE_RANGE = FALLOC_FL_COLLAPSE_RANGE,
              posix_FALLOC_FL_INSERT_RANGE = FALLOC_FL_INSERT_RANGE,
              posix_FALLOC_FL_UNSHARE_RANGE = FALLOC_FL_UNSHARE_RANGE;
const int32_t posix_SEEK_DATA = SEEK_DATA, posix_SEEK_HOLE = SEEK_HOLE;
const int32_t posix_RWF_APPEND = RWF_APPEND, posix_RWF_DSYNC = RWF_DSYNC, posix_RWF_NOWAIT = RWF_NOWAIT;
const int32_t posix_XATTR_CREATE = XATTR_CREATE, posix_XATTR_REPLACE = XATTR_REPLACE;
const int32_t posix_F_OFD_GETLK = F_OFD_GETLK, posix_F_OFD_SETLK = F_OFD_SETLK;
const int32_t posix_LOCK_SH = LOCK_SH, posix_LOCK_EX = LOCK_EX, posix_LOCK_UN = LOCK_UN, posix_LOCK_NB = LOCK_NB;
const int64_t posix_UTIME_NOW = UTIME_NOW, posix_UTIME_OMIT = UTIME_OMIT;
