#pragma once
// Datagram sockets, one per worker slot in an SO_REUSEPORT group like the listeners.

#include <cstddef>
#include <span>

#include "sipwsd/endpoint.h"
#include "src/os/fd.h"
#include "src/os/tcp_listener.h"

namespace sipwsd::os {

// Nonblocking. Errors as listen_tcp.
Result<Fd> bind_udp(const Endpoint& at, ReusePort reuse_port = ReusePort::no);

struct Datagram {
  std::size_t size = 0;
  bool truncated = false;
  Endpoint from;
};
// Errc::incomplete: nothing there.
Result<Datagram> receive_datagram(int socket, std::span<std::byte> into) noexcept;
// Errc::full: the socket's buffer; Errc::gone: the destination can't be reached.
Result<void> send_datagram(int socket, std::span<const std::byte> bytes, const Endpoint& to) noexcept;

}  // namespace sipwsd::os
