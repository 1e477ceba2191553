#pragma once
// Frames to messages (RFC 6455 5.4, 5.6): fragments in order, never two messages at once, text checked as it arrives
// and refused at the first byte that can't be UTF-8 (8.1, S15), size and number of fragments bounded (S14).
// A compressed message (RFC 7692) is joined as it came and looked at by whoever inflates it.
// Control frames don't come here: they may stand between fragments and change nothing.

#include "sipwsd/bytes.h"
#include "sipwsd/result.h"
#include "src/base/utf8.h"
#include "src/ws/frame_decoder.h"
#include "src/ws/held_bytes.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace sipwsd::ws {

struct ReceiveLimits {
  std::uint32_t max_message_size = 256 * 1024;  // over all fragments; 1009
  // Fragments are joined as they arrive and cost no memory of their own, so this bounds patience, not memory; a large
  // max_message_size raises it to one fragment for each 64 bytes of it. 1008.
  std::uint32_t max_fragments = 4096;
  std::uint32_t max_empty_fragments = 64;
};

class MessageAssembler {
 public:
  // A data frame begins. Errc::malformed, too_large, refused.
  Result<void> begin_frame(const FrameHeader& header, const ReceiveLimits& limits);
  // The next bytes of its payload, unmasked. The whole message, when the final frame ends with them; a view into
  // `piece` itself when nothing had to be kept, otherwise into what is held here, until `release_message`.
  // Errc::out_of_range (not UTF-8), full.
  Result<std::optional<ByteView>> add(ByteView piece);
  void release_message() noexcept;
  // From now on data is followed, but neither kept nor checked nor given: we have sent our Close.
  void discard_data() noexcept;

  Opcode opcode() const noexcept { return opcode_; }           // of the message under way, or just completed
  bool compressed() const noexcept { return compressed_; }     // of the same
  bool inside_message() const noexcept { return inside_; }     // a first fragment has come, the final one has not
  std::size_t received() const noexcept { return received_; }  // payload bytes of the message so far
  std::size_t memory_held() const noexcept { return held_.capacity(); }

 private:
  HeldBytes held_;
  std::uint32_t received_ = 0;
  std::uint32_t announced_ = 0;  // what received_ will be at the end of the current frame
  std::uint32_t fragments_ = 0;
  std::uint32_t empty_fragments_ = 0;
  base::Utf8Validator utf8_;  // at a character's boundary between messages: one that is not ends the connection
  Opcode opcode_ = Opcode::text;
  bool inside_ = false;
  bool final_ = false;
  bool discarding_ = false;
  bool compressed_ = false;
};

}  // namespace sipwsd::ws
