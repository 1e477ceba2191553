#include "src/http/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

namespace sipwsd::http {

Endpoint without_ipv4_mapping(const Endpoint& endpoint) noexcept {
  constexpr std::array<std::uint8_t, 12> prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (endpoint.family != AddressFamily::ipv6 || !std::equal(prefix.begin(), prefix.end(), endpoint.address.begin()))
    return endpoint;
  Endpoint ipv4 = endpoint;
  ipv4.family = AddressFamily::ipv4;
  ipv4.address = {};
  std::copy_n(endpoint.address.begin() + prefix.size(), 4, ipv4.address.begin());
  return ipv4;
}

std::optional<Endpoint> parse_ip_address(std::string_view text, AddressFamily family) {
  const std::string terminated{text};
  Endpoint out;
  out.family = family;
  const int system_family = family == AddressFamily::ipv4 ? AF_INET : AF_INET6;
  if (text.find('\0') != text.npos || inet_pton(system_family, terminated.c_str(), out.address.data()) != 1)
    return std::nullopt;
  return without_ipv4_mapping(out);
}

}  // namespace sipwsd::http
