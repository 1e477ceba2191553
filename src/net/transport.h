#pragma once
// What transactions send through: a flow (RFC 5626 3) and bytes. The real one is ConnectionRegistry; tests have a fake.

#include <cstdint>
#include <string_view>

#include "sipwsd/connection_id.h"
#include "sipwsd/result.h"

namespace sipwsd::net {

class Transport {
 public:
  virtual ~Transport() = default;

  // Sends one whole SIP message on `flow`: written at once when this worker owns the connection, else posted to the
  // owner. `ticket` is a client transaction's token: when the owner finds the connection gone after the message was
  // posted, Layer::on_send_failed(ticket) is called here later. 0: nobody wants to know.
  // Errors: gone (no such connection), full (outbox or mailbox; nothing was sent), too_large.
  virtual Result<void> send(Flow flow, std::string_view message, std::uint64_t ticket) = 0;
};

}  // namespace sipwsd::net
