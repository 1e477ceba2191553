#pragma once
// What one WebSocket message or datagram holds: usually one SIP message; but also keepalives (RFC 5626 3.5.1 and
// RFC 7118 6: CRLFCRLF asks, CRLF answers) and several SIP messages behind each other. Of a datagram only the first
// piece counts: bytes behind a message "MUST be discarded" (RFC 3261 18.3).
//
//   Splitter splitter{payload};
//   while (const auto piece = splitter.next()) switch (piece->kind) { ... }

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "src/sip/message.h"

namespace sipwsd::sip {

struct Piece {
  enum class Kind : std::uint8_t {
    ping,       // CRLFCRLF where a message could begin: answer CRLF; once, however often it is repeated
    pong,       // CRLF alone
    message,    // *parsed is good
    malformed,  // *parsed has the refusal and what was recovered
    garbage,    // not SIP at all: nothing to answer. Never behind a message: there it is discarded without a word
  };
  Kind kind;
  std::string_view bytes;
  const Parsed* parsed = nullptr;  // for message and malformed; until the next call of next()
};

class Splitter {
 public:
  explicit Splitter(std::string_view payload, const Limits& limits = {}) : rest_(payload), limits_(limits) {}
  // Nothing when the payload is used up. CRLFs directly before a message belong to the message (RFC 3261 7.5)
  // unless they are the four bytes of a ping.
  [[nodiscard]] std::optional<Piece> next();

 private:
  std::string_view rest_;
  Limits limits_;
  bool had_message_ = false;
  std::optional<Parsed> parsed_;
};

}  // namespace sipwsd::sip
