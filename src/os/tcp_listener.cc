#include "src/os/tcp_listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "src/os/socket_address.h"

namespace sipwsd::os {
namespace {

void switch_on(int socket, int level, int option, int value = 1) noexcept {
  setsockopt(socket, level, option, &value, sizeof value);
}

Result<Fd> bound_stream_socket(const Endpoint& at, ReusePort reuse_port) {
  const SocketAddress address = to_socket_address(at);
  Fd socket{::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!socket.is_open()) return system_error("cannot create a socket for " + at.to_string());
  switch_on(socket.raw(), SOL_SOCKET, SO_REUSEADDR);  // connections of a former run in TIME_WAIT are no obstacle
  if (reuse_port == ReusePort::join_group) switch_on(socket.raw(), SOL_SOCKET, SO_REUSEPORT);
  if (at.family == AddressFamily::ipv6) switch_on(socket.raw(), IPPROTO_IPV6, IPV6_V6ONLY);
  if (bind(socket.raw(), address.raw(), address.length) != 0) return system_error("cannot listen on " + at.to_string());
  // The kernel forms the group at listen(), so the option may come after bind().
  if (reuse_port == ReusePort::found_group) switch_on(socket.raw(), SOL_SOCKET, SO_REUSEPORT);
  return socket;
}

}  // namespace

Result<Fd> listen_tcp(const Endpoint& at, const ListenOptions& options) {
  auto socket = bound_stream_socket(at, options.reuse_port);
  if (!socket) return socket;
  if (options.first_bytes == FirstBytes::defer_until_sent) switch_on(socket->raw(), IPPROTO_TCP, TCP_DEFER_ACCEPT, 5);
  if (listen(socket->raw(), options.backlog) != 0) return system_error("cannot listen on " + at.to_string());
  return socket;
}

// Linux takes this as the end of listening, and listen(2) as its beginning; HAProxy pauses its listeners so.
void stop_listening(int listener) noexcept { shutdown(listener, SHUT_RD); }

Result<void> listen_again(int listener, int backlog) {
  if (listen(listener, backlog) != 0) return system_error("cannot listen again");
  return {};
}

Result<Accepted> accept_tcp(int listener, TransportProtocol protocol) noexcept {
  SocketAddress peer;
  peer.length = sizeof peer.storage;
  Fd socket{accept4(listener, peer.raw(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (socket.is_open()) return Accepted{std::move(socket), to_endpoint(peer, protocol)};
  if (errno == EAGAIN || errno == EWOULDBLOCK) return Errc::incomplete;
  if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) return Errc::full;
  return Errc::gone;  // accept(2): errors of the new connection are reported here too; none of them is ours
}

void set_no_delay(int socket) noexcept { switch_on(socket, IPPROTO_TCP, TCP_NODELAY); }

void set_abortive_close(int socket) noexcept {
  const linger at_once{1, 0};
  setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace sipwsd::os
