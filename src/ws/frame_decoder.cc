#include "src/ws/frame_decoder.h"

#include <algorithm>

namespace sipwsd::ws {
namespace {

constexpr std::uint8_t fin_bit = 0x80, reserved_bits = 0x70, rsv1_bit = 0x40, opcode_bits = 0x0f, mask_bit = 0x80, length_bits = 0x7f;

std::uint8_t at(ByteView in, std::size_t i) { return static_cast<std::uint8_t>(in[i]); }

std::uint64_t number(ByteView in, std::size_t from, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | at(in, from + i);
  return value;
}

}  // namespace

Result<FrameHeader> decode_header(ByteView in, Role role, std::uint64_t max_payload, Rsv1 rsv1) {
  if (in.empty()) return Errc::incomplete;
  const std::uint8_t first = at(in, 0);
  if (!is_known(first & opcode_bits)) return Errc::malformed;  // Kamailio 4.1 says 1008; see reference/websocket.md 5
  FrameHeader header;
  header.opcode = static_cast<Opcode>(first & opcode_bits);
  if ((first & reserved_bits) != 0) {  // 5.2: they mean nothing but what an extension says
    const bool begins_message = header.opcode == Opcode::text || header.opcode == Opcode::binary;
    if (rsv1 == Rsv1::must_be_zero || (first & reserved_bits) != rsv1_bit || !begins_message) return Errc::malformed;
    header.compressed = true;
  }
  header.final = (first & fin_bit) != 0;
  const bool control = is_control(header.opcode);
  if (control && !header.final) return Errc::malformed;  // 5.5

  if (in.size() < 2) return Errc::incomplete;
  const std::uint8_t second = at(in, 1);
  header.masked = (second & mask_bit) != 0;
  if (header.masked != (role == Role::server)) return Errc::malformed;  // 5.1
  header.payload_length = second & length_bits;
  if (control && header.payload_length > max_control_payload) return Errc::malformed;  // 5.5

  const std::size_t extended = header.payload_length == 126 ? 2 : header.payload_length == 127 ? 8 : 0;
  if (in.size() < 2 + extended) return Errc::incomplete;
  if (extended != 0) {
    header.payload_length = number(in, 2, extended);
    const std::uint64_t least = extended == 2 ? 126 : 65536;  // 5.2: the minimal number of bytes
    if (header.payload_length < least || header.payload_length >> 63 != 0) return Errc::malformed;
  }
  if (!control && header.payload_length > max_payload) return Errc::too_large;

  header.size = static_cast<std::uint8_t>(2 + extended + (header.masked ? 4 : 0));
  if (in.size() < header.size) return Errc::incomplete;
  if (header.masked) std::copy_n(in.begin() + 2 + static_cast<std::ptrdiff_t>(extended), 4, header.mask.begin());
  return header;
}

CloseCode close_code_of(const Error& error) noexcept {
  switch (error.code) {
    case Errc::too_large:
      return CloseCode::message_too_big;
    case Errc::out_of_range:
      return CloseCode::invalid_payload;
    case Errc::refused:
      return CloseCode::policy_violation;
    case Errc::full:
      return CloseCode::internal_error;
    default:
      return CloseCode::protocol_error;
  }
}

}  // namespace sipwsd::ws
