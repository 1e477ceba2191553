#pragma once
// Returns every data message as it came, text or binary, with or without a sub-protocol, so that public WebSocket test
// suites can be run against the daemon.

#include "sipwsd/routing_stage.h"

namespace sipwsd::stage {

class EchoStage final : public RoutingStage {
 public:
  std::string_view name() const noexcept override { return "echo"; }
  bool needs_sub_protocol() const noexcept override { return false; }
  Verdict on_data(DataExchange& exchange) override;
};

}  // namespace sipwsd::stage
