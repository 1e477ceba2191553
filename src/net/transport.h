#pragma once
// What transactions send through: a destination and bytes. The real one is ConnectionRegistry; tests have a fake.

#include <cstdint>
#include <string_view>

#include "sipwsd/destination.h"
#include "sipwsd/result.h"

namespace sipwsd::net {

class Transport {
 public:
  virtual ~Transport() = default;

  // Sends one whole SIP message. Along a flow: written at once when this worker owns the connection, else posted to the
  // owner. By address: a datagram, or over this worker's connection to that address, which is made when there is none;
  // the message then waits for it. `server_name` is what that server's certificate must say (RFC 5922 7.2).
  // `ticket` is a client transaction's token: when the owner of a flow finds the connection gone after the message was
  // posted, Layer::on_send_failed(ticket) is called here later. 0: nobody wants to know.
  // Returns the flow it went along, also one that is being made; none for a datagram. When that ends, or is never made,
  // Core::on_connection_closed says so.
  // Errors: gone (no such connection), full (outbox or mailbox; nothing was sent), too_large, unsupported (by address:
  // no socket for that protocol and family).
  virtual Result<Flow> send(const Destination& to, std::string_view message, std::uint64_t ticket,
                            std::string_view server_name = {}) = 0;
};

}  // namespace sipwsd::net
