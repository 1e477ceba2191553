#pragma once
// What keepalive does about one connection (reference/websocket.md 9): pure, from a copy of its record.
//
// Idle means strictly longer than the timeout without a frame in either direction; a keepalive counts as a frame. So a
// silent peer is found after two timeouts: the first sends a Ping, the second finds its Pong missing.
//
// Connections that fall silent together (a reconnect storm, an outage of somebody's network) would all be due in one
// scan, and again in each later one. So a keepalive is up to a tenth of the timeout late, never early, each connection
// by its own number of seconds. Dropping is not: a dead peer is gone a timeout and a scan after its unanswered Ping.

#include <chrono>
#include <cstdint>

#include "shm/connection_record.h"

namespace sipwsd::net {

enum class KeepaliveAct : std::uint8_t {
  nothing,
  ping,
  pong,                   // unasked, RFC 6455 5.5.3: a one-way heartbeat
  drop_no_pong,           // the Ping of the last timeout was not answered
  drop_close_unanswered,  // neither was our Close
};

struct KeepaliveRules {
  int mechanism = 1;  // 0 none, 1 Ping, 2 Pong
  std::chrono::seconds timeout{180};
};

// RFC 5626 5.4: on top of a Flow-Timer, for the way.
inline constexpr std::chrono::seconds flow_timer_grace{10};

// RFC 5626 5.4: a client that was told a Flow-Timer has spoken by then, and some time is allowed for the way. One that
// has not is asked with a Ping first: browsers' SIP libraries know no Flow-Timer, but each of them answers a Ping.
[[nodiscard]] std::chrono::seconds silence_allowed(std::chrono::seconds keepalive_timeout,
                                                   std::chrono::seconds flow_timer) noexcept;

// How late the keepalive of a connection that fell silent at `last_used` is: 0 to 18 s, and no more than a tenth of the
// timeout. The same whoever asks and however often, so that no scan needs to remember anything.
[[nodiscard]] std::chrono::seconds keepalive_delay(ConnectionId id, std::int64_t last_used,
                                                   std::chrono::seconds timeout) noexcept;

[[nodiscard]] KeepaliveAct keepalive_act(const shm::ConnectionRecord& record, std::int64_t now_seconds,
                                         const KeepaliveRules& rules) noexcept;

}  // namespace sipwsd::net
