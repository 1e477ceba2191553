#pragma once
// Status codes and the reason phrases of their RFCs (RFC 3261 21 and extensions).

#include <cstdint>
#include <string_view>

namespace sipwsd::sip {

// The standard phrase; the class's phrase ("Server Failure") for a code that has none of its own.
[[nodiscard]] std::string_view reason_phrase(std::uint16_t status) noexcept;

constexpr bool is_provisional(std::uint16_t status) noexcept { return status < 200; }
constexpr bool is_success(std::uint16_t status) noexcept { return status >= 200 && status < 300; }
constexpr bool is_final(std::uint16_t status) noexcept { return status >= 200; }
constexpr bool is_failure(std::uint16_t status) noexcept { return status >= 300; }

}  // namespace sipwsd::sip
