#ifndef TINE_POSIX_ASYNCHRONOUS_H
#define TINE_POSIX_ASYNCHRONOUS_H
#include <linux/aio_abi.h>

// The system calls of native asynchronous I/O, without the library: io_setup(2), io_submit(2), io_getevents(2), io_destroy(2).
int posix_io_setup(unsigned count, aio_context_t *context);
int posix_io_submit(aio_context_t context, long count, struct iocb **requests);
/// Waits for `count` requests.
int posix_io_getevents(aio_context_t context, long count, struct io_event *events);
int posix_io_destroy(aio_context_t context);
#endif
