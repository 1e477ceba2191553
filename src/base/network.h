#pragma once
// Networks in CIDR notation (RFC 4632, RFC 4291 2.3): who is trusted, who is exempt. And the part of a source address
// that limits and bans count by. An IPv4-mapped IPv6 address (::ffff:192.0.2.7) is the IPv4 address it holds.

#include "sipwsd/endpoint.h"
#include "sipwsd/result.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sipwsd::base {

class Network {
 public:
  // 10.0.0.0/8, 2001:db8::/32; an address alone is a network of one. The Error says what to write instead.
  static Result<Network> parse(std::string_view text);
  // The first `bits` of the endpoint's address.
  static Network around(const Endpoint& endpoint, std::uint8_t bits) noexcept;

  [[nodiscard]] bool contains(const Endpoint& endpoint) const noexcept;
  [[nodiscard]] AddressFamily family() const noexcept { return family_; }
  [[nodiscard]] std::uint8_t bits() const noexcept { return bits_; }
  [[nodiscard]] Endpoint address() const noexcept;      // the lowest one; port 0
  [[nodiscard]] std::string to_string() const;          // 10.0.0.0/8; without the length when it is one address
  friend bool operator==(const Network&, const Network&) = default;

 private:
  std::array<std::uint8_t, 16> address_{};
  AddressFamily family_ = AddressFamily::none;
  std::uint8_t bits_ = 0;
};

// A parameter's value: networks parted by spaces or commas. A handful: looked through one by one.
class Networks {
 public:
  static Networks loopback();  // 127.0.0.0/8 ::1
  static Result<Networks> parse(std::string_view text);
  Result<void> add(std::string_view text);  // all of them, or none

  [[nodiscard]] bool contains(const Endpoint& endpoint) const noexcept {
    for (const Network& network : networks_)
      if (network.contains(endpoint)) return true;
    return false;
  }
  [[nodiscard]] bool is_empty() const noexcept { return networks_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return networks_.size(); }
  [[nodiscard]] std::string to_string() const;  // parted by spaces
  friend bool operator==(const Networks&, const Networks&) = default;

 private:
  std::vector<Network> networks_;
};

// ::ffff:192.0.2.7 becomes 192.0.2.7; everything else stays what it is.
[[nodiscard]] Endpoint without_mapping(const Endpoint& endpoint) noexcept;

// Whom a limit or a ban is for: of IPv6 the /64, which is what one host can choose its addresses from; of IPv4 the
// address. Port 0, no transport; so two connections of one subject are equal.
[[nodiscard]] Endpoint subject_of(const Endpoint& source) noexcept;
[[nodiscard]] std::string subject_text(const Endpoint& subject);  // 192.0.2.7, 2001:db8:0:1::/64

}  // namespace sipwsd::base
