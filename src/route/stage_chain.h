#pragma once
// The routing stages of one worker, in order. The first that handles a message ends its way. A stage that throws has
// failed for that message only: it is logged, counted, and answered with 500 by whoever called.

#include <memory>
#include <vector>

#include "sipwsd/routing_stage.h"

namespace sipwsd::route {

// A stage and how it goes away: a plug-in's is destroyed by the plug-in.
using StagePointer = std::unique_ptr<RoutingStage, void (*)(RoutingStage*)>;

class StageChain {
 public:
  enum class Outcome { handled, nobody, failed };

  explicit StageChain(std::vector<StagePointer> stages) : stages_(std::move(stages)) {}

  bool needs_sub_protocol() const noexcept;
  Outcome on_data(DataExchange& exchange) noexcept { return run(exchange, &RoutingStage::on_data); }
  Outcome on_http(HttpExchange& exchange) noexcept { return run(exchange, &RoutingStage::on_http); }
  Outcome on_request(RequestExchange& exchange) noexcept { return run(exchange, &RoutingStage::on_request); }
  Outcome on_reply(ReplyExchange& exchange) noexcept { return run(exchange, &RoutingStage::on_reply); }
  void on_closed(const ClosedConnection& closed) noexcept;

 private:
  template <typename Exchange>
  Outcome run(Exchange& exchange, Verdict (RoutingStage::*show)(Exchange&)) noexcept;

  std::vector<StagePointer> stages_;
};

}  // namespace sipwsd::route
