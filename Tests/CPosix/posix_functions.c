#include "posix_functions.h"

#include <linux/fs.h>
#include <sys/ioctl.h>

int posix_clone(int to, int from) { return ioctl(to, FICLONE, from); }
