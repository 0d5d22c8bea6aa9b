// Between fork and exec only what is safe there may run: other threads of the parent may hold any lock. Hence C, and
// hence no allocation below `child`.
#include "linux_processes.h"
#include "linux_surroundings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct report {
  int32_t error;
  int32_t step;
};

static void fail(int channel, int32_t step) {
  struct report report = {errno, step};
  ssize_t written = write(channel, &report, sizeof report);
  (void)written;
  _exit(127);
}

static int write_file(const char *path, const char *text) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return -1;
  ssize_t written = write(file, text, strlen(text));
  int error = errno;
  close(file);
  errno = error;
  return written < 0 ? -1 : 0;
}

/// A user namespace in which this user is itself, and may mount.
static int enter_user_namespace(void) {
  char map[64];
  uid_t user = geteuid();
  gid_t group = getegid();
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) return -1;
  if (write_file("/proc/self/setgroups", "deny") < 0 && errno != ENOENT) return -1;
  snprintf(map, sizeof map, "%u %u 1\n", user, user);
  if (write_file("/proc/self/uid_map", map) < 0) return -1;
  snprintf(map, sizeof map, "%u %u 1\n", group, group);
  return write_file("/proc/self/gid_map", map);
}

/// Mounts are made slaves: what is unmounted outside goes here too, and nothing done here shows outside.
static int enter_mount_namespace(void) {
  if (geteuid() == 0 ? unshare(CLONE_NEWNS) < 0 : enter_user_namespace() < 0) return -1;
  return mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL);
}

/// Turns the octal escapes of a path in /proc/self/mountinfo back, in place.
static void unescape(char *path) {
  char *to = path;
  for (const char *from = path; *from; to++) {
    if (from[0] == '\\' && from[1] && from[2] && from[3]) {
      *to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
      from += 4;
    } else {
      *to = *from++;
    }
  }
  *to = 0;
}

/// Detaches the mount that a line of /proc/self/mountinfo describes, if it is one of ours below `hidden`.
static void hide_mount(char *line, const char *hidden) {
  if (!strstr(line, " - fuse.tine ")) return;
  char *path = line;
  for (int field = 0; field < 4; field++) {
    path = strchr(path, ' ');
    if (!path) return;
    path++;
  }
  char *end = strchr(path, ' ');
  if (!end) return;
  *end = 0;
  unescape(path);
  size_t length = strlen(hidden);
  if (strncmp(path, hidden, length) == 0 && path[length] == '/') umount2(path, MNT_DETACH);
}

/// Reads the whole list before it changes the mounts, as far as the buffer reaches.
static int hide_mounts(const char *hidden) {
  static char list[1 << 20];
  int file = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  size_t length = 0;
  ssize_t count;
  while ((count = read(file, list + length, sizeof list - 1 - length)) > 0) length += (size_t)count;
  close(file);
  if (count < 0) return -1;
  list[length] = 0;
  for (char *line = list; *line;) {
    char *end = strchr(line, '\n');
    if (end) *end = 0;
    hide_mount(line, hidden);
    if (!end) break;
    line = end + 1;
  }
  return 0;
}

