#ifndef TINE_LINUX_MESSAGES_H
#define TINE_LINUX_MESSAGES_H
#include <stddef.h>
#include <sys/types.h>

/// socketpair(2) of two connected ends that keep messages whole (SOCK_SEQPACKET), with SOCK_CLOEXEC.
int linux_message_pair(int ends[2]);

/// Sends one message, with a copy of `descriptor` unless that is -1. Never raises SIGPIPE.
ssize_t linux_send_message(int socket, const void *bytes, size_t count, int descriptor);

/// Receives one message and the descriptor that came with it (-1 where none did), which is closed on exec. 0 says that the
/// other end is closed. A message that is longer than `count` fails with EMSGSIZE, and one
/// of which a descriptor found no place (too many are open, or more than one came along) with EMFILE; it is lost.
ssize_t linux_receive_message(int socket, void *bytes, size_t count, int *descriptor);

/// The process at the other end of a Unix socket, as it was when it connected or began to listen (SO_PEERCRED); -1 where that is not known.
pid_t linux_peer_process(int socket);

/// How much was sent on a Unix socket and not received yet (SIOCOUTQ); -1 where that is not known.
int linux_unreceived_bytes(int socket);

/// accept4(2) with SOCK_CLOEXEC.
int linux_accept(int listener);
#endif
