#include "src/ws/receiver.h"

#include "src/base/utf8.h"
#include "src/ws/permessage_deflate.h"

#include <algorithm>

namespace sipwsd::ws {
namespace {

MutableBytes take_front(MutableBytes& wire, std::size_t size) {
  const auto front = wire.first(size);
  wire = wire.subspan(size);
  return front;
}

}  // namespace

std::optional<Event> Receiver::next(MutableBytes& wire, const ReceiveLimits& limits, PerMessageDeflate* deflate) {
  release_shown();
  const auto nothing_more = [&]() -> std::optional<Event> {
    if (deflate != nullptr) deflate->read_is_over();
    return std::nullopt;
  };
  for (;;) {
    if (ended_) {
      wire = {};
      return std::nullopt;
    }
    if (!in_frame_) {
      if (wire.empty()) return nothing_more();
      if (auto failure = take_header(wire, limits, deflate == nullptr ? Rsv1::must_be_zero : Rsv1::may_say_compressed))
        return failure;
      if (!in_frame_) return nothing_more();
    }
    if (payload_left_ != 0 && wire.empty()) return nothing_more();
    if (auto event = take_payload(wire, limits, deflate)) return event;
  }
}

// What the last event showed is not needed any more.
void Receiver::release_shown() noexcept {
  if (!in_frame_) control_.release();
  if (!assembler_.inside_message()) assembler_.release_message();
}

// Reads a header straight from `wire`, or, when an earlier read cut it, from header_ filled up.
std::optional<Event> Receiver::take_header(MutableBytes& wire, const ReceiveLimits& limits, Rsv1 rsv1) {
  ByteView in = wire;
  const std::size_t before = header_size_;
  if (before != 0) {
    const auto more = std::min(wire.size(), header_.size() - before);
    std::copy_n(wire.begin(), more, header_.begin() + static_cast<std::ptrdiff_t>(before));
    in = ByteView{header_.data(), before + more};
  }
  const auto header = decode_header(in, role_, limits.max_message_size, rsv1);
  if (header.is(Errc::incomplete)) {
    if (before == 0) std::copy(in.begin(), in.end(), header_.begin());
    header_size_ = static_cast<std::uint8_t>(in.size());
    wire = {};
    return std::nullopt;
  }
  if (!header) return fail(header.error());

  header_size_ = 0;
  wire = wire.subspan(header->size - before);
  if (!is_control(header->opcode))
    if (const auto begun = assembler_.begin_frame(*header, limits); !begun) return fail(begun.error());
  opcode_ = header->opcode;
  mask_ = header->mask;
  payload_left_ = static_cast<std::uint32_t>(header->payload_length);
  in_frame_ = true;
  return std::nullopt;
}

std::optional<Event> Receiver::take_payload(MutableBytes& wire, const ReceiveLimits& limits,
                                            PerMessageDeflate* deflate) {
  const auto piece = take_front(wire, std::min<std::size_t>(payload_left_, wire.size()));
  if (mask_ != MaskKey{}) {
    apply_mask(piece, mask_);
    std::rotate(mask_.begin(), mask_.begin() + static_cast<std::ptrdiff_t>(piece.size() & 3), mask_.end());
  }
  payload_left_ -= static_cast<std::uint32_t>(piece.size());
  if (payload_left_ == 0) in_frame_ = false;
  if (is_control(opcode_)) return take_control(piece);

  const auto message = assembler_.add(piece);
  if (!message) return fail(message.error());
  if (!message->has_value()) return std::nullopt;
  if (assembler_.compressed()) return inflated_event(**message, limits, *deflate);
  return Message{assembler_.opcode(), **message};
}

// RFC 7692 6.2; of a compressed text it is what it unfolds to that must be UTF-8.
Event Receiver::inflated_event(ByteView payload, const ReceiveLimits& limits, PerMessageDeflate& deflate) {
  const auto inflated = deflate.inflated(payload, limits.max_message_size);
  assembler_.release_message();
  if (!inflated) return fail(inflated.error());
  if (assembler_.opcode() == Opcode::text && !base::is_utf8(as_text(*inflated)))
    return fail(Error{Errc::out_of_range, {}});
  return Message{assembler_.opcode(), *inflated};
}

std::optional<Event> Receiver::take_control(ByteView piece) {
  if (!in_frame_ && control_.empty()) return control_event(piece);
  if (!control_.append(piece, max_control_payload)) return fail(Error{Errc::full, {}});
  if (in_frame_) return std::nullopt;
  return control_event(control_.view());
}

Event Receiver::control_event(ByteView payload) {
  if (opcode_ == Opcode::ping) return Ping{payload};
  if (opcode_ == Opcode::pong) return Pong{payload};
  return close_event(payload);
}

// RFC 6455 5.5.1, 7.1.5, 7.1.6.
Event Receiver::close_event(ByteView payload) {
  if (payload.empty()) return end(Closed{CloseCode::no_status, {}});
  if (payload.size() == 1) return fail(Error{Errc::malformed, {}});
  const auto code =
      static_cast<std::uint16_t>(static_cast<unsigned>(payload[0]) << 8 | static_cast<unsigned>(payload[1]));
  const auto reason = as_text(payload.subspan(2));
  if (!may_be_received(code)) return fail(Error{Errc::malformed, {}});
  if (!base::is_utf8(reason)) return fail(Error{Errc::out_of_range, {}});
  return end(Closed{static_cast<CloseCode>(code), reason});
}

Event Receiver::fail(const Error& error) {
  const auto code = close_code_of(error);
  return end(Failed{code, default_reason(code)});
}

// A message under way will not be finished. control_ stays: Closed may show its reason.
Event Receiver::end(Event event) {
  ended_ = true;
  in_frame_ = false;
  header_size_ = 0;
  assembler_.discard_data();
  return event;
}

}  // namespace sipwsd::ws
