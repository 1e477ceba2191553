#pragma once
// As much of STUN (RFC 8489, RFC 5389) as a SIP port needs: clients over UDP ask with a Binding request whether their
// flow is alive and what address it has from here (RFC 5626 4.4.2, 8). No authentication, no indications, no other method.
// Pure: bytes in, bytes out. A SIP message never begins with these bits (RFC 5626 8), so the first byte decides.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "sipwsd/bytes.h"
#include "sipwsd/endpoint.h"

namespace sipwsd::net::stun {

// RFC 8489 5: the two most significant bits are zero, and every method in use is below 0x100.
constexpr bool looks_like_stun(ByteView datagram) noexcept { return !datagram.empty() && datagram[0] <= std::byte{1}; }

using TransactionId = std::array<std::byte, 12>;

struct BindingRequest {
  TransactionId id{};
  bool has_fingerprint = false;
  // Those that must be understood and are not (RFC 8489 6.3.1); more of them than fit are not told.
  std::array<std::uint16_t, 8> unknown{};
  std::size_t unknown_count = 0;
};
struct NotForUs {};  // another method, a response, an indication, or no STUN after all: no answer

std::variant<BindingRequest, NotForUs> parse(ByteView datagram) noexcept;

// What is answered: the address it came from (XOR-MAPPED-ADDRESS), or 420 with what is unknown. With a FINGERPRINT when
// the request had one. Never longer than the request by more than this, so that a forged source gains little.
class Answer {
 public:
  Answer(const BindingRequest& request, const Endpoint& source) noexcept;
  [[nodiscard]] ByteView bytes() const noexcept { return {bytes_.data(), size_}; }

 private:
  void put16(std::uint16_t value) noexcept;
  void put32(std::uint32_t value) noexcept;
  void begin(std::uint16_t attribute, std::size_t length) noexcept;
  void mapped_address(const TransactionId& id, const Endpoint& source) noexcept;
  void unknown_attributes(const BindingRequest& request) noexcept;
  void finish(const BindingRequest& request) noexcept;

  std::array<std::byte, 96> bytes_{};
  std::size_t size_ = 0;
};

// RFC 8489 14.7: of everything before the attribute, whose header's length counts it already.
std::uint32_t fingerprint(ByteView before) noexcept;

}  // namespace sipwsd::net::stun
