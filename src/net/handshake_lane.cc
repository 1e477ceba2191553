#include "src/net/handshake_lane.h"

namespace sipwsd::net {

void HandshakeLane::enter(ConnectionId id) {
  waiting_.push_back(id);
  loop_.defer(*this);
}

// At least one a turn, whatever the clock says: a frozen one must not stop the lane.
void HandshakeLane::run_deferred() {
  const auto end = loop_.clock().now() + share_of_a_turn;
  for (std::size_t n = waiting_.size(); n > 0; --n) {
    const ConnectionId id = waiting_.front();
    waiting_.pop_front();
    serve_(id);
    if (loop_.clock().now() >= end) break;
  }
  if (!waiting_.empty()) loop_.defer(*this);
}

}  // namespace sipwsd::net
