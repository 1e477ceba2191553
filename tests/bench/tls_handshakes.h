#pragma once
// The TLS handshake alone: TCP, handshake, close_notify both ways, end of TCP; no WebSocket. So a server can be compared
// with any other that speaks TLS.

#include <memory>
#include <string>
#include <vector>

#include "tests/bench/closed_loop.h"
#include "tests/bench/tls_client.h"
#include "tests/bench/websocket_client.h"

namespace sipwsd::bench {

class TlsHandshakes final : public ClosedLoop::Scenario {
 public:
  // At most `window` at a time.
  TlsHandshakes(Loop& loop, ClosedLoop& closed_loop, Target target, std::size_t window);
  ~TlsHandshakes();

  void start(std::size_t number) override;
  std::size_t resumed() const noexcept { return resumed_; }

 private:
  class Slot;
  void ended(Slot& slot, std::string_view error);

  Loop& loop_;
  ClosedLoop& closed_loop_;
  Target target_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Slot*> free_;
  std::size_t resumed_ = 0;
};

}  // namespace sipwsd::bench
