#include "posix_callers.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int posix_become(
    uid_t user, gid_t group, const gid_t *groups, size_t count, mode_t mask, const char *root) {
  if (unshare(CLONE_FS) < 0) return -1;
  if (root && (chroot(root) < 0 || chdir("/") < 0)) return -1;
  umask(mask);
  if (syscall(SYS_setgroups, count, groups) < 0) return -1;
  if (syscall(SYS_setresgid, group, group, group) < 0) return -1;
  if (syscall(SYS_setresuid, user, user, user) < 0) return -1;
  // The change of user closes /proc/thread-self to the thread itself.
  return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}
