#pragma once
// sipwsd::Endpoint <-> sockaddr <-> text. IPv4-mapped IPv6 addresses become IPv4 on the way in: one peer, one name.

#include <sys/socket.h>

#include <string_view>

#include "sipwsd/endpoint.h"
#include "sipwsd/result.h"

namespace sipwsd::os {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  [[nodiscard]] sockaddr* raw() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] const sockaddr* raw() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
};

[[nodiscard]] SocketAddress to_socket_address(const Endpoint& endpoint) noexcept;
// AddressFamily::none when the family is neither IPv4 nor IPv6.
[[nodiscard]] Endpoint to_endpoint(const SocketAddress& address, TransportProtocol protocol) noexcept;

// Numeric addresses only (no DNS): 192.0.2.7, 2001:db8::5, [2001:db8::5], "*" (any IPv4).
Result<Endpoint> parse_address(std::string_view text);
// 192.0.2.7:8080, [::1]:8080, *:8080
Result<Endpoint> parse_address_and_port(std::string_view text);

Result<Endpoint> local_endpoint(int socket, TransportProtocol protocol);
Result<Endpoint> peer_endpoint(int socket, TransportProtocol protocol);

}  // namespace sipwsd::os
