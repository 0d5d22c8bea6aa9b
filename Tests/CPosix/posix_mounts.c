#include "posix_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int write_map(pid_t process, const char *file, uid_t first, uid_t count) {
  char path[64], map[64];
  snprintf(path, sizeof path, "/proc/%d/%s", process, file);
  int length = snprintf(map, sizeof map, "0 %u %u\n", first, count);
  int descriptor = open(path, O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) return -1;
  ssize_t written = write(descriptor, map, (size_t)length);
  int error = errno;
  close(descriptor);
  errno = error;
  return written == length ? 0 : -1;
}

static int open_namespace(pid_t process, uid_t first, uid_t count) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/user", process);
  if (write_map(process, "uid_map", first, count) < 0 || write_map(process, "gid_map", first, count) < 0) return -1;
  return open(path, O_RDONLY | O_CLOEXEC);
}

/// A descriptor of a new user namespace. The process that made it is needed only until it is open.
static int make_namespace(uid_t first, uid_t count) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return -1;
  pid_t process = fork();
  if (process == 0) {
    char ready = unshare(CLONE_NEWUSER) == 0;
    if (write(ends[1], &ready, 1) == 1) pause();
    _exit(0);
  }
  close(ends[1]);
  char ready = 0;
  int descriptor = -1;
  if (process > 0 && read(ends[0], &ready, 1) == 1 && ready) descriptor = open_namespace(process, first, count);
  int error = errno;
  if (process > 0) {
    kill(process, SIGKILL);
    waitpid(process, NULL, 0);
  }
  close(ends[0]);
  errno = error;
  return descriptor;
}

static int place(int tree, int names, const char *target) {
  struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (unsigned)names};
  if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0) return -1;
  return (int)syscall(SYS_move_mount, tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
}

int posix_mount_shifted(const char *source, const char *target, uid_t first, uid_t count) {
  int names = make_namespace(first, count);
  if (names < 0) return -1;
  int tree = (int)syscall(SYS_open_tree, AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  int result = tree < 0 ? -1 : place(tree, names, target);
  int error = errno;
  close(names);
  if (tree >= 0) close(tree);
  errno = error;
  return result;
}
