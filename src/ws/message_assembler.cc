#include "src/ws/message_assembler.h"

#include <algorithm>
#include <limits>

namespace sipwsd::ws {
namespace {

constexpr std::uint32_t bytes_per_fragment = 64;

}  // namespace

Result<void> MessageAssembler::begin_frame(const FrameHeader& header, const ReceiveLimits& limits) {
  const bool continues = header.opcode == Opcode::continuation;
  if (continues != inside_) return Errc::malformed;  // 5.4: nothing to continue, or two messages at once
  if (!continues) {
    opcode_ = header.opcode;
    compressed_ = header.compressed;
    received_ = fragments_ = empty_fragments_ = 0;
    inside_ = true;
  }
  if (header.payload_length > limits.max_message_size - std::min(received_, limits.max_message_size))
    return Errc::too_large;
  final_ = header.final;
  announced_ = received_ + static_cast<std::uint32_t>(header.payload_length);

  const bool fragment = continues || !final_;
  if (fragment && ++fragments_ > std::max(limits.max_fragments, limits.max_message_size / bytes_per_fragment))
    return Errc::refused;
  if (fragment && header.payload_length == 0 && ++empty_fragments_ > limits.max_empty_fragments) return Errc::refused;
  return {};
}

Result<std::optional<ByteView>> MessageAssembler::add(ByteView piece) {
  const bool first = received_ == 0;
  received_ += static_cast<std::uint32_t>(piece.size());
  const bool complete = final_ && received_ == announced_;
  if (complete) inside_ = false;
  if (discarding_) return std::optional<ByteView>{};

  if (opcode_ == Opcode::text && !compressed_) {
    const bool good = complete && first ? base::is_utf8(as_text(piece))
                                        : utf8_.feed(as_text(piece)) && (!complete || utf8_.complete());
    if (!good) return Errc::out_of_range;
  }
  if (complete && held_.empty()) return std::optional{piece};

  // The final frame says how much there will be; before it nobody knows.
  const std::size_t expected = final_ ? announced_ : std::numeric_limits<std::size_t>::max();
  if (!held_.append(piece, expected)) return Errc::full;
  return complete ? std::optional{held_.view()} : std::nullopt;
}

void MessageAssembler::release_message() noexcept { held_.release(); }

void MessageAssembler::discard_data() noexcept {
  discarding_ = true;
  release_message();
}

}  // namespace sipwsd::ws
