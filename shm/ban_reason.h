#pragma once
// What an address did to earn a strike, and what it is banned for. To add one: a name here and in the table, a weight in
// src/net/admission.cc.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sipwsd::shm {

enum class BanReason : std::uint8_t {
  none = 0,
  by_operator,        // ban.add
  handshake_timeout,  // connected and did not finish TLS or the WebSocket handshake in time
  tls_failure,        // what it sent is no TLS, or its certificate was refused
  malformed_http,     // 400, 431
  proxy_header,       // a PROXY header or Forwarded from who is not trusted
  protocol_error,     // RFC 6455 1002, 1007
  ping_flood,         // 1008
  oversized,          // 1009, more fragments than allowed
  message_timeout,    // a message that did not end in time
  slow_reader,        // its outbox did not move
  flood,              // kept sending above its rates
  malformed_sip,
  auth_failure,
  poison,  // a worker died over what it sent
  count,
};

// As ban.list and the log say it.
constexpr std::array<std::string_view, static_cast<std::size_t>(BanReason::count)> ban_reason_names{
    "none",         "operator",   "handshake-timeout", "tls-failure",     "malformed-http", "proxy-header",  "protocol-error",
    "ping-flood",   "oversized",  "message-timeout",   "slow-reader",     "flood",          "malformed-sip", "auth-failure",
    "poison",
};
constexpr std::string_view name(BanReason reason) noexcept {
  const auto at = static_cast<std::size_t>(reason);
  return at < ban_reason_names.size() ? ban_reason_names[at] : "none";
}
constexpr std::optional<BanReason> ban_reason(std::string_view name) noexcept {
  for (std::size_t i = 1; i < ban_reason_names.size(); ++i)
    if (ban_reason_names[i] == name) return static_cast<BanReason>(i);
  return std::nullopt;
}

}  // namespace sipwsd::shm
