// Printing of include/sipwsd/endpoint.h.
#include "sipwsd/endpoint.h"

#include <arpa/inet.h>

namespace sipwsd {

std::string Endpoint::address_text() const {
  char text[INET6_ADDRSTRLEN] = "*";
  if (family == AddressFamily::ipv4) inet_ntop(AF_INET, address.data(), text, sizeof text);
  if (family == AddressFamily::ipv6) inet_ntop(AF_INET6, address.data(), text, sizeof text);
  return text;
}

std::string Endpoint::host_text() const {
  return family == AddressFamily::ipv6 ? "[" + address_text() + "]" : address_text();
}

std::string Endpoint::to_string() const {
  return std::string(name(protocol)) + ":" + host_text() + ":" + std::to_string(port);
}

bool Endpoint::is_loopback() const noexcept {
  if (family == AddressFamily::ipv4) return address[0] == 127;
  if (family != AddressFamily::ipv6) return false;
  for (int i = 0; i < 10; ++i)
    if (address[static_cast<std::size_t>(i)] != 0) return false;
  if (address[10] == 0xff && address[11] == 0xff) return address[12] == 127;
  for (std::size_t i = 10; i < 15; ++i)
    if (address[i] != 0) return false;
  return address[15] == 1;
}

}  // namespace sipwsd
