#pragma once
// In front of the others when ws_auth is set: a WebSocket is opened only for who shows whose it is (auth::HandshakeGate), and
// its connection remembers that. What is no WebSocket passes: a page, a health check.

#include <functional>

#include "sipwsd/routing_stage.h"
#include "src/auth/handshake_gate.h"

namespace sipwsd::stage {

class HandshakeStage final : public RoutingStage {
 public:
  using Refused = std::function<void(int status)>;
  explicit HandshakeStage(auth::HandshakeGate gate, Refused on_refused = {}) : gate_(std::move(gate)), on_refused_(std::move(on_refused)) {}

  std::string_view name() const noexcept override { return "handshake"; }
  Verdict on_http(HttpExchange& exchange) override;

 private:
  auth::HandshakeGate gate_;
  Refused on_refused_;
};

}  // namespace sipwsd::stage
