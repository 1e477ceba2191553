#pragma once
// The header of one frame (RFC 6455 5.2) and every rule that can be checked from it alone: masking direction (5.1),
// reserved bits, opcodes, control frames (5.5), minimal lengths, and the size limit, so that a length is refused
// before a byte of its payload is stored (S12, S13). Each check runs as soon as its field is there, in wire order: how
// the bytes were cut into reads does not change the result (S11).

#include "sipwsd/bytes.h"
#include "sipwsd/result.h"
#include "src/ws/close_code.h"
#include "src/ws/mask.h"
#include "src/ws/opcode.h"

#include <cstddef>
#include <cstdint>

namespace sipwsd::ws {

constexpr std::size_t max_frame_header = 14;
constexpr std::size_t max_control_payload = 125;

// What RSV1 may be: with permessage-deflate agreed it says on the first frame of a message that the whole message is
// compressed (RFC 7692 6).
enum class Rsv1 : std::uint8_t { must_be_zero, may_say_compressed };

struct FrameHeader {
  std::uint64_t payload_length = 0;
  MaskKey mask{};
  Opcode opcode{};
  std::uint8_t size = 0;  // bytes of the header itself: 2..14
  bool final : 1 = true;
  bool masked : 1 = false;
  bool compressed : 1 = false;
};
static_assert(sizeof(FrameHeader) == 16);  // once a frame, in registers

// `role` is ours: a server wants masked frames, a client unmasked ones. `max_payload` bounds data frames.
// Errc::incomplete until the whole header is there; malformed or too_large: close with close_code_of(error).
Result<FrameHeader> decode_header(ByteView in, Role role, std::uint64_t max_payload, Rsv1 rsv1 = Rsv1::must_be_zero);

// malformed 1002, too_large 1009, out_of_range (text that is not UTF-8, a compressed message that can't be inflated)
// 1007, refused (too many fragments, too many blocks of DEFLATE) 1008, full (no memory) 1011.
CloseCode close_code_of(const Error& error) noexcept;

}  // namespace sipwsd::ws
