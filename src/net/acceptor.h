#pragma once
// Takes connections from one listener, a few a turn so that a wave of newcomers doesn't starve those who are here, and
// none while the handshakes of those accepted earlier wait for their turn.
// Out of descriptors: rests for a moment and goes on; the queue waits in the kernel.

#include "src/net/connection_registry.h"
#include "src/os/event_loop.h"

namespace sipwsd::net {

class Acceptor final : private os::Watcher, private os::TimerHandler {
 public:
  // The listener's descriptor belongs to the supervisor's set and stays open when this goes.
  Acceptor(os::EventLoop& loop, ConnectionRegistry& registry, int listener, TransportProtocol protocol,
           shm::OwnCounters counters);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  void stop();  // no more newcomers

 private:
  void on_ready(std::uint32_t events) override;
  void on_timer(os::TimerId id, std::uint64_t key) override;
  void listen();
  void rest(base::Milliseconds time);  // not watching the listener meanwhile

  os::EventLoop& loop_;
  ConnectionRegistry& registry_;
  int listener_;
  TransportProtocol protocol_;
  shm::OwnCounters counters_;
  os::TimerId rest_{};
  bool listening_ = false;
};

}  // namespace sipwsd::net
