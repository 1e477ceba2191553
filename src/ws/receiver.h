#pragma once
// The receive side of one WebSocket: bytes in, events out, one at a time (RFC 6455 5, 6.2).
//
//   MutableBytes wire = what was read;
//   while (auto event = receiver.next(wire, limits, deflate)) std::visit(..., *event);
//
// `wire` may be a buffer all connections of a worker share: each call takes what it used off the front, and when there
// is no further event everything has been taken. What belongs to an unfinished frame or message is kept here, and
// nothing is kept when there is none. A message that lies whole in `wire` is unmasked there and handed out as a view:
// no copy, no allocation. Views in an event are good until the next call of `next`, or until `wire`'s memory changes.
//
// With permessage-deflate agreed (RFC 7692), `deflate` is the connection's, the same at each call; the view then may be
// into memory the worker's connections share, and is good until the next message of any of them.
//
// After Closed or Failed there are no more events: what still comes is dropped (S17). For a message under way too
// long, or pings too often, the caller has the clock: see is_idle().

#include "sipwsd/bytes.h"
#include "src/ws/close_code.h"
#include "src/ws/message_assembler.h"
#include "src/ws/opcode.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace sipwsd::ws {

class PerMessageDeflate;

struct Message {
  Opcode opcode;  // text or binary
  ByteView payload;
};
struct Ping {
  ByteView payload;  // to be sent back (5.5.3)
};
struct Pong {
  ByteView payload;
};
struct Closed {  // the peer's Close frame; answer with the same code (5.5.1), or without one for no_status
  CloseCode code;
  std::string_view reason;
};
struct Failed {  // fail the connection: send a Close with this, then close (7.1.7)
  CloseCode code;
  std::string_view reason;  // a constant
};
using Event = std::variant<Message, Ping, Pong, Closed, Failed>;

class Receiver {
 public:
  explicit Receiver(Role role = Role::server) noexcept : role_(role) {}

  [[nodiscard]] std::optional<Event> next(MutableBytes& wire, const ReceiveLimits& limits,
                                          PerMessageDeflate* deflate = nullptr);

  // After our own Close: of data frames only the headers are looked at, until the peer's Close comes.
  void discard_data() noexcept { assembler_.discard_data(); }

  // No byte of a frame or message is waiting for its rest.
  bool is_idle() const noexcept { return ended_ || (!in_frame_ && header_size_ == 0 && !assembler_.inside_message()); }
  bool has_ended() const noexcept { return ended_; }
  std::size_t memory_held() const noexcept { return assembler_.memory_held() + control_.capacity(); }

 private:
  void release_shown() noexcept;
  std::optional<Event> take_header(MutableBytes& wire, const ReceiveLimits& limits, Rsv1 rsv1);
  std::optional<Event> take_payload(MutableBytes& wire, const ReceiveLimits& limits, PerMessageDeflate* deflate);
  std::optional<Event> take_control(ByteView piece);
  Event inflated_event(ByteView payload, const ReceiveLimits& limits, PerMessageDeflate& deflate);
  Event control_event(ByteView payload);
  Event close_event(ByteView payload);
  Event fail(const Error& error);
  Event end(Event event);

  MessageAssembler assembler_;
  HeldBytes control_;                                 // of a control frame cut by a read
  std::uint32_t payload_left_ = 0;                    // of the current frame
  MaskKey mask_{};                                    // turned so that its first byte belongs to the next payload byte
  Opcode opcode_{};                                   // of the current frame
  std::array<std::byte, max_frame_header> header_{};  // of a header cut by a read
  std::uint8_t header_size_ = 0;
  Role role_;
  bool in_frame_ = false;
  bool ended_ = false;
};
// 65536 idle connections: what each holds while it is silent.
static_assert(sizeof(Receiver) <= 96);

}  // namespace sipwsd::ws
