#ifndef TINE_POSIX_MOUNTS_H
#define TINE_POSIX_MOUNTS_H
#include <sys/types.h>

/// Mounts the directory `source` at `target` once more, with the owners of files shifted: the users and groups from 0
/// on in `source` are those from `first` on, `count` of them, at `target` (mount_setattr(2) with MOUNT_ATTR_IDMAP).
int posix_mount_shifted(const char *source, const char *target, uid_t first, uid_t count);
#endif
