// System calls and constants that tests of file systems need and Swift's Glibc module hides, because it is built
// without _GNU_SOURCE. Functions of the C library are declared as their man pages say.
#include "posix_asynchronous.h"
#include "posix_callers.h"
#include "posix_constants.h"
#include "posix_functions.h"
#include "posix_mounts.h"
