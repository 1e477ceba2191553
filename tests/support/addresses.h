#pragma once
// Endpoints as a test writes them: at("192.0.2.7", 5060, TransportProtocol::ws), at("2001:db8::5", 80).

#include <arpa/inet.h>

#include <stdexcept>
#include <string>

#include "sipwsd/endpoint.h"

namespace sipwsd::test {

inline Endpoint at(const std::string& address, std::uint16_t port, TransportProtocol protocol = TransportProtocol::ws) {
  Endpoint endpoint;
  endpoint.port = port;
  endpoint.protocol = protocol;
  endpoint.family = address.find(':') == std::string::npos ? AddressFamily::ipv4 : AddressFamily::ipv6;
  if (inet_pton(endpoint.family == AddressFamily::ipv4 ? AF_INET : AF_INET6, address.c_str(), endpoint.address.data()) != 1)
    throw std::runtime_error(address + " is no address");
  return endpoint;
}

}  // namespace sipwsd::test
