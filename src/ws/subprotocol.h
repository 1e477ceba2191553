#pragma once
// Sub-protocols: sip (RFC 7118) and msrp (RFC 7977). The numbers are those of the `sub_protocols` parameter.

#include "sipwsd/bytes.h"
#include "sipwsd/sub_protocol.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sipwsd::ws {

using sipwsd::SubProtocol;

// In the order of preference: sip wins when a client offers both.
constexpr std::array all_sub_protocols{SubProtocol::sip, SubProtocol::msrp};

// Without case, as the module compares; the whole token (S03).
constexpr std::optional<SubProtocol> sub_protocol(std::string_view token) noexcept {
  for (const auto protocol : all_sub_protocols)
    if (equals_nocase(token, name(protocol))) return protocol;
  return std::nullopt;
}

class SubProtocols {
 public:
  constexpr SubProtocols() = default;
  constexpr explicit SubProtocols(std::uint8_t bits) noexcept : bits_(bits) {}
  constexpr void insert(SubProtocol protocol) noexcept { bits_ |= static_cast<std::uint8_t>(protocol); }
  constexpr bool contains(SubProtocol protocol) const noexcept {
    return (bits_ & static_cast<std::uint8_t>(protocol)) != 0;
  }
  constexpr bool empty() const noexcept { return bits_ == 0; }

 private:
  std::uint8_t bits_ = 0;
};

}  // namespace sipwsd::ws
