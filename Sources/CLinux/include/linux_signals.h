#ifndef TINE_LINUX_SIGNALS_H
#define TINE_LINUX_SIGNALS_H
#include <stdbool.h>

/// Blocks SIGINT, SIGTERM and SIGHUP in this thread and those it starts, and returns a descriptor (signalfd(2),
/// close-on-exec, not blocking) that is readable while one of them is pending.
int linux_catch_interruptions(void);

/// Takes a pending signal from such a descriptor; 0 where there is none. `from_terminal` tells whether the terminal sent
/// it, and so to the whole foreground process group.
int linux_take_interruption(int descriptor, bool *from_terminal);

/// Blocks SIGCHLD in this thread and those it starts, and returns a descriptor as above that is readable after a child has ended.
int linux_watch_children(void);

/// Makes such a descriptor unreadable until the next child ends.
void linux_forget_children(int descriptor);
#endif
