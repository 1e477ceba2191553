#pragma once
// The characters of RFC 3261 25.1: which may stand in a token, a word, a URI; linear white space with its folds;
// quoted strings. What every typed header parser stands on.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "src/base/text.h"

namespace sipwsd::sip::lexer {

enum CharClass : std::uint8_t {
  digit = 1,
  alpha = 2,
  hex = 4,
  token = 8,         // alphanum / "-.!%*_+`'~"
  host = 16,         // what stands in a host name; underscore is not in the grammar but in many networks
  param_value = 32,  // an unquoted value: wider than token / host, as branches and tags of real networks are
  uri = 64,          // what may stand in a URI at all
  list_mark = 128,   // what a list of values is cut at, or must not be: , " <
};

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> table{};
  const auto add = [&table](std::string_view chars, int classes) {
    for (const char c : chars) table[static_cast<unsigned char>(c)] |= static_cast<std::uint8_t>(classes);
  };
  add("0123456789", digit | hex | token | host | param_value | uri);
  add("abcdefABCDEF", hex);
  add("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", alpha | token | host | param_value | uri);
  add("-.", token | host | param_value | uri);
  add("_", token | host | param_value | uri);
  add("!%*+`'~", token | param_value | uri);
  add("=:/@&$?#()[]{}|^", param_value | uri);
  add(";,", uri);
  add(",\"<", list_mark);
  for (int c = 0x80; c < 0x100; ++c) table[static_cast<std::size_t>(c)] |= param_value | uri;
  return table;
}
inline constexpr std::array<std::uint8_t, 256> classes = make_classes();

constexpr bool is(char c, std::uint8_t wanted) noexcept {
  return (classes[static_cast<unsigned char>(c)] & wanted) != 0;
}
constexpr bool all(std::string_view text, std::uint8_t wanted) noexcept {
  bool good = true;
  for (const char c : text) good &= is(c, wanted);  // to the end: most texts are good, and nothing is to be foreseen then
  return good;
}
constexpr bool is_token(std::string_view text) noexcept { return !text.empty() && all(text, token); }

// Within a header value every CR LF is part of a fold (the message parser saw to it), so they are white space.
constexpr std::size_t skip_lws(std::string_view text, std::size_t at) noexcept {
  while (at < text.size() && base::is_lws(text[at])) ++at;
  return at;
}
constexpr std::size_t skip(std::string_view text, std::size_t at, std::uint8_t wanted) noexcept {
  while (at < text.size() && is(text[at], wanted)) ++at;
  return at;
}

// `at` is on the opening quote. Behind the closing one, or npos when there is none.
constexpr std::size_t skip_quoted(std::string_view text, std::size_t at) noexcept {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '"') return at + 1;
    if (text[at] == '\\') ++at;
  }
  return std::string_view::npos;
}

// What may not stand in anything that we write into a header line (security requirement S56).
constexpr bool has_line_breaker(std::string_view text) noexcept {
  constexpr auto none = std::string_view::npos;
  return text.find('\r') != none || text.find('\n') != none || text.find('\0') != none;
}

// "Name: value", which neither ends the headers (as an empty line would) nor goes on with the one before (white space).
constexpr bool is_header_line(std::string_view text) noexcept {
  const std::size_t name_end = skip(text, 0, token);
  return name_end > 0 && skip_lws(text, name_end) < text.size() && text[skip_lws(text, name_end)] == ':' &&
         !has_line_breaker(text);
}

constexpr int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace sipwsd::sip::lexer
