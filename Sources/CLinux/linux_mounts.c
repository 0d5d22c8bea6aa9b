#include "linux_mounts.h"

#include <pthread.h>
#include <sys/mount.h>
#include <unistd.h>

int linux_mount_fuse(const char *source, const char *target, const char *type, bool read_only, const char *options) {
  return mount(source, target, type, read_only ? MS_RDONLY : 0, options);
}

int linux_unmount(const char *target, bool lazily) {
  return umount2(target, UMOUNT_NOFOLLOW | (lazily ? MNT_DETACH : 0));
}

int linux_start_syncing_file_system(int descriptor) { return syncfs(descriptor); }

void linux_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }
