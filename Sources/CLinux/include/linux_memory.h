#ifndef TINE_LINUX_MEMORY_H
#define TINE_LINUX_MEMORY_H
#include <stddef.h>

/// memfd_create(2) with MFD_CLOEXEC: memory that has no name, of `size` bytes, all zero.
int linux_make_memory(const char *name, size_t size);

/// madvise(2) with MADV_POPULATE_WRITE: brings pages into memory at once, where the kernel can (5.14).
void linux_populate(void *address, size_t size);
#endif
