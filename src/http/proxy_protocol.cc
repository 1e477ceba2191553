#include "src/http/proxy_protocol.h"

#include "src/base/network.h"
#include "src/base/text.h"
#include "src/http/ip_address.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace sipwsd::http {
namespace {

using namespace std::string_view_literals;

constexpr auto text_start = "PROXY "sv;
constexpr auto binary_start = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::size_t longest_text = 107;  // 2.1, CRLF included
constexpr std::size_t binary_fixed = 16;   // signature, version and command, family, length

Error malformed(const char* why) { return {Errc::malformed, why}; }

// --- version 1
// --------------------------------------------------------------------------------------------------------

std::string_view take_word(std::string_view& rest) {
  const auto space = rest.find(' ');
  const auto word = rest.substr(0, space);
  rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
  return word;
}

bool set_address(Endpoint& endpoint, AddressFamily family, std::string_view text) {
  const auto address = parse_ip_address(text, family);
  if (!address) return false;
  endpoint.family = address->family;
  endpoint.address = address->address;
  return true;
}

bool set_port(Endpoint& endpoint, std::string_view text) {
  const auto port = base::parse_decimal<std::uint16_t>(text);
  if (!port || (text.size() > 1 && text.front() == '0')) return false;
  endpoint.port = *port;
  return true;
}

Result<ProxyHeader> parse_text(std::string_view in) {
  const auto end = in.substr(0, longest_text).find("\r\n");
  if (end == std::string_view::npos) {
    if (in.size() >= longest_text) return malformed("the PROXY line does not end");
    return Errc::incomplete;
  }
  ProxyHeader header;
  header.length = end + 2;
  auto rest = in.substr(text_start.size(), end - text_start.size());
  const auto kind = take_word(rest);
  if (kind == "UNKNOWN") return header;
  if (kind != "TCP4" && kind != "TCP6") return malformed("the PROXY line names no known protocol");
  const auto family = kind == "TCP4" ? AddressFamily::ipv4 : AddressFamily::ipv6;

  auto& [source, destination] = header.addresses.emplace();
  source.protocol = destination.protocol = TransportProtocol::tcp;
  if (!set_address(source, family, take_word(rest)) || !set_address(destination, family, take_word(rest)))
    return malformed("the PROXY line has a bad address");
  if (!set_port(source, take_word(rest)) || !set_port(destination, rest))
    return malformed("the PROXY line has a bad port");
  return header;
}

// --- version 2
// --------------------------------------------------------------------------------------------------------

std::uint8_t byte_at(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }
std::uint16_t number16(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}
std::uint32_t number32(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint32_t>(number16(bytes, at)) << 16 | number16(bytes, at + 2);
}

constexpr auto crc32c_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1) != 0 ? 0x82f63b78u : 0u);
    table[i] = value;
  }
  return table;
}();

// RFC 3720 B.4 over `bytes`, with the four bytes at `hole` taken as zero: that is where the sum itself stands.
std::uint32_t crc32c(std::string_view bytes, std::size_t hole) {
  std::uint32_t sum = 0xffffffffu;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::uint8_t byte = i >= hole && i < hole + 4 ? 0 : byte_at(bytes, i);
    sum = crc32c_table[(sum ^ byte) & 0xff] ^ sum >> 8;
  }
  return ~sum;
}

// 2.2.1 - 2.2.6. `whole` is the header, its extensions begin at `at`.
Result<void> parse_extensions(std::string_view whole, std::size_t at, ProxyHeader& header) {
  constexpr std::uint8_t type_authority = 0x02, type_crc32c = 0x03, type_ssl = 0x20;
  constexpr std::size_t least_ssl = 5;
  while (at < whole.size()) {
    if (whole.size() - at < 3) return malformed("a PROXY extension is cut off");
    const auto type = byte_at(whole, at);
    const std::size_t length = number16(whole, at + 1);
    at += 3;
    if (whole.size() - at < length) return malformed("a PROXY extension is cut off");
    if (type == type_authority) header.authority = whole.substr(at, length);
    if (type == type_ssl) {
      if (length < least_ssl) return malformed("the PROXY extension about TLS is too short");
      header.client_tls = (byte_at(whole, at) & 0x01) != 0;
    }
    if (type == type_crc32c && (length != 4 || number32(whole, at) != crc32c(whole, at)))
      return malformed("the PROXY header's checksum is wrong");
    at += length;
  }
  return {};
}

