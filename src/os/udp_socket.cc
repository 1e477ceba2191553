#include "src/os/udp_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "src/os/socket_address.h"

namespace sipwsd::os {

Result<Fd> bind_udp(const Endpoint& at, ReusePort reuse_port) {
  const SocketAddress address = to_socket_address(at);
  Fd socket{::socket(address.storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!socket.is_open()) return system_error("cannot create a socket for " + at.to_string());
  const int on = 1;
  if (reuse_port == ReusePort::join_group) setsockopt(socket.raw(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (at.family == AddressFamily::ipv6) setsockopt(socket.raw(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (bind(socket.raw(), address.raw(), address.length) != 0) return system_error("cannot listen on " + at.to_string());
  // A joining socket makes the group with the one it finds bound, so the option may come after bind().
  if (reuse_port == ReusePort::found_group) setsockopt(socket.raw(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  return socket;
}

Result<Datagram> receive_datagram(int socket, std::span<std::byte> into) noexcept {
  SocketAddress from;
  iovec piece{into.data(), into.size()};
  msghdr header{};
  header.msg_name = from.raw();
  header.msg_namelen = sizeof from.storage;
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  const auto size = recvmsg(socket, &header, 0);
  if (size < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? Errc::incomplete : Errc::gone;
  return Datagram{static_cast<std::size_t>(size), (header.msg_flags & MSG_TRUNC) != 0,
                  to_endpoint(from, TransportProtocol::udp)};
}

Result<void> send_datagram(int socket, std::span<const std::byte> bytes, const Endpoint& to) noexcept {
  const SocketAddress address = to_socket_address(to);
  if (sendto(socket, bytes.data(), bytes.size(), 0, address.raw(), address.length) >= 0) return {};
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) return Errc::full;
  if (errno == EMSGSIZE) return Errc::too_large;
  return Errc::gone;
}

}  // namespace sipwsd::os
