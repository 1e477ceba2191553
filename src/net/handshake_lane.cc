#include "src/net/handshake_lane.h"

namespace sipwsd::net {

void HandshakeLane::enter(ConnectionId id, Stage stage) {
  (stage == Stage::first_flight ? first_ : later_).push_back(id);
  loop_.defer(*this);
}

// At least one a turn, whatever the clock says: a frozen one must not stop the lane.
void HandshakeLane::run_deferred() {
  const auto end = loop_.clock().now() + share_of_a_turn;
  for (std::size_t n = first_.size() + later_.size(); n > 0; --n) {
    auto& next = later_.empty() ? first_ : later_;
    const ConnectionId id = next.front();
    next.pop_front();
    serve_(id);
    if (loop_.clock().now() >= end) break;
  }
  if (!first_.empty() || !later_.empty()) loop_.defer(*this);
}

}  // namespace sipwsd::net
