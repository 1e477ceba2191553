#include "src/base/network.h"

#include "src/base/text.h"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

namespace sipwsd::base {
namespace {

constexpr std::uint8_t bits_of(AddressFamily family) noexcept { return family == AddressFamily::ipv4 ? 32 : 128; }
constexpr std::uint8_t mapped_bits = 96;  // ::ffff:0:0/96, RFC 4291 2.5.5.2

std::array<std::uint8_t, 16> masked(const std::array<std::uint8_t, 16>& address, std::uint8_t bits) noexcept {
  std::array<std::uint8_t, 16> out{};
  const std::size_t whole = bits / 8;
  std::copy_n(address.begin(), whole, out.begin());
  if (bits % 8 != 0) out[whole] = static_cast<std::uint8_t>(address[whole] & (0xff00u >> (bits % 8)));
  return out;
}

Endpoint read_address(std::string_view text) {
  Endpoint out;
  const std::string name(text);  // inet_pton wants an end
  const AddressFamily family = text.find(':') == std::string_view::npos ? AddressFamily::ipv4 : AddressFamily::ipv6;
  if (::inet_pton(family == AddressFamily::ipv4 ? AF_INET : AF_INET6, name.c_str(), out.address.data()) == 1)
    out.family = family;
  return out;
}

Error no_network(std::string_view text) {
  return {Errc::malformed,
          "\"" + std::string(text) + "\" is no network; write it as 10.0.0.0/8, 2001:db8::/32 or one address"};
}

}  // namespace

Result<Network> Network::parse(std::string_view text) {
  const auto slash = text.find('/');
  Endpoint address = read_address(text.substr(0, slash));
  if (address.family == AddressFamily::none) return no_network(text);
  std::uint8_t bits = bits_of(address.family);
  if (slash != std::string_view::npos) {
    const auto given = parse_decimal<std::uint8_t>(text.substr(slash + 1));
    if (!given) return no_network(text);
    if (*given > bits)
      return Error{Errc::out_of_range, "the length of \"" + std::string(text) + "\" is more than " +
                                           std::to_string(bits) + "; write a length from 0 to " + std::to_string(bits)};
    bits = *given;
  }
  if (bits >= mapped_bits && without_mapping(address).family == AddressFamily::ipv4 &&
      address.family == AddressFamily::ipv6) {
    address = without_mapping(address);
    bits = static_cast<std::uint8_t>(bits - mapped_bits);
  }
  const Network network = around(address, bits);
  if (network.address_ != address.address)  // 10.1.2.3/8: the whole network, or that one host?
    return Error{Errc::malformed, "\"" + std::string(text) + "\" has bits beyond its length; write " +
                                      network.to_string() + " or " + address.address_text()};
  return network;
}

Network Network::around(const Endpoint& endpoint, std::uint8_t bits) noexcept {
  Network network;
  network.family_ = endpoint.family;
  network.bits_ = std::min(bits, bits_of(endpoint.family));
  network.address_ = masked(endpoint.address, network.bits_);
  return network;
}

bool Network::contains(const Endpoint& endpoint) const noexcept {
  const Endpoint plain = without_mapping(endpoint);
  return family_ != AddressFamily::none && plain.family == family_ && masked(plain.address, bits_) == address_;
}

Endpoint Network::address() const noexcept {
  Endpoint out;
  out.address = address_;
  out.family = family_;
  return out;
}

std::string Network::to_string() const {
  const std::string text = address().address_text();
  return bits_ == bits_of(family_) ? text : text + "/" + std::to_string(bits_);
}

Networks Networks::loopback() { return *parse("127.0.0.0/8 ::1"); }

Result<Networks> Networks::parse(std::string_view text) {
  Networks networks;
  if (auto added = networks.add(text); !added) return added.error();
  return networks;
}

Result<void> Networks::add(std::string_view text) {
  constexpr std::string_view parting = " ,\t";
  std::vector<Network> more;
  for (;;) {
    const auto first = text.find_first_not_of(parting);
    if (first == std::string_view::npos) break;
    text.remove_prefix(first);
    const auto end = std::min(text.find_first_of(parting), text.size());
    auto network = Network::parse(text.substr(0, end));
    if (!network) return network.error();
    more.push_back(*network);
    text.remove_prefix(end);
  }
  networks_.insert(networks_.end(), more.begin(), more.end());
  return {};
}

std::string Networks::to_string() const {
  std::string text;
  for (const Network& network : networks_) text += (text.empty() ? "" : " ") + network.to_string();
  return text;
}

Endpoint without_mapping(const Endpoint& endpoint) noexcept {
  constexpr std::array<std::uint8_t, 12> prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (endpoint.family != AddressFamily::ipv6 || !std::equal(prefix.begin(), prefix.end(), endpoint.address.begin()))
    return endpoint;
  Endpoint plain = endpoint;
  plain.family = AddressFamily::ipv4;
  plain.address = {};
  std::copy_n(endpoint.address.begin() + prefix.size(), 4, plain.address.begin());
  return plain;
}

Endpoint subject_of(const Endpoint& source) noexcept {
  const Endpoint plain = without_mapping(source);
  return Network::around(plain, plain.family == AddressFamily::ipv6 ? 64 : 32).address();
}

std::string subject_text(const Endpoint& subject) {
  return Network::around(subject, subject.family == AddressFamily::ipv6 ? 64 : 32).to_string();
}

}  // namespace sipwsd::base
