#include "src/net/acceptor.h"

#include "src/base/log.h"
#include "src/os/socket_address.h"
#include "src/os/tcp_listener.h"

namespace sipwsd::net {
namespace {

using namespace std::chrono_literals;
constexpr int accepts_a_turn = 32;
constexpr auto rest_when_full = 50ms;
constexpr auto rest_when_crowded = 5ms;

}  // namespace

Acceptor::Acceptor(os::EventLoop& loop, ConnectionRegistry& registry, int listener, TransportProtocol protocol,
                   shm::OwnCounters counters)
    : loop_(loop), registry_(registry), listener_(listener), protocol_(protocol), counters_(counters) {
  listen();
}

Acceptor::~Acceptor() { stop(); }

void Acceptor::listen() {
  if (const auto added = loop_.add(listener_, os::readable, *this); !added)
    log::error("cannot watch a listener: {}", added.error().why);
  else
    listening_ = true;
}

void Acceptor::stop() {
  if (rest_ != os::TimerId::none) loop_.timers().cancel(rest_);
  rest_ = os::TimerId::none;
  if (listening_) loop_.remove(listener_, *this);
  listening_ = false;
}

void Acceptor::rest(base::Milliseconds time) {
  stop();
  rest_ = loop_.timers().add(time, *this, 0);
}

// Who waits in the queue keeps the listener ready, so it is not watched while nobody is taken.
void Acceptor::on_ready(std::uint32_t) {
  if (registry_.is_crowded()) return rest(rest_when_crowded);
  for (int i = 0; i < accepts_a_turn && !registry_.is_crowded(); ++i) {
    auto accepted = os::accept_tcp(listener_, protocol_);
    if (!accepted) {
      if (accepted.is(Errc::incomplete)) return;
      if (accepted.is(Errc::gone)) continue;
      counters_.add(shm::Counter::accept_failures);
      return rest(rest_when_full);
    }
    os::set_no_delay(accepted->socket.raw());
    const auto local = os::local_endpoint(accepted->socket.raw(), protocol_);
    if (!local) continue;  // it has left already
    registry_.adopt(std::move(accepted->socket), accepted->peer, *local);
  }
}

void Acceptor::on_timer(os::TimerId, std::uint64_t) {
  rest_ = os::TimerId::none;
  listen();
}

}  // namespace sipwsd::net
