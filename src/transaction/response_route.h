#pragma once
// The way back (RFC 3261 16.7 steps 3 and 9, 18.2.1, 18.2.2). A response goes by its transaction, over the flow its
// request came from, and never by what stands in a Via: a browser's sent-by is RANDOM.invalid, anybody else's may be
// a lie. So we take our own Via off and leave the client's exactly as it wrote them (SIP.js drops a response whose
// sent-by is not its own), with the `received` and `rport` that the request went on with.

#include <array>
#include <cstdint>
#include <string_view>

#include "sipwsd/destination.h"
#include "sipwsd/endpoint.h"
#include "sipwsd/exchange.h"
#include "src/sip/edits.h"
#include "src/sip/message.h"
#include "src/sip/output_buffer.h"
#include "src/sip/via.h"

namespace sipwsd::transaction {

// What the topmost Via of a request is given (18.2.1, RFC 3581 4): `received` when sent-by is a name or another
// address, or when rport was asked for; the source port when rport was asked for.
class ViaStamp {
 public:
  ViaStamp(const sip::Via& topmost, const Endpoint& source) noexcept;
  [[nodiscard]] std::string_view received() const noexcept { return {text_.data(), size_}; }  // empty: none
  [[nodiscard]] std::uint16_t rport() const noexcept { return rport_; }                       // 0: not asked for
  // `topmost` is a part of the message that is being edited.
  void put_on(const sip::Via& topmost, sip::Edits& edits) const;

 private:
  std::array<char, 46> text_;
  std::uint8_t size_ = 0;
  std::uint16_t rport_ = 0;
};

// Where responses to a request go: along its flow; to a datagram's source address, at the source port when rport asked
// for it, else at the port of sent-by (18.2.2, RFC 3581 4). `maddr` moves nothing: it is what a client wrote.
[[nodiscard]] Destination response_destination(const Arrival& arrival, const sip::Via& topmost) noexcept;

// A response of which our Via is the only one was meant for us, not for anybody behind us (16.7 step 3).
[[nodiscard]] bool has_next_via(const sip::MessageView& response) noexcept;

// Appends the response without our Via. A 503 becomes a 500 (16.7 step 6: the callee's trouble is not ours; upstream
// would stop sending to us). `challenges`: header lines of other branches, each with its CRLF (16.7 step 7).
// Returns the status that was written.
std::uint16_t write_upstream(const sip::MessageView& response, std::string_view challenges, sip::OutputBuffer& out);

}  // namespace sipwsd::transaction
