#pragma once
// host [":" port], as in Host, in an absolute request target and in an origin (RFC 3986 3.2.2, RFC 9110 7.2).

#include <cstdint>
#include <optional>
#include <string_view>

namespace sipwsd::http {

struct Authority {
  std::string_view host;  // as written; an IPv6 address keeps its brackets
  std::optional<std::uint16_t> port;
};

// nullopt for an empty host, user information, a character no host has, or a port that is no number below 65536.
std::optional<Authority> parse_authority(std::string_view text) noexcept;

// Without case, and without the dot that may end a fully qualified name.
bool same_host(std::string_view a, std::string_view b) noexcept;

}  // namespace sipwsd::http
