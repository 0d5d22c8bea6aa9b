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

void *linux_map_present(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) return NULL;
  // With a child pages would be shared, and each brought in again at the next write.
  madvise(memory, size, MADV_DONTFORK);
  return memory;
}
