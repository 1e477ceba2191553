#pragma once
// delta-seconds: Expires, Min-Expires, Retry-After, Flow-Timer and the expires parameter (RFC 3261 20.19, 20.23).

#include <cstdint>
#include <optional>
#include <string_view>

#include "src/sip/message.h"

namespace sipwsd::sip {

// Decimal digits; a number above 2^32-1 becomes 2^32-1, because the field means "as long as that" (20.19).
[[nodiscard]] std::optional<std::uint32_t> parse_delta_seconds(std::string_view text) noexcept;
// Nothing when the header is missing or is no number.
[[nodiscard]] std::optional<std::uint32_t> expires(const MessageView& message) noexcept;

}  // namespace sipwsd::sip
