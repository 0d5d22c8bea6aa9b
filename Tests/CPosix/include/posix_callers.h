#ifndef TINE_POSIX_CALLERS_H
#define TINE_POSIX_CALLERS_H
#include <stddef.h>
#include <sys/types.h>

/// Makes the calling thread act as this user and group with these supplementary groups, for good, with the given umask
/// and a working directory of its own; other threads stay as they are. The C library's calls would change all threads.
/// With a `root` that is not NULL, it sees nothing but that directory, and works in it.
int posix_become(
    uid_t user, gid_t group, const gid_t *groups, size_t count, mode_t umask, const char *root);
#endif
