#pragma once
// Numbers to text and back, trimming and splitting; no locale, no exceptions.

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>
#include <vector>

namespace sipwsd::base {

// Decimal digits only: no sign, no space, no overflow. Empty text is not a number.
template <std::unsigned_integral T>
std::optional<T> parse_decimal(std::string_view text) noexcept {
  T value{};
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Writes decimal digits into `out`, which must have room for 20; returns how many.
inline std::size_t write_decimal(char* out, std::unsigned_integral auto value) noexcept {
  return static_cast<std::size_t>(std::to_chars(out, out + 20, value).ptr - out);
}

constexpr bool is_lws(char c) noexcept { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

constexpr std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && is_lws(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_lws(text.back())) text.remove_suffix(1);
  return text;
}

// Pieces between separators, trimmed; "a,,b" has an empty one in the middle. Knows no quotes.
std::vector<std::string_view> split(std::string_view text, char separator);

}  // namespace sipwsd::base
