#pragma once
// An IP address as a proxy writes it. A proxy on a socket for both families writes an IPv4 client as ::ffff:192.0.2.7
// (RFC 4291 2.5.5.2): that is given as IPv4, so that one client has one address in limits and networks.

#include "sipwsd/endpoint.h"

#include <optional>
#include <string_view>

namespace sipwsd::http {

// Only the address is set. No port, no brackets, no zone.
std::optional<Endpoint> parse_ip_address(std::string_view text, AddressFamily family);

}  // namespace sipwsd::http
