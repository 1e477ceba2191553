#pragma once
// SIP on TCP and TLS: bytes in, messages out, one at a time (RFC 3261 18.3, 7.5; RFC 5626 4.4.1). On a stream only
// Content-Length says where a message ends, so a message without a usable one ends the stream: nothing behind it can
// be told apart any more. The same holds for a line that does not end in CRLF.
//
//   MutableBytes wire = what was read;
//   while (auto event = framer.next(wire, limits)) std::visit(..., *event);
//
// As ws::Receiver: `wire` may be a buffer all connections of a worker share, and when there is no further event
// everything of it has been taken. What belongs to an unfinished message is kept here, and nothing is kept when there
// is none; a message that lies whole in `wire` is handed out as a view of it. Views in an event are good until the next
// call of `next`, or until `wire`'s memory changes. For a message under way too long the caller has the clock: is_idle().

#include "sipwsd/bytes.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace sipwsd::sip {

struct StreamLimits {
  std::size_t max_header_bytes = 64 * 1024;   // start line, header lines and the empty line
  std::size_t max_message_size = 256 * 1024;  // the body as well
};

struct StreamMessage {
  std::string_view bytes;  // start line to the last byte of the body; not yet parsed
};
struct StreamPing {};  // CRLF CRLF between messages: answer CRLF, as often as it comes (the caller has the rate)
// One CRLF between messages: the answer to our ping if we sent one, otherwise nothing (7.5). The first half of a ping
// looks like it and is told as one, so that an answer is known when it comes, not with the byte behind it.
struct StreamPong {};
struct StreamFailed {  // answer if that can be, then close
  std::uint16_t status;
  std::string_view reason;  // a constant, made for the status line
  // Of the message that failed, when its headers are complete: what parse() finds there can be answered.
  std::string_view head;
};
using StreamEvent = std::variant<StreamMessage, StreamPing, StreamPong, StreamFailed>;

class StreamFramer {
 public:
  // After StreamFailed there are no more events: what still comes is dropped.
  [[nodiscard]] std::optional<StreamEvent> next(MutableBytes& wire, const StreamLimits& limits);

  // No byte of a message is waiting for its rest.
  [[nodiscard]] bool is_idle() const noexcept { return has_ended_ || is_shown_ || (held_.empty() && !has_cr_); }
  [[nodiscard]] bool has_ended() const noexcept { return has_ended_; }
  // At most twice what has come of a message.
  [[nodiscard]] std::size_t memory_held() const noexcept { return held_.empty() ? 0 : held_.capacity(); }

 private:
  std::optional<StreamEvent> take_line_end(MutableBytes& wire);
  std::optional<StreamEvent> take_from_wire(MutableBytes& wire, const StreamLimits& limits);
  std::optional<StreamEvent> take_behind_held(MutableBytes& wire, const StreamLimits& limits);
  std::optional<StreamEvent> read_head(std::string_view head, const StreamLimits& limits);
  std::optional<StreamEvent> check_line(std::string_view text, std::size_t end, const StreamLimits& limits);
  StreamEvent fail(std::uint16_t status, std::string_view reason, std::string_view head = {});
  void release_shown() noexcept;

  std::string held_;              // of the message under way
  std::uint32_t line_start_ = 0;  // of the header line that has not ended
  std::uint32_t total_ = 0;       // bytes of the message; 0 until its headers have ended
  bool is_shown_ = false;         // held_ is in the last event
  bool has_cr_ = false;           // between messages: CR, LF to come
  bool has_line_end_ = false;     // between messages: an odd number of CRLFs
  bool has_ended_ = false;
};
// What each idle connection holds.
static_assert(sizeof(StreamFramer) <= 48);

}  // namespace sipwsd::sip
