#include "src/http/authority.h"

#include "sipwsd/bytes.h"
#include "src/base/hex.h"
#include "src/base/text.h"
#include "src/http/characters.h"

#include <algorithm>

namespace sipwsd::http {
namespace {

constexpr std::size_t longest_host = 255;  // RFC 1035 2.3.4

bool is_name_character(char c) noexcept { return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~'; }
bool is_ipv6_character(char c) noexcept { return base::hex_digit(c) >= 0 || c == ':' || c == '.'; }

// Length of the host at the start of `text`, 0 when there is none.
std::size_t host_length(std::string_view text) noexcept {
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos || end < 3) return 0;
    const auto address = text.substr(1, end - 1);
    return std::all_of(address.begin(), address.end(), is_ipv6_character) ? end + 1 : 0;
  }
  const auto end = std::find_if_not(text.begin(), text.end(), is_name_character);
  return static_cast<std::size_t>(end - text.begin());
}

std::string_view without_final_dot(std::string_view host) noexcept {
  if (host.size() > 1 && host.ends_with('.')) host.remove_suffix(1);
  return host;
}

}  // namespace

std::optional<Authority> parse_authority(std::string_view text) noexcept {
  const auto length = host_length(text);
  if (length == 0 || length > longest_host) return std::nullopt;
  Authority authority{text.substr(0, length), std::nullopt};
  text.remove_prefix(length);
  if (text.empty() || text == ":") return authority;  // RFC 3986 3.2.3: an empty port is no port
  if (!text.starts_with(':')) return std::nullopt;
  authority.port = base::parse_decimal<std::uint16_t>(text.substr(1));
  if (!authority.port) return std::nullopt;
  return authority;
}

bool same_host(std::string_view a, std::string_view b) noexcept {
  return equals_nocase(without_final_dot(a), without_final_dot(b));
}

}  // namespace sipwsd::http
