#pragma once
// What keepalive does about one connection (reference/websocket.md 9): pure, from a copy of its record.
//
// Idle means strictly longer than the timeout without a frame in either direction; a keepalive counts as a frame. So a
// silent peer is found after two timeouts: the first sends a Ping, the second finds its Pong missing.

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

[[nodiscard]] KeepaliveAct keepalive_act(const shm::ConnectionRecord& record, std::int64_t now_seconds,
                                         const KeepaliveRules& rules) noexcept;

}  // namespace sipwsd::net
