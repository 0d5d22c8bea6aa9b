#ifndef TINE_LINUX_MEMORY_H
#define TINE_LINUX_MEMORY_H
#include <stddef.h>

/// memfd_create(2) with MFD_CLOEXEC: memory that has no name, of `size` bytes, all zero.
int linux_make_memory(const char *name, size_t size);

/// mmap(2) of memory that is there from the start, and that no child gets; NULL where there is none.
void *linux_map_present(size_t size);
#endif
