#include "src/dns/host_name.h"

#include "sipwsd/bytes.h"

#include "src/base/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace sipwsd::dns {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

Endpoint parse_as(int family, std::string_view text) noexcept {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  Endpoint address;
  if (text.size() >= terminated.size()) return address;
  std::copy(text.begin(), text.end(), terminated.begin());
  if (inet_pton(family, terminated.data(), address.address.data()) != 1) return {};
  address.family = family == AF_INET ? AddressFamily::ipv4 : AddressFamily::ipv6;
  return base::without_mapping(address);
}

Host of_address(const Endpoint& address) noexcept {
  if (address.family == AddressFamily::none || !is_unicast(address)) return {};
  return {Host::Kind::address, address, {}};
}

// Labels of 1 to 63 characters, 253 altogether (RFC 1035 2.3.4), the last one not a number.
bool is_well_formed(std::string_view name) noexcept {
  if (name.empty() || name.size() > 253) return false;
  bool number = true;
  std::size_t label = 0;
  for (const char c : name) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      number = true;
      continue;
    }
    if (!is_name_character(c) || ++label > 63) return false;
    number = number && is_digit(c);
  }
  return label != 0 && !number;
}

bool is_or_is_below(std::string_view name, std::string_view domain) noexcept {
  return name.ends_with(domain) &&
         (name.size() == domain.size() || name[name.size() - domain.size() - 1] == '.');
}

}  // namespace

Host classify(std::string_view host) {
  if (host.starts_with('['))
    return host.ends_with(']') ? of_address(parse_as(AF_INET6, host.substr(1, host.size() - 2))) : Host{};
  if (host.find(':') != std::string_view::npos) return of_address(parse_as(AF_INET6, host));
  if (!host.empty() && is_digit(host.back())) {
    if (const Endpoint address = parse_as(AF_INET, host); address.family != AddressFamily::none)
      return of_address(address);
  }

  if (host.ends_with('.')) host.remove_suffix(1);
  Host result{Host::Kind::name, {}, std::string(host)};
  std::transform(result.name.begin(), result.name.end(), result.name.begin(), ascii_lower);
  if (!is_well_formed(result.name) || is_or_is_below(result.name, "invalid")) return {};
  if (is_or_is_below(result.name, "localhost")) result.kind = Host::Kind::localhost;
  return result;
}

bool may_be_asked(std::string_view name) noexcept {
  return is_well_formed(name) && !is_or_is_below(name, "invalid") && !is_or_is_below(name, "localhost");
}

bool is_unicast(const Endpoint& address) noexcept {
  const auto& bytes = address.address;
  if (address.family == AddressFamily::ipv4) return bytes[0] != 0 && bytes[0] < 224;  // 240.0.0.0/4 is nobody's
  return address.family == AddressFamily::ipv6 && bytes[0] != 0xff &&
         std::any_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte != 0; });
}

}  // namespace sipwsd::dns
