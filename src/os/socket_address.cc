#include "src/os/socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "src/base/text.h"
#include "src/os/fd.h"

namespace sipwsd::os {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

SocketAddress to_socket_address(const Endpoint& endpoint) noexcept {
  SocketAddress out;
  if (endpoint.family == AddressFamily::ipv6) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(endpoint.port);
    std::memcpy(&address.sin6_addr, endpoint.address.data(), 16);
    std::memcpy(&out.storage, &address, sizeof address);
    out.length = sizeof address;
  } else {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    std::memcpy(&address.sin_addr, endpoint.address.data(), 4);
    std::memcpy(&out.storage, &address, sizeof address);
    out.length = sizeof address;
  }
  return out;
}

Endpoint to_endpoint(const SocketAddress& address, TransportProtocol protocol) noexcept {
  Endpoint out;
  out.protocol = protocol;
  if (address.storage.ss_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, &address.storage, sizeof in);
    out.family = AddressFamily::ipv4;
    out.port = ntohs(in.sin_port);
    std::memcpy(out.address.data(), &in.sin_addr, 4);
  } else if (address.storage.ss_family == AF_INET6) {
    sockaddr_in6 in;
    std::memcpy(&in, &address.storage, sizeof in);
    out.port = ntohs(in.sin6_port);
    const auto* bytes = in.sin6_addr.s6_addr;
    if (std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes)) {
      out.family = AddressFamily::ipv4;
      std::memcpy(out.address.data(), bytes + mapped_prefix.size(), 4);
    } else {
      out.family = AddressFamily::ipv6;
      std::memcpy(out.address.data(), bytes, 16);
    }
  }
  return out;
}

Result<Endpoint> parse_address(std::string_view text) {
  Endpoint out;
  if (text == "*") {
    out.family = AddressFamily::ipv4;
    return out;
  }
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  const std::string terminated(text);
  SocketAddress address;
  sockaddr_in in{};
  sockaddr_in6 in6{};
  if (inet_pton(AF_INET, terminated.c_str(), &in.sin_addr) == 1) {
    in.sin_family = AF_INET;
    std::memcpy(&address.storage, &in, sizeof in);
  } else if (inet_pton(AF_INET6, terminated.c_str(), &in6.sin6_addr) == 1) {
    in6.sin6_family = AF_INET6;
    std::memcpy(&address.storage, &in6, sizeof in6);
  } else {
    return Error{Errc::malformed, "\"" + terminated + "\" is not a numeric IPv4 or IPv6 address"};
  }
  return to_endpoint(address, TransportProtocol::none);
}

Result<Endpoint> parse_address_and_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return Error{Errc::malformed, "there is no port in \"" + std::string(text) + "\""};
  const std::string_view host = text.substr(0, colon);
  if (host.find(':') != std::string_view::npos && host.front() != '[')
    return Error{Errc::malformed, "an IPv6 address with a port is written [address]:port"};
  const auto port = base::parse_decimal<std::uint16_t>(text.substr(colon + 1));
  if (!port) return Error{Errc::malformed, "\"" + std::string(text.substr(colon + 1)) + "\" is not a port"};
  auto endpoint = parse_address(host);
  if (endpoint) endpoint->port = *port;
  return endpoint;
}

Result<Endpoint> local_endpoint(int socket, TransportProtocol protocol) {
  SocketAddress address;
  address.length = sizeof address.storage;
  if (getsockname(socket, address.raw(), &address.length) != 0) return system_error("cannot read a socket's address");
  return to_endpoint(address, protocol);
}

Result<Endpoint> peer_endpoint(int socket, TransportProtocol protocol) {
  SocketAddress address;
  address.length = sizeof address.storage;
  if (getpeername(socket, address.raw(), &address.length) != 0) return system_error("cannot read a peer's address");
  return to_endpoint(address, protocol);
}

}  // namespace sipwsd::os
