#include "posix_asynchronous.h"

#include <sys/syscall.h>
#include <unistd.h>

int posix_io_setup(unsigned count, aio_context_t *context) { return (int)syscall(SYS_io_setup, count, context); }

int posix_io_submit(aio_context_t context, long count, struct iocb **requests) {
  return (int)syscall(SYS_io_submit, context, count, requests);
}

int posix_io_getevents(aio_context_t context, long count, struct io_event *events) {
  return (int)syscall(SYS_io_getevents, context, count, count, events, NULL);
}

int posix_io_destroy(aio_context_t context) { return (int)syscall(SYS_io_destroy, context); }
