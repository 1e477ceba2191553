#pragma once
// What the host of a URI is, before anybody is asked: an address, a name, or one of the names that never reach DNS.

#include "sipwsd/endpoint.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace sipwsd::dns {

struct Host {
  enum class Kind : std::uint8_t {
    address,
    name,
    localhost,  // and below it: this machine (RFC 6761 6.3)
    nowhere,    // below .invalid (RFC 6761 6.4), or neither an address nor a host name
  };
  Kind kind = Kind::nowhere;
  Endpoint address;  // no port, no transport
  std::string name;  // lower case, no dot at the end; of a name and of localhost
};

// A name, IPv4, IPv6 with or without brackets. What looks like an address and is none (1.2.3, 0x7f.1, a zone) is nowhere:
// no top-level domain is a number (RFC 3696 2).
Host classify(std::string_view host);

// A whole name in lower case that may be put to a name server; records may lead to others.
bool may_be_asked(std::string_view name) noexcept;

// In a label of a host name; RFC 2782's underscore too. Lower case.
constexpr bool is_name_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}
// A request can be sent there: no unspecified, multicast or broadcast address.
bool is_unicast(const Endpoint& address) noexcept;

}  // namespace sipwsd::dns
