#include "linux_memory.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

int linux_make_memory(const char *name, size_t size) {
  int memory = memfd_create(name, MFD_CLOEXEC);
  if (memory >= 0 && ftruncate(memory, (off_t)size) < 0) {
    int error = errno;
    close(memory);
    errno = error;
    return -1;
  }
  return memory;
}

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
void linux_populate(void *address, size_t size) { madvise(address, size, MADV_POPULATE_WRITE); }
