#pragma once
// Newcomers wait here for their share of each turn: a TLS handshake costs more than a hundred messages, and those who
// are registered must not wait for a storm of those who want to be (S41). While the lane is
// busy nobody new is accepted, so the rest waits in the kernel's queue, where it costs nothing.

#include <cstdint>
#include <deque>
#include <functional>

#include "sipwsd/connection_id.h"
#include "src/os/event_loop.h"

namespace sipwsd::net {

class HandshakeLane final : private os::Deferred {
 public:
  using Serve = std::function<void(ConnectionId id)>;
  HandshakeLane(os::EventLoop& loop, Serve serve) : loop_(loop), serve_(std::move(serve)) {}

  // The first flight is what costs (a signature); who has had it goes first, so that handshakes end instead of all
  // being half-way at the same time.
  enum class Stage : std::uint8_t { first_flight, later };
  // It has bytes to read. One place in the lane each: the caller remembers that it is there.
  void enter(ConnectionId id, Stage stage);
  [[nodiscard]] bool is_busy() const noexcept { return first_.size() + later_.size() >= busy_from; }

 private:
  static constexpr std::size_t busy_from = 64;
  static constexpr base::Milliseconds share_of_a_turn{4};
  void run_deferred() override;

  os::EventLoop& loop_;
  Serve serve_;
  std::deque<ConnectionId> first_, later_;
};

}  // namespace sipwsd::net
