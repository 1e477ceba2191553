#include "src/os/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sipwsd::os {
namespace {

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return Error{Errc::too_large, "\"" + path + "\" can't be the name of a local socket: 1 to 107 bytes"};
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* raw(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

}  // namespace

Result<Fd> listen_unix(const std::string& path, mode_t mode) {
  const auto address = address_of(path);
  if (!address) return address.error();
  struct stat found {};
  if (lstat(path.c_str(), &found) == 0) {
    if (!S_ISSOCK(found.st_mode)) return Error{Errc::exists, path + " exists and is not a socket"};
    if (connect_unix(path)) return Error{Errc::exists, "somebody answers on " + path + " already"};
    if (unlink(path.c_str()) != 0) return system_error("cannot remove the old socket " + path);
  }
  Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!socket.is_open()) return system_error("cannot create a local socket");
  // bind() creates the file under the umask: nobody but us until the mode is right.
  const mode_t kept = umask(0177);
  const int bound = bind(socket.raw(), raw(*address), sizeof *address);
  const int failure = errno;
  umask(kept);
  if (bound != 0) return system_error("cannot bind " + path, failure);
  if (chmod(path.c_str(), mode) != 0) return system_error("cannot set the mode of " + path);
  if (listen(socket.raw(), 16) != 0) return system_error("cannot listen on " + path);
  return socket;
}

Result<Fd> connect_unix(const std::string& path) {
  const auto address = address_of(path);
  if (!address) return address.error();
  Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!socket.is_open()) return system_error("cannot create a local socket");
  if (connect(socket.raw(), raw(*address), sizeof *address) != 0) return system_error("cannot connect to " + path);
  return socket;
}

Result<SocketPair> make_socket_pair() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return system_error("cannot make a socket pair");
  return SocketPair{Fd{ends[0]}, Fd{ends[1]}};
}

}  // namespace sipwsd::os
