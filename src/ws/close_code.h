#pragma once
// Close codes (RFC 6455 7.4, with 1012-1014 from the IANA registry) and the words that go with ours.

#include <cstdint>
#include <string_view>

namespace sipwsd::ws {

enum class CloseCode : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported_data = 1003,
  no_status = 1005,  // never on the wire: a Close frame without a code (7.1.5)
  abnormal = 1006,   // never on the wire: the connection ended without a Close frame
  invalid_payload = 1007,
  policy_violation = 1008,
  message_too_big = 1009,
  mandatory_extension = 1010,
  internal_error = 1011,
  service_restart = 1012,
  try_again_later = 1013,
  bad_gateway = 1014,
};
constexpr std::uint16_t number(CloseCode code) noexcept { return static_cast<std::uint16_t>(code); }

// 1000-1003, 1007-1014, 3000-4999. 1004, 1005, 1006, 1015, what is below 1000, and 1016-2999 stand for no Close frame
// (7.4.1, 7.4.2; S15).
constexpr bool may_be_sent(std::uint16_t code) noexcept {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}
// The same codes: 7.4.1 reserves 1010 for clients and 1011 for servers, but no peer is failed for using the other's.
constexpr bool may_be_received(std::uint16_t code) noexcept { return may_be_sent(code); }

// What a Close frame says when nobody gave a reason. The first three texts are the module's (reference/websocket.md 5).
std::string_view default_reason(CloseCode code) noexcept;

}  // namespace sipwsd::ws
