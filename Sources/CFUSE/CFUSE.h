// libfuse's low-level API, and the kernel's own header of the wire format, for the few messages libfuse does not know yet.
#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>
#include <linux/fuse.h>
