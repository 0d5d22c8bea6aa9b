#include "linux_signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int catch(const sigset_t *signals) {
  if (pthread_sigmask(SIG_BLOCK, signals, NULL) != 0) return -1;
  return signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

int linux_catch_interruptions(void) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  return catch(&signals);
}

int linux_watch_children(void) {
  // Where the parent ignored it, children would be gone before anybody could wait for them.
  if (signal(SIGCHLD, SIG_DFL) == SIG_ERR) return -1;
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  return catch(&signals);
}

void linux_forget_children(int descriptor) {
  struct signalfd_siginfo info;
  while (read(descriptor, &info, sizeof info) == sizeof info) {}
}

int linux_take_interruption(int descriptor, bool *from_terminal) {
  struct signalfd_siginfo info;
  if (read(descriptor, &info, sizeof info) != sizeof info) return 0;
  *from_terminal = info.ssi_code == SI_KERNEL;
  return (int)info.ssi_signo;
}
