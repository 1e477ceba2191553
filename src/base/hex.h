#pragma once
// Lower-case hexadecimal (RFC 4648 8, but lower case as SIP digests and tags want it).

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sipwsd::base {

std::string hex(std::span<const std::uint8_t> bytes);
std::optional<std::string> unhex(std::string_view text);  // either case; nullopt for an odd length or another character

constexpr int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace sipwsd::base
