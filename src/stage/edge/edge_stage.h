#pragma once
// The WebRTC edge without a script: registers browsers, routes calls and messages between them, keeps dialogs on their
// flows. Policy only; the mechanisms are the host's.
//
//   in a dialog, or along a Path (our token in Route)   the other flow; 403 for a forged token, 430 when it is gone
//   OPTIONS for us, not for a user                      200 with what we can do
//   with `upstream`: anything else from a client        there, whatever it asks for (RFC 5626 5)
//   REGISTER for a domain of ours                       registrar
//   a user of a domain of ours                          his bindings, or 480; 404 when he can't exist
//   a SIP server we may call (`peers`)                  there
//   anything else                                       403: we are nobody's relay (S25)

#include <memory>

#include "sipwsd/routing_stage.h"
#include "src/auth/gatekeeper.h"

namespace sipwsd::stage {

class EdgeStage final : public RoutingStage {
 public:
  // No gatekeeper: any user of a served domain may register (auth_mode none).
  explicit EdgeStage(std::unique_ptr<auth::Gatekeeper> gatekeeper = nullptr) : gatekeeper_(std::move(gatekeeper)) {}

  std::string_view name() const noexcept override { return "edge"; }
  Verdict on_request(RequestExchange& exchange) override;

 private:
  Verdict along_token(RequestExchange& exchange);
  Verdict to_user(RequestExchange& exchange);
  Verdict to_peer(RequestExchange& exchange);
  // False: the request has been answered. Servers we trust are not asked.
  bool admits(RequestExchange& exchange) { return gatekeeper_ == nullptr || exchange.is_from_peer() || gatekeeper_->admits(exchange); }

  std::unique_ptr<auth::Gatekeeper> gatekeeper_;
};

}  // namespace sipwsd::stage
