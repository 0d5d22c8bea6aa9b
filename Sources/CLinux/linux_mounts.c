#include "linux_mounts.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mount.h>
#include <unistd.h>

int linux_mount_fuse(const char *source, const char *target, const char *type, bool read_only, const char *options) {
  return mount(source, target, type, read_only ? MS_RDONLY : 0, options);
}

int linux_mount_again(const char *source, const char *target) { return mount(source, target, NULL, MS_BIND, NULL); }

int linux_unmount_by_force(const char *target) { return umount2(target, UMOUNT_NOFOLLOW | MNT_DETACH | MNT_FORCE); }

int linux_unmount(const char *target, bool lazily) {
  return umount2(target, UMOUNT_NOFOLLOW | (lazily ? MNT_DETACH : 0));
}

int linux_start_syncing_file_system(int descriptor) { return syncfs(descriptor); }

int linux_write_back(int descriptor) {
  return sync_file_range(
      descriptor, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
}

void linux_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }
