#include "src/ws/frame_encoder.h"

#include "src/base/utf8.h"

#include <algorithm>

namespace sipwsd::ws {
namespace {

constexpr std::uint8_t fin_bit = 0x80, rsv1_bit = 0x40, mask_bit = 0x80;
constexpr std::size_t max_reason = max_control_payload - 2;

std::byte low_byte(std::uint64_t value) { return static_cast<std::byte>(value & 0xff); }

}  // namespace

std::size_t encode_header(std::span<std::byte, max_server_header> out, Opcode opcode, std::uint64_t payload_length,
                          Fin fin, Compressed compressed) noexcept {
  out[0] = static_cast<std::byte>(static_cast<std::uint8_t>(opcode) | (fin == Fin::last ? fin_bit : 0) |
                                  (compressed == Compressed::yes ? rsv1_bit : 0));
  if (payload_length < 126) {
    out[1] = low_byte(payload_length);
    return 2;
  }
  if (payload_length <= 65535) {
    out[1] = std::byte{126};
    out[2] = low_byte(payload_length >> 8);
    out[3] = low_byte(payload_length);
    return 4;
  }
  out[1] = std::byte{127};
  for (std::size_t i = 0; i < 8; ++i) out[2 + i] = low_byte(payload_length >> (56 - 8 * i));
  return 10;
}

std::size_t encode_masked_header(std::span<std::byte, max_frame_header> out, Opcode opcode,
                                 std::uint64_t payload_length, MaskKey key, Fin fin,
                                 Compressed compressed) noexcept {
  const auto size = encode_header(out.first<max_server_header>(), opcode, payload_length, fin, compressed);
  out[1] |= std::byte{mask_bit};
  std::copy(key.begin(), key.end(), out.begin() + static_cast<std::ptrdiff_t>(size));
  return size + key.size();
}

Opcode opcode_for(std::string_view payload) noexcept { return base::is_utf8(payload) ? Opcode::text : Opcode::binary; }

ControlFrame control_frame(Opcode opcode, ByteView payload) noexcept {
  payload = payload.first(std::min(payload.size(), max_control_payload));
  ControlFrame frame;
  const auto header = encode_header(std::span{frame.bytes_}.first<max_server_header>(), opcode, payload.size());
  std::copy(payload.begin(), payload.end(), frame.bytes_.begin() + static_cast<std::ptrdiff_t>(header));
  frame.size_ = static_cast<std::uint8_t>(header + payload.size());
  return frame;
}

Result<ControlFrame> close_frame(CloseCode code, std::string_view reason) {
  if (code == CloseCode::no_status) return control_frame(Opcode::close, {});
  if (!may_be_sent(number(code))) return Error{Errc::out_of_range, "this code may not be sent"};
  if (!base::is_utf8(reason)) reason = {};
  reason = reason.substr(0, base::utf8_prefix(reason, max_reason));
  std::array<std::byte, max_control_payload> payload;
  payload[0] = low_byte(number(code) >> 8);
  payload[1] = low_byte(number(code));
  const auto text = as_bytes(reason);
  std::copy(text.begin(), text.end(), payload.begin() + 2);
  return control_frame(Opcode::close, ByteView{payload}.first(2 + reason.size()));
}

ControlFrame close_reply(CloseCode received) noexcept {
  if (!may_be_sent(number(received))) return control_frame(Opcode::close, {});
  const std::array payload{low_byte(number(received) >> 8), low_byte(number(received))};
  return control_frame(Opcode::close, payload);
}

}  // namespace sipwsd::ws
