#include "linux_surroundings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

const uint64_t linux_no_limit = RLIM_INFINITY;

static int number(enum linux_resource resource) {
  switch (resource) {
    case linux_open_files: return RLIMIT_NOFILE;
    case linux_file_size: return RLIMIT_FSIZE;
    case linux_processor_time: return RLIMIT_CPU;
    case linux_address_space: return RLIMIT_AS;
    case linux_data_segment: return RLIMIT_DATA;
    case linux_stack: return RLIMIT_STACK;
    case linux_processes: return RLIMIT_NPROC;
    case linux_core_file: return RLIMIT_CORE;
  }
  return -1;
}

int linux_get_limit(enum linux_resource resource, uint64_t *soft, uint64_t *hard) {
  struct rlimit limit;
  if (getrlimit(number(resource), &limit) < 0) return -1;
  *soft = limit.rlim_cur;
  *hard = limit.rlim_max;
  return 0;
}

int linux_set_limit(enum linux_resource resource, uint64_t soft, uint64_t hard) {
  struct rlimit limit = {soft, hard};
  return setrlimit(number(resource), &limit);
}

int linux_occupy_standard_descriptors(void) {
  for (int descriptor = 0; descriptor <= 2; descriptor++) {
    if (fcntl(descriptor, F_GETFD) >= 0) continue;
    // The lowest number that is free is this one.
    if (open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY) < 0) return -1;
  }
  return 0;
}

static int close_listed(int first, int kept) {
  DIR *list = opendir("/proc/self/fd");
  if (!list) return -1;
  struct dirent *entry;
  while ((entry = readdir(list))) {
    int descriptor = atoi(entry->d_name);
    if (descriptor >= first && descriptor != kept && descriptor != dirfd(list)) close(descriptor);
  }
  return closedir(list);
}

int linux_close_descriptors(int first, int kept) {
#ifdef SYS_close_range
  unsigned end = ~0U;
  bool splits = kept >= first;
  if ((!splits || kept == first || syscall(SYS_close_range, first, kept - 1, 0) == 0) &&
      syscall(SYS_close_range, splits ? kept + 1 : first, end, 0) == 0)
    return 0;
#endif
  return close_listed(first, kept);
}

void linux_restore_signals(void) {
  for (int signal_number = 1; signal_number < NSIG; signal_number++) {
    struct sigaction action;
    if (sigaction(signal_number, NULL, &action) == 0 && action.sa_handler == SIG_IGN) signal(signal_number, SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

void linux_ignore_limit_signals(void) {
  signal(SIGXFSZ, SIG_IGN);
  signal(SIGXCPU, SIG_IGN);
}

int linux_set_niceness(int niceness) { return setpriority(PRIO_PROCESS, 0, niceness); }

int linux_set_ordinary_scheduling(void) {
  struct sched_param parameters = {0};
  return sched_setscheduler(0, SCHED_OTHER, &parameters);
}

int linux_clear_io_priority(void) { return (int)syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, 0, 0); }

int linux_use_all_processors(void) {
  unsigned long processors[1024];
  memset(processors, 0xff, sizeof processors);
  return (int)syscall(SYS_sched_setaffinity, 0, sizeof processors, processors);
}

int linux_clear_memory_policy(void) { return (int)syscall(SYS_set_mempolicy, 0 /* MPOL_DEFAULT */, NULL, 0); }

void linux_clear_process_settings(void) {
  prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
  prctl(PR_SET_TIMERSLACK, 50000, 0, 0, 0);
  prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
  personality(PER_LINUX);
}
