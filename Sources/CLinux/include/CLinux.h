// Linux calls and constants that Swift's Glibc module hides, because it is built without _GNU_SOURCE.
// One header a concern; each function returns what the system call returns and sets errno.
#include "linux_attributes.h"
#include "linux_files.h"
#include "linux_memory.h"
#include "linux_messages.h"
#include "linux_mounts.h"
#include "linux_processes.h"
#include "linux_signals.h"
#include "linux_surroundings.h"
