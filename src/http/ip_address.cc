#include "src/http/ip_address.h"

#include "src/base/network.h"

#include <arpa/inet.h>

#include <string>

namespace sipwsd::http {

std::optional<Endpoint> parse_ip_address(std::string_view text, AddressFamily family) {
  const std::string terminated{text};
  Endpoint out;
  out.family = family;
  const int system_family = family == AddressFamily::ipv4 ? AF_INET : AF_INET6;
  if (text.find('\0') != text.npos || inet_pton(system_family, terminated.c_str(), out.address.data()) != 1)
    return std::nullopt;
  return base::without_mapping(out);
}

}  // namespace sipwsd::http
