#pragma once
// An address, a port and a transport: what `ws.dump`, Via and the log print. Trivially copyable, so that it can
// stand in shared memory.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace sipwsd {

// Numbers as in the alias parameter (reference/routing-language.md 8, add_contact_alias).
enum class TransportProtocol : std::uint8_t { none = 0, udp = 1, tcp = 2, tls = 3, sctp = 4, ws = 5, wss = 6 };

// Lower-case name as in `ws.dump` and $proto.
constexpr std::string_view name(TransportProtocol protocol) noexcept {
  switch (protocol) {
    case TransportProtocol::none: return "none";
    case TransportProtocol::udp: return "udp";
    case TransportProtocol::tcp: return "tcp";
    case TransportProtocol::tls: return "tls";
    case TransportProtocol::sctp: return "sctp";
    case TransportProtocol::ws: return "ws";
    case TransportProtocol::wss: return "wss";
  }
  return "none";
}
// As in a Via header's sent-protocol (RFC 3261 20.42, RFC 7118 5.2.1).
constexpr std::string_view via_name(TransportProtocol protocol) noexcept {
  switch (protocol) {
    case TransportProtocol::none: return "NONE";
    case TransportProtocol::udp: return "UDP";
    case TransportProtocol::tcp: return "TCP";
    case TransportProtocol::tls: return "TLS";
    case TransportProtocol::sctp: return "SCTP";
    case TransportProtocol::ws: return "WS";
    case TransportProtocol::wss: return "WSS";
  }
  return "NONE";
}
constexpr bool is_reliable(TransportProtocol protocol) noexcept { return protocol != TransportProtocol::udp; }
constexpr bool is_websocket(TransportProtocol protocol) noexcept {
  return protocol == TransportProtocol::ws || protocol == TransportProtocol::wss;
}

enum class AddressFamily : std::uint8_t { none = 0, ipv4 = 4, ipv6 = 6 };

struct Endpoint {
  std::array<std::uint8_t, 16> address{};  // network order; IPv4 uses the first four bytes
  std::uint16_t port = 0;                  // host order
  AddressFamily family = AddressFamily::none;
  TransportProtocol protocol = TransportProtocol::none;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;

  std::string address_text() const;    // 192.0.2.7 or 2001:db8::5, no brackets; "*" when there is none
  std::string host_text() const;       // as in a URI: IPv6 in brackets
  std::string to_string() const;       // ws:192.0.2.7:51234, ws:[2001:db8::5]:40022
  bool is_loopback() const noexcept;   // 127.0.0.0/8, ::1 (also ::ffff:127.0.0.0/104)
};

}  // namespace sipwsd
