#pragma once
// Frames as bytes (RFC 6455 5.2, 6.1). The daemon sends every message as one frame, never masked; fragments and masks
// are for the client role (tests, load generator). A data frame's header goes into the caller's buffer, its payload
// follows from wherever it is; control frames are small and built whole. Lengths above 65535 take 127 and eight bytes:
// Kamailio 4.1 wrote four (see reference/websocket.md 6).

#include "sipwsd/bytes.h"
#include "sipwsd/result.h"
#include "src/ws/close_code.h"
#include "src/ws/frame_decoder.h"
#include "src/ws/mask.h"
#include "src/ws/opcode.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sipwsd::ws {

constexpr std::size_t max_server_header = 10;  // a server's frames have no mask
enum class Fin : std::uint8_t { more, last };
enum class Compressed : std::uint8_t { no, yes };  // sets RSV1; only on the first frame of a message (RFC 7692 6)

// Returns how many bytes of `out` are the header: 2, 4 or 10.
std::size_t encode_header(std::span<std::byte, max_server_header> out, Opcode opcode, std::uint64_t payload_length,
                          Fin fin = Fin::last, Compressed compressed = Compressed::no) noexcept;
// A client's: 6, 8 or 14 bytes; the payload must then go through apply_mask with the same key.
std::size_t encode_masked_header(std::span<std::byte, max_frame_header> out, Opcode opcode,
                                 std::uint64_t payload_length, MaskKey key, Fin fin = Fin::last,
                                 Compressed compressed = Compressed::no) noexcept;

// Text when the payload is valid UTF-8, else binary: a browser drops the connection over a text frame that is not.
Opcode opcode_for(std::string_view payload) noexcept;

// A whole control frame, unmasked.
class ControlFrame {
 public:
  ByteView bytes() const noexcept { return {bytes_.data(), size_}; }
  ByteView payload() const noexcept { return bytes().subspan(2); }

 private:
  friend ControlFrame control_frame(Opcode opcode, ByteView payload) noexcept;
  std::array<std::byte, 2 + max_control_payload> bytes_;
  std::uint8_t size_ = 0;
};

// A payload longer than 125 bytes is cut; ping_application_data and answers to pings never are.
ControlFrame control_frame(Opcode opcode, ByteView payload) noexcept;
inline ControlFrame ping_frame(ByteView payload) noexcept { return control_frame(Opcode::ping, payload); }
inline ControlFrame pong_frame(ByteView payload) noexcept { return control_frame(Opcode::pong, payload); }

// The reason is cut to 123 bytes on a character's boundary, and left out when it is not UTF-8. no_status gives an empty
// Close. Errc::out_of_range for a code that may not be sent (a script's or an operator's number).
Result<ControlFrame> close_frame(CloseCode code, std::string_view reason);
// The answer to the peer's Close (5.5.1): its code, without its reason.
ControlFrame close_reply(CloseCode received) noexcept;

}  // namespace sipwsd::ws
