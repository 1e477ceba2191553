#pragma once
// Bytes on their way through the codecs. Wire text is handled as std::string_view (SIP, HTTP and MSRP are text
// protocols with byte semantics); views never own and outlive only the call unless a comment says more.

#include <cstddef>
#include <span>
#include <string_view>

namespace sipwsd {

using ByteView = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline ByteView as_bytes(std::string_view text) { return std::as_bytes(std::span{text.data(), text.size()}); }

constexpr char ascii_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// Tokens are compared without case (RFC 3261 7.3.1, RFC 9110 5.6.2): ASCII only, no locale.
constexpr bool equals_nocase(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (ascii_lower(a[i]) != ascii_lower(b[i])) return false;
  return true;
}
constexpr bool starts_with_nocase(std::string_view text, std::string_view prefix) noexcept {
  return text.size() >= prefix.size() && equals_nocase(text.substr(0, prefix.size()), prefix);
}

}  // namespace sipwsd
