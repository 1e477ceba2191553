#include "src/net/stun.h"

#include <algorithm>
#include <cstring>

namespace sipwsd::net::stun {
namespace {

constexpr std::uint32_t magic_cookie = 0x2112a442;
constexpr std::size_t header_size = 20;
constexpr std::uint16_t binding_request = 0x0001, binding_success = 0x0101, binding_error = 0x0111;
constexpr std::uint16_t error_code = 0x0009, unknown_attributes_type = 0x000a, xor_mapped_address = 0x0020,
                        fingerprint_type = 0x8028;
// RFC 8489 18.3.1: those a server without authentication may meet and pass over (14.5: it has no password to check with).
constexpr auto understood = std::to_array<std::uint16_t>({
    0x0006,  // USERNAME
    0x0008,  // MESSAGE-INTEGRITY
    0x0014,  // REALM
    0x0015,  // NONCE
    0x001c,  // MESSAGE-INTEGRITY-SHA256
    0x001d,  // PASSWORD-ALGORITHM
    0x001e,  // USERHASH
});
constexpr bool must_be_understood(std::uint16_t attribute) noexcept { return attribute < 0x8000; }

std::uint16_t read16(ByteView bytes, std::size_t at) noexcept {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(bytes[at]) << 8 | std::to_integer<unsigned>(bytes[at + 1]));
}
std::uint32_t read32(ByteView bytes, std::size_t at) noexcept {
  return static_cast<std::uint32_t>(read16(bytes, at)) << 16 | read16(bytes, at + 2);
}

// CRC-32 of ISO 3309, a table of its remainders.
constexpr auto remainders = [] {
  std::array<std::uint32_t, 256> out{};
  for (std::uint32_t i = 0; i < out.size(); ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0xedb88320u ^ c >> 1 : c >> 1;
    out[i] = c;
  }
  return out;
}();

}  // namespace

std::uint32_t fingerprint(ByteView before) noexcept {
  std::uint32_t crc = 0xffffffff;
  for (const std::byte b : before) crc = remainders[(crc ^ std::to_integer<std::uint32_t>(b)) & 0xff] ^ crc >> 8;
  return ~crc ^ 0x5354554e;
}

std::variant<BindingRequest, NotForUs> parse(ByteView datagram) noexcept {
  if (datagram.size() < header_size || read16(datagram, 0) != binding_request) return NotForUs{};
  if (read32(datagram, 4) != magic_cookie) return NotForUs{};  // RFC 3489 had none
  if (const auto length = read16(datagram, 2); length % 4 != 0 || length != datagram.size() - header_size) return NotForUs{};
  BindingRequest request;
  std::copy_n(datagram.begin() + 8, request.id.size(), request.id.begin());
  for (std::size_t at = header_size; at < datagram.size();) {
    const std::size_t left = datagram.size() - at;  // a multiple of 4
    const auto attribute = read16(datagram, at);
    const std::size_t length = read16(datagram, at + 2), padded = (length + 3) / 4 * 4;
    if (padded > left - 4) return NotForUs{};
    if (attribute == fingerprint_type) {
      // It is the last one, and right, or this is no STUN (RFC 8489 6.3).
      if (length != 4 || left != 8 || read32(datagram, at + 4) != fingerprint(datagram.first(at))) return NotForUs{};
      request.has_fingerprint = true;
    } else if (must_be_understood(attribute) && std::find(understood.begin(), understood.end(), attribute) == understood.end()) {
      if (request.unknown_count < request.unknown.size()) request.unknown[request.unknown_count++] = attribute;
    }
    at += 4 + padded;
  }
  return request;
}

Answer::Answer(const BindingRequest& request, const Endpoint& source) noexcept {
  put16(request.unknown_count == 0 ? binding_success : binding_error);
  put16(0);  // the length, when it is known
  put32(magic_cookie);
  for (const std::byte b : request.id) bytes_[size_++] = b;
  request.unknown_count == 0 ? mapped_address(request.id, source) : unknown_attributes(request);
  finish(request);
}

void Answer::put16(std::uint16_t value) noexcept {
  bytes_[size_++] = static_cast<std::byte>(value >> 8);
  bytes_[size_++] = static_cast<std::byte>(value & 0xff);
}
void Answer::put32(std::uint32_t value) noexcept {
  put16(static_cast<std::uint16_t>(value >> 16));
  put16(static_cast<std::uint16_t>(value & 0xffff));
}
void Answer::begin(std::uint16_t attribute, std::size_t length) noexcept {
  put16(attribute);
  put16(static_cast<std::uint16_t>(length));
}

// RFC 8489 14.2: hidden from NATs that replace whatever looks like an address.
void Answer::mapped_address(const TransactionId& id, const Endpoint& source) noexcept {
  const bool is_ipv6 = source.family == AddressFamily::ipv6;
  const std::size_t size = is_ipv6 ? 16 : 4;
  begin(xor_mapped_address, 4 + size);
  put16(is_ipv6 ? 0x02 : 0x01);
  put16(source.port ^ static_cast<std::uint16_t>(magic_cookie >> 16));
  std::array<std::byte, 16> pad{};
  for (std::size_t i = 0; i < 4; ++i) pad[i] = static_cast<std::byte>(magic_cookie >> (24 - 8 * i) & 0xff);
  std::copy(id.begin(), id.end(), pad.begin() + 4);
  for (std::size_t i = 0; i < size; ++i) bytes_[size_++] = static_cast<std::byte>(source.address[i]) ^ pad[i];
}

// RFC 8489 14.8, 14.9
void Answer::unknown_attributes(const BindingRequest& request) noexcept {
  begin(error_code, 4);  // a reason phrase would only make it longer
  put32(0x0414);         // 420
  begin(unknown_attributes_type, 2 * request.unknown_count);
  for (std::size_t i = 0; i < request.unknown_count; ++i) put16(request.unknown[i]);
  if (request.unknown_count % 2 != 0) put16(0);
}

void Answer::finish(const BindingRequest& request) noexcept {
  const std::size_t length = size_ - header_size + (request.has_fingerprint ? 8 : 0);
  bytes_[2] = static_cast<std::byte>(length >> 8);
  bytes_[3] = static_cast<std::byte>(length & 0xff);
  if (!request.has_fingerprint) return;
  const auto value = fingerprint(bytes());
  begin(fingerprint_type, 4);
  put32(value);
}

}  // namespace sipwsd::net::stun