Endpoint endpoint_of(std::string_view address, std::uint16_t port, AddressFamily family, TransportProtocol protocol) {
  Endpoint endpoint;
  std::memcpy(endpoint.address.data(), address.data(), address.size());
  endpoint.port = port;
  endpoint.family = family;
  endpoint.protocol = protocol;
  return base::without_mapping(endpoint);
}

Result<ProxyHeader> parse_binary(std::string_view in) {
  // The fields before the length are looked at as soon as they are there.
  if (in.size() > 12 && byte_at(in, 12) >> 4 != 2) return malformed("not version 2 of the PROXY header");
  if (in.size() > 12 && (byte_at(in, 12) & 0x0f) > 1) return malformed("an unknown PROXY command");
  if (in.size() < binary_fixed) return Errc::incomplete;
  const std::size_t length = number16(in, 14);
  if (binary_fixed + length > max_proxy_header) return Error{Errc::too_large, "the PROXY header is too long"};
  if (in.size() < binary_fixed + length) return Errc::incomplete;
  const auto whole = in.substr(0, binary_fixed + length);

  ProxyHeader header;
  header.length = whole.size();
  const bool local = (byte_at(in, 12) & 0x0f) == 0;
  const auto family = byte_at(in, 13) >> 4;
  const auto transport = byte_at(in, 13) & 0x0f;
  if (local) return header;  // 2.2: the family is ignored, and what follows is to be skipped
  if (family > 3 || transport > 2) return malformed("an unknown PROXY address family");
  if (family == 0 || transport == 0) return header;

  const std::size_t address_size = family == 1 ? 4 : family == 2 ? 16 : 108;
  const std::size_t block = 2 * address_size + (family == 3 ? 0 : 4);
  if (length < block) return malformed("the PROXY addresses are cut off");
  if (family != 3) {
    const auto kind = family == 1 ? AddressFamily::ipv4 : AddressFamily::ipv6;
    const auto protocol = transport == 1 ? TransportProtocol::tcp : TransportProtocol::udp;
    const auto source = binary_fixed, destination = source + address_size, ports = destination + address_size;
    header.addresses.emplace(ProxyHeader::Addresses{
        endpoint_of(whole.substr(source, address_size), number16(whole, ports), kind, protocol),
        endpoint_of(whole.substr(destination, address_size), number16(whole, ports + 2), kind, protocol)});
  }
  if (auto extensions = parse_extensions(whole, binary_fixed + block, header); !extensions) return extensions.error();
  return header;
}

bool may_begin(std::string_view in, std::string_view start) {
  const auto common = std::min(in.size(), start.size());
  return in.substr(0, common) == start.substr(0, common);
}

}  // namespace

ProxySniff sniff_proxy_header(ByteView in) noexcept {
  const auto text = as_text(in);
  if (text.starts_with(text_start) || text.starts_with(binary_start)) return ProxySniff::yes;
  return may_begin(text, text_start) || may_begin(text, binary_start) ? ProxySniff::perhaps : ProxySniff::no;
}

Result<ProxyHeader> parse_proxy_header(ByteView in) {
  switch (sniff_proxy_header(in)) {
    case ProxySniff::no:
      return malformed("not a PROXY header");
    case ProxySniff::perhaps:
      return Errc::incomplete;
    case ProxySniff::yes:
      break;
  }
  const auto text = as_text(in);
  return text.starts_with(text_start) ? parse_text(text) : parse_binary(text);
}

}  // namespace sipwsd::http
