#pragma once
// Outgoing TCP connections, without waiting: one call begins, the socket is writable when it has come about or failed.

#include <chrono>

#include "sipwsd/endpoint.h"
#include "src/os/fd.h"

namespace sipwsd::os {

// From whatever address and port the system chooses. Errors: gone, no way leads there; full, no descriptors or memory.
Result<Fd> dial_tcp(const Endpoint& remote);
// Once it is writable. An Error says why it has failed.
Result<void> dialled(int socket);

// The kernel asks a peer that is silent for `idle` whether it lives, and ends the connection when it doesn't say so.
void keep_alive(int socket, std::chrono::seconds idle) noexcept;

}  // namespace sipwsd::os
