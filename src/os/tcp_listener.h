#pragma once
// Listening TCP sockets. Several listeners on one address form an SO_REUSEPORT group: the kernel gives each its own
// accept queue and spreads connections by the hash of their addresses. A queue lives as long as its descriptor, so
// the supervisor keeps one listener per worker slot and a killed worker's queue waits for its replacement.

#include "sipwsd/endpoint.h"
#include "src/os/fd.h"

namespace sipwsd::os {

// found_group: the first of a group. It is bound alone, which the kernel refuses when anybody else is bound there, also
// a second daemon of the same user with SO_REUSEPORT; only then it is opened for the others, who say join_group.
enum class ReusePort { no, found_group, join_group };
enum class FirstBytes { accept_at_once, defer_until_sent };  // TCP_DEFER_ACCEPT: don't wake for silent connections

struct ListenOptions {
  int backlog = 4096;  // the kernel cuts it to net.core.somaxconn
  ReusePort reuse_port = ReusePort::no;
  FirstBytes first_bytes = FirstBytes::accept_at_once;
};

// Nonblocking, IPv6 sockets take IPv6 only. Errc::exists: the address is in use; Errc::refused: no permission.
Result<Fd> listen_tcp(const Endpoint& at, const ListenOptions& options = {});

// Whoever connects now is refused, also on the copies of the socket in other processes; what waits in the queue is reset.
// The port stays ours.
void stop_listening(int listener) noexcept;
Result<void> listen_again(int listener, int backlog = ListenOptions{}.backlog);

struct Accepted {
  Fd socket;  // nonblocking, close-on-exec
  Endpoint peer;
};
// Errc::incomplete: nobody is waiting. Errc::full: no descriptors or memory left. Errc::gone: the peer left while it
// queued; go on with the next. Allocates nothing for these.
Result<Accepted> accept_tcp(int listener, TransportProtocol protocol) noexcept;

void set_no_delay(int socket) noexcept;
// A close() that answers RST instead of lingering: for peers that don't deserve TIME_WAIT.
void set_abortive_close(int socket) noexcept;

}  // namespace sipwsd::os
