#include "src/net/keepalive_policy.h"

namespace sipwsd::net {

KeepaliveAct keepalive_act(const shm::ConnectionRecord& record, std::int64_t now_seconds,
                           const KeepaliveRules& rules) noexcept {
  if (rules.mechanism == 0 || !record.is_websocket()) return KeepaliveAct::nothing;
  if (now_seconds - record.last_used <= rules.timeout.count()) return KeepaliveAct::nothing;
  switch (record.state()) {
    case shm::ConnectionState::closing: return KeepaliveAct::drop_close_unanswered;
    case shm::ConnectionState::open:
      if (record.is_awaiting_pong()) return KeepaliveAct::drop_no_pong;
      return rules.mechanism == 2 ? KeepaliveAct::pong : KeepaliveAct::ping;
    // Not yet a WebSocket (it has its own deadline), or no longer anybody's.
    case shm::ConnectionState::free:
    case shm::ConnectionState::reserved:
    case shm::ConnectionState::connecting:
    case shm::ConnectionState::lost: return KeepaliveAct::nothing;
  }
  return KeepaliveAct::nothing;
}

}  // namespace sipwsd::net
