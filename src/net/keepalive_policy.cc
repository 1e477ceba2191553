#include "src/net/keepalive_policy.h"

#include <algorithm>

#include "src/config/settings.h"

namespace sipwsd::net {
namespace {

// The mixer of splitmix64: neighbouring numbers land far apart.
constexpr std::uint64_t mix(std::uint64_t x) noexcept {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

}  // namespace

std::chrono::seconds silence_allowed(std::chrono::seconds keepalive_timeout, std::chrono::seconds flow_timer) noexcept {
  return flow_timer.count() == 0 ? keepalive_timeout : std::min(keepalive_timeout, flow_timer + flow_timer_grace);
}

std::chrono::seconds keepalive_delay(ConnectionId id, std::int64_t last_used, std::chrono::seconds timeout) noexcept {
  const auto longest = static_cast<std::uint64_t>(config::longest_keepalive_delay(timeout).count());
  const auto seed = static_cast<std::uint64_t>(number(id)) << 32 ^ static_cast<std::uint64_t>(last_used);
  return std::chrono::seconds{static_cast<std::int64_t>(mix(seed + 0x9e3779b97f4a7c15u) % (longest + 1))};
}

KeepaliveAct keepalive_act(const shm::ConnectionRecord& record, std::int64_t now_seconds,
                           const KeepaliveRules& rules) noexcept {
  if (rules.mechanism == 0 || !record.is_websocket()) return KeepaliveAct::nothing;
  const std::chrono::seconds idle{now_seconds - record.last_used};
  if (idle <= rules.timeout) return KeepaliveAct::nothing;
  switch (record.state()) {
    case shm::ConnectionState::closing: return KeepaliveAct::drop_close_unanswered;
    case shm::ConnectionState::open:
      if (record.is_awaiting_pong()) return KeepaliveAct::drop_no_pong;
      if (idle <= rules.timeout + keepalive_delay(record.id(), record.last_used, rules.timeout))
        return KeepaliveAct::nothing;
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
