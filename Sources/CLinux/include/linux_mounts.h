#ifndef TINE_LINUX_MOUNTS_H
#define TINE_LINUX_MOUNTS_H
#include <stdbool.h>
#include <stdint.h>

/// mount(2) of a FUSE connection on `target`: `type` is "fuse" or "fuse.SUBTYPE", `options` holds fd, rootmode and the ids.
int linux_mount_fuse(const char *source, const char *target, const char *type, bool read_only, const char *options);

/// Shows the file system that is mounted at `source` at the directory `target` as well (MS_BIND), without what is mounted below it.
int linux_mount_again(const char *source, const char *target);

/// umount2(2), never through a symbolic link at the end of the path; `lazily` is MNT_DETACH.
int linux_unmount(const char *target, bool lazily);

/// The same with MNT_DETACH and MNT_FORCE, which ends the connection of a FUSE file system: whoever still uses it gets ENOTCONN.
int linux_unmount_by_force(const char *target);

/// syncfs(2): starts write-back of every dirty page of the file system. On a FUSE mount it does not wait for it.
int linux_start_syncing_file_system(int descriptor);

/// sync_file_range(2) of a whole file: waits for pages that are being written, writes what is dirty, and waits for that.
int linux_write_back(int descriptor);

/// Gives the calling thread a name that ps and gdb show (15 bytes at most).
void linux_name_thread(const char *name);
#endif
