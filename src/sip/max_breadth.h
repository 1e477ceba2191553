#pragma once
// Max-Breadth (RFC 5393 5): how many branches of this request may be under way at once, here and behind us together.
// A proxy that forks shares it among its branches, so that what one request can set off stays bounded.

#include <cstdint>
#include <optional>

#include "sipwsd/result.h"
#include "src/sip/message.h"

namespace sipwsd::sip {

// What a request without one gets (5.3.1).
inline constexpr std::uint32_t default_max_breadth = 60;

// The grammar sets no limit; what does not fit counts as the largest number that does.
[[nodiscard]] Result<std::optional<std::uint32_t>> max_breadth(const MessageView& message);

}  // namespace sipwsd::sip
