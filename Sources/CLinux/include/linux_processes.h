#ifndef TINE_LINUX_PROCESSES_H
#define TINE_LINUX_PROCESSES_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/// What a new process is to be.
struct linux_spawn_request {
  /// The program (looked for in PATH where it has no slash), its arguments and its environment, both ended by NULL.
  const char *program;
  char *const *arguments;
  char *const *environment;
  /// The working directory, or NULL for this process's.
  const char *directory;
  /// Shows the directory `bind_source` at `bind_target`, in a mount namespace of the new process's own; or NULL.
  const char *bind_source;
  const char *bind_target;
  /// In that namespace, takes away the mounts of type fuse.tine below this directory; or NULL. A namespace keeps what
  /// was mounted when it was made, and so would keep the mounts of others alive.
  const char *hidden;
  /// Descriptors that become standard input, output and error, and 3 (each -1: the first three inherited, no 3).
  int descriptors[4];
  /// The process group to join, 0 for one of its own, -1 for that of this process. A group that is gone is not joined.
  pid_t group;
  /// Has the kernel kill it (SIGKILL) when the thread that started it ends, unless it becomes a set-user-ID program.
  bool ends_with_parent;
  /// Makes it a daemon: a session of its own, no child of this process, and without its other descriptors.
  bool detached;
  /// Becomes this user and group, with no supplementary groups, where `switches_user`.
  bool switches_user;
  uid_t user;
  gid_t user_group;
};

/// The step that failed, where a new process could not be made.
enum linux_spawn_step {
  linux_spawn_fork = 1,
  linux_spawn_namespace,
  linux_spawn_bind,
  linux_spawn_user,
  linux_spawn_directory,
  linux_spawn_program,
};

/// Starts a process, with every signal at its default and none blocked. Returns its number, or -1 with errno and the
/// step; then nothing of it is left. For a detached process the number is 0.
pid_t linux_spawn(const struct linux_spawn_request *request, int32_t *step);

/// Makes this process the parent of its orphaned descendants (PR_SET_CHILD_SUBREAPER).
int linux_adopt_orphans(void);

/// pipe2(2) with O_CLOEXEC: the reading end, then the writing end.
int linux_pipe(int ends[2]);

/// pidfd_open(2): a descriptor that becomes readable when the process ends.
int linux_open_process(pid_t process);

/// pidfd_send_signal(2): sends a signal to the process that a descriptor of linux_open_process names.
int linux_signal_process(int descriptor, int signal);

/// Whether the first thread of a process has ended, as that of a process that was killed does at once; others may still wait in the
/// kernel. No descriptor tells that: since Linux 6.15 a pidfd waits for all threads.
bool linux_first_thread_has_ended(pid_t process);

/// Whether the first thread of a process has ended, and every other waits in a call that only asks a mounted file system for something, by what
/// /proc says; false also where that cannot be told.
bool linux_only_asks_file_systems(pid_t process);
#endif
