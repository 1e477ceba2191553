#pragma once
// The OpenSSL contexts of one worker, made after the fork: no OpenSSL object is ever shared (style 6.6). Which profile
// serves a connection is decided by the local address, then by the name in the ClientHello (RFC 6066 3) before anything
// else of it is looked at. A reload makes new Contexts; sessions of the old ones keep what they need until they end.
//
// What holds in every context: TLS 1.2 and 1.3, no renegotiation (RFC 5746 is still answered), no compression, no early
// data, no session cache (tickets only, RFC 5077 and RFC 8446 4.6.1), forward secrecy, buffers given back when idle.

#include "sipwsd/endpoint.h"
#include "sipwsd/result.h"

#include "shm/ticket_keys.h"
#include "src/tls/material.h"

#include <memory>

namespace sipwsd::tls {

struct ContextState;

class Contexts {
 public:
  // `material` may be gone afterwards; `tickets` is a handle, null in a process that shares no memory (no tickets then).
  [[nodiscard]] static Result<Contexts> make(const Material& material, shm::TicketKeys tickets);

  Contexts(Contexts&&) noexcept;
  Contexts& operator=(Contexts&&) noexcept;
  ~Contexts();

  // Whether somebody who connects to `local` can be served; a tls or wss listener without a profile can't.
  [[nodiscard]] bool serves(const Endpoint& local) const noexcept;

 private:
  friend class Session;
  // Shared with the sessions: a reload must not take the contexts away under a handshake.
  std::shared_ptr<const ContextState> state_;
  explicit Contexts(std::shared_ptr<const ContextState> state);
};

}  // namespace sipwsd::tls
