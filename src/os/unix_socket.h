#pragma once
// Local stream sockets: the JSON-RPC management socket, and pairs between parent and child.

#include <sys/types.h>

#include <string>

#include "src/os/fd.h"

namespace sipwsd::os {

// An old socket file of that name that nobody answers on is replaced; anything else is Errc::exists. Nonblocking.
Result<Fd> listen_unix(const std::string& path, mode_t mode = 0660);
Result<Fd> connect_unix(const std::string& path);

struct SocketPair {
  Fd here;
  Fd there;
};
Result<SocketPair> make_socket_pair();  // stream, blocking

}  // namespace sipwsd::os
