#pragma once
// Max-Forwards (RFC 3261 20.22): 0..255. Missing is allowed (16.3); more than 255 is malformed.

#include <cstdint>
#include <optional>

#include "sipwsd/result.h"
#include "src/sip/message.h"

namespace sipwsd::sip {

// What a request without one gets, and what ours begin with (8.1.1.6).
inline constexpr std::uint8_t default_max_forwards = 70;

[[nodiscard]] Result<std::optional<std::uint8_t>> max_forwards(const MessageView& message);

}  // namespace sipwsd::sip
