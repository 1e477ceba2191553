#pragma once
// WebSocket sub-protocols: sip (RFC 7118) and msrp (RFC 7977).

#include <cstdint>
#include <string_view>

namespace sipwsd {

// The negotiated one; numbers as in the `sub_protocols` bitmap. none: the client offered none and the stage allows that.
enum class SubProtocol : std::uint8_t { none = 0, sip = 1, msrp = 2 };

// The registered name, and the only bytes that are ever echoed in a handshake; empty for none.
constexpr std::string_view name(SubProtocol protocol) noexcept {
  switch (protocol) {
    case SubProtocol::none: return "";
    case SubProtocol::sip: return "sip";
    case SubProtocol::msrp: return "msrp";
  }
  return "";
}

}  // namespace sipwsd
