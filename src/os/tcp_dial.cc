#include "src/os/tcp_dial.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "src/os/socket_address.h"

namespace sipwsd::os {

Result<Fd> dial_tcp(const Endpoint& remote) {
  const SocketAddress address = to_socket_address(remote);
  Fd socket{::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!socket.is_open()) return Error{Errc::full, system_error("cannot create a socket for " + remote.to_string()).why};
  if (connect(socket.raw(), address.raw(), address.length) == 0 || errno == EINPROGRESS) return socket;
  return Error{errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM || errno == EADDRNOTAVAIL ? Errc::full : Errc::gone,
               system_error("cannot connect to " + remote.to_string()).why};
}

Result<void> dialled(int socket) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return system_error("cannot connect", error);
  return {};
}

void keep_alive(int socket, std::chrono::seconds idle) noexcept {
  const int on = 1, seconds = static_cast<int>(idle.count()), interval = 10, attempts = 3;
  setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof seconds);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &attempts, sizeof attempts);
}

}  // namespace sipwsd::os
