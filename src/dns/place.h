#pragma once
// The two ends of a resolution: what a URI, a Route or a Via says about the next hop, and the places that follow from it.

#include "sipwsd/endpoint.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace sipwsd::dns {

// RFC 3263 4: TARGET is the maddr parameter or else the host; what the URI doesn't say is 0, none, false.
struct Query {
  std::string_view host;  // a name, IPv4, IPv6 with or without brackets
  std::uint16_t port = 0;
  TransportProtocol transport = TransportProtocol::none;
  bool is_sips = false;   // TLS, or nothing
};

// Address, port and transport of one place to try.
struct Place {
  Endpoint remote;
  // TLS only: the name that was asked for, which the certificate must be for, whatever NAPTR and SRV made of it
  // (RFC 5922 7.1, RFC 3263 4.1). A numeric host is its own name.
  std::string server_name;

  friend bool operator==(const Place&, const Place&) = default;
};

// What this process can send over: RFC 3263 4.1 chooses among these. Nobody can be reached over ws and wss: browsers
// come to us.
struct Reach {
  struct Families {
    bool ipv4 = false, ipv6 = false;
  };
  Families udp, tcp, tls;

  [[nodiscard]] constexpr Families of(TransportProtocol protocol) const noexcept {
    switch (protocol) {
      case TransportProtocol::udp: return udp;
      case TransportProtocol::tcp: return tcp;
      case TransportProtocol::tls: return tls;
      case TransportProtocol::none:
      case TransportProtocol::sctp:
      case TransportProtocol::ws:
      case TransportProtocol::wss: break;
    }
    return {};
  }
  [[nodiscard]] constexpr bool has(TransportProtocol protocol) const noexcept {
    return of(protocol).ipv4 || of(protocol).ipv6;
  }
};

// Of what RFC 3263 leaves to the operator.
struct Choices {
  bool naptr = true;
  bool ask_ipv4 = true, ask_ipv6 = true, prefer_ipv6 = false;
  friend bool operator==(const Choices&, const Choices&) = default;
};

}  // namespace sipwsd::dns
