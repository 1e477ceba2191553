#pragma once
// The header lines of one message, in order, as views into its bytes (RFC 9110 5). Names compare without case; a
// comma-separated value is a list of elements and is compared element by element, never as a substring (S03).

#include "sipwsd/bytes.h"

#include <concepts>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace sipwsd::http {

struct Header {
  std::string_view name;
  std::string_view value;  // without the white space around it
};

// RFC 9110 5.6.1: elements of a comma-separated list, trimmed; empty ones are skipped. Knows no quoted strings: the
// lists looked at here (Connection, Upgrade, Sec-WebSocket-Protocol) hold tokens. Stops when `use` answers true.
bool any_element(std::string_view list, std::predicate<std::string_view> auto&& use) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    auto element = list.substr(0, comma);
    while (!element.empty() && (element.front() == ' ' || element.front() == '\t')) element.remove_prefix(1);
    while (!element.empty() && (element.back() == ' ' || element.back() == '\t')) element.remove_suffix(1);
    if (!element.empty() && use(element)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
  return false;
}

class HeaderList {
 public:
  void add(Header header) { headers_.push_back(header); }

  // The first value under this name.
  std::optional<std::string_view> find(std::string_view name) const noexcept {
    for (const auto& header : headers_)
      if (equals_nocase(header.name, name)) return header.value;
    return std::nullopt;
  }
  bool contains(std::string_view name) const noexcept { return find(name).has_value(); }
  // True when `use` is true for an element of any line under this name (RFC 9110 5.3: lines of one name are one list).
  bool any_element_of(std::string_view name, std::predicate<std::string_view> auto&& use) const {
    for (const auto& header : headers_)
      if (equals_nocase(header.name, name) && any_element(header.value, use)) return true;
    return false;
  }
  bool has_token(std::string_view name, std::string_view token) const {
    return any_element_of(name, [&](std::string_view element) { return equals_nocase(element, token); });
  }

  std::size_t size() const noexcept { return headers_.size(); }
  auto begin() const noexcept { return headers_.begin(); }
  auto end() const noexcept { return headers_.end(); }

 private:
  std::vector<Header> headers_;
};

}  // namespace sipwsd::http