static void reset_signals(void) {
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

/// Puts `descriptors` at 0 to 3. They are moved out of that range first, so that none overwrites another.
static int place_descriptors(const int *descriptors) {
  int moved[4];
  for (int i = 0; i < 4; i++) {
    moved[i] = descriptors[i] < 0 ? -1 : fcntl(descriptors[i], F_DUPFD_CLOEXEC, 10);
    if (descriptors[i] >= 0 && moved[i] < 0) return -1;
  }
  for (int i = 0; i < 4; i++)
    if (moved[i] >= 0 && dup2(moved[i], i) < 0) return -1;
  return 0;
}

/// Whether the working directory is on the file system of the directory that was to be shown there. The path of a target may lead
/// elsewhere after the mount: that of the root directory does, and one through /proc.
static bool stands_in_view(dev_t shown) {
  struct stat status;
  if (stat(".", &status) == 0 && status.st_dev == shown) return true;
  errno = EXDEV;
  return false;
}

static void child(const struct linux_spawn_request *request, int channel) {
  struct stat source = {0};
  if (request->group >= 0) setpgid(0, request->group);
  if (request->ends_with_parent) prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (request->bind_source) {
    if (stat(request->bind_source, &source) < 0) fail(channel, linux_spawn_bind);
    if (enter_mount_namespace() < 0) fail(channel, linux_spawn_namespace);
    if (mount(request->bind_source, request->bind_target, NULL, MS_BIND, NULL) < 0) fail(channel, linux_spawn_bind);
    if (request->hidden && hide_mounts(request->hidden) < 0) fail(channel, linux_spawn_namespace);
  }
  if (place_descriptors(request->descriptors) < 0) fail(channel, linux_spawn_fork);
  // What the caller has open, a daemon would keep for good: locks, and pipes whose readers wait for their end.
  if (request->detached) linux_close_descriptors(request->descriptors[3] < 0 ? 3 : 4, channel);
  if (request->switches_user) {
    if (setgroups(0, NULL) < 0 || setgid(request->user_group) < 0 || setuid(request->user) < 0)
      fail(channel, linux_spawn_user);
  }
  if (request->directory && chdir(request->directory) < 0) fail(channel, linux_spawn_directory);
  if (request->bind_source && request->directory && !stands_in_view(source.st_dev)) fail(channel, linux_spawn_bind);
  reset_signals();
  execvpe(request->program, request->arguments, request->environment);
  fail(channel, linux_spawn_program);
}

pid_t linux_spawn(const struct linux_spawn_request *request, int32_t *step) {
  int channel[2];
  *step = linux_spawn_fork;
  if (pipe2(channel, O_CLOEXEC) < 0) return -1;
  int writer = fcntl(channel[1], F_DUPFD_CLOEXEC, 10);
  close(channel[1]);
  if (writer < 0) {
    close(channel[0]);
    return -1;
  }
  pid_t process = fork();
  if (process == 0) {
    if (request->detached) {
      if (setsid() < 0) fail(writer, linux_spawn_fork);
      pid_t second = fork();
      if (second < 0) fail(writer, linux_spawn_fork);
      if (second > 0) _exit(0);
    }
    child(request, writer);
  }
  int error = errno;
  close(writer);
  struct report report = {error, linux_spawn_fork};
  ssize_t length = 0;
  if (process > 0) {
    do length = read(channel[0], &report, sizeof report);
    while (length < 0 && errno == EINTR);
    if (length == sizeof report || request->detached) {
      while (waitpid(process, NULL, 0) < 0 && errno == EINTR) {}
    }
  }
  close(channel[0]);
  if (process > 0 && length == 0) return request->detached ? 0 : process;
  *step = report.step;
  errno = report.error;
  return -1;
}

int linux_adopt_orphans(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int linux_open_process(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }

int linux_signal_process(int descriptor, int signal) {
  return (int)syscall(SYS_pidfd_send_signal, descriptor, signal, NULL, 0);
}

/// Calls that change nothing but what the kernel knows: of a fork barrier, of unmounting, of notifications, and of reading files. Nothing
/// that writes to a store is among them.
static bool only_asks(long number, unsigned long third_argument) {
  switch (number) {
    case SYS_openat: return (third_argument & (O_CREAT | O_TRUNC)) == 0;
    case SYS_close:
    case SYS_read:
    case SYS_pread64:
    case SYS_preadv:
    case SYS_preadv2:
    case SYS_lseek:
    case SYS_getdents64:
    case SYS_readlink:
    case SYS_readlinkat:
    case SYS_access:
    case SYS_faccessat:
    case SYS_faccessat2:
    case SYS_stat:
    case SYS_lstat:
    case SYS_statx:
    case SYS_getxattr:
    case SYS_lgetxattr:
    case SYS_fgetxattr:
    case SYS_listxattr:
    case SYS_llistxattr:
    case SYS_flistxattr:
    case SYS_fstat:
    case SYS_newfstatat:
    case SYS_statfs:
    case SYS_fstatfs:
    case SYS_syncfs:
    case SYS_sync_file_range:
    case SYS_umount2:
    case SYS_writev: return true;
    default: return false;
  }
}

/// State Z or X in /proc/PID/stat, behind the name in parentheses.
bool linux_first_thread_has_ended(pid_t process) {
  char path[64], text[512];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
  FILE *file = fopen(path, "re");
  if (!file) return false;
  size_t length = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[length] = 0;
  const char *name_end = strrchr(text, ')');
  return name_end && (name_end[1] == ' ') && (name_end[2] == 'Z' || name_end[2] == 'X');
}

bool linux_only_asks_file_systems(pid_t process) {
  if (!linux_first_thread_has_ended(process)) return false;
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task", (int)process);
  DIR *tasks = opendir(path);
  if (!tasks) return false;
  bool result = true;
  struct dirent *entry;
  while (result && (entry = readdir(tasks))) {
    int thread = atoi(entry->d_name);
    if (thread <= 0 || thread == process) continue;
    snprintf(path, sizeof path, "/proc/%d/task/%d/syscall", (int)process, thread);
    FILE *file = fopen(path, "re");
    long number = -1;
    unsigned long arguments[3] = {0};
    if (file) {
      if (fscanf(file, "%ld %lx %lx %lx", &number, &arguments[0], &arguments[1], &arguments[2]) != 4) number = -1;
      fclose(file);
    } else if (errno == ENOENT) {
      continue;
    }
    result = only_asks(number, arguments[2]);
  }
  closedir(tasks);
  return result;
}

int linux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }
