#pragma once
// The PROXY header, versions 1 (text) and 2 (binary), that a load balancer sends before the first byte of the client
// (haproxy's proxy-protocol.txt, 2.1 and 2.2). Whether a peer may send one is the caller's business (S08: only from a
// trusted network; malformed means close).

#include "sipwsd/bytes.h"
#include "sipwsd/endpoint.h"
#include "sipwsd/result.h"

#include <cstddef>
#include <optional>
#include <string_view>

namespace sipwsd::http {

struct ProxyHeader {
  // An IPv4 address in an IPv6 one (::ffff:192.0.2.7) is given as IPv4.
  struct Addresses {
    Endpoint source;       // the client
    Endpoint destination;  // what it connected to; protocol is tcp or udp, as the header says
  };
  // Empty for LOCAL (the balancer's own health check), UNKNOWN and AF_UNIX: then the socket's addresses are the truth.
  std::optional<Addresses> addresses;
  std::string_view authority;  // PP2_TYPE_AUTHORITY: the name the client asked for by SNI; a view into the input
  bool client_tls = false;     // PP2_TYPE_SSL: the client came to the balancer over TLS
  std::size_t length = 0;      // bytes of the header
};

constexpr std::size_t max_proxy_header = 4096;

// Do these first bytes begin a PROXY header, or could they still? For the protocol sniffer.
enum class ProxySniff { no, perhaps, yes };
ProxySniff sniff_proxy_header(ByteView in) noexcept;

// Errc::incomplete, malformed (also a wrong CRC32C), too_large.
Result<ProxyHeader> parse_proxy_header(ByteView in);

}  // namespace sipwsd::http
