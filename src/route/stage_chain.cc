#include "src/route/stage_chain.h"

#include <algorithm>
#include <exception>

#include "src/base/log.h"

namespace sipwsd::route {
namespace {

// Runs `call`; false when it threw.
template <typename Call>
bool guarded(const RoutingStage& stage, Call&& call) noexcept {
  try {
    call();
    return true;
  } catch (const std::exception& e) {
    log::error("stage {} failed: {}", stage.name(), e.what());
  } catch (...) {
    log::error("stage {} failed", stage.name());
  }
  return false;
}

}  // namespace

bool StageChain::needs_sub_protocol() const noexcept {
  return std::all_of(stages_.begin(), stages_.end(), [](const auto& stage) { return stage->needs_sub_protocol(); });
}

template <typename Exchange>
StageChain::Outcome StageChain::run(Exchange& exchange, Verdict (RoutingStage::*show)(Exchange&)) noexcept {
  for (const auto& stage : stages_) {
    Verdict verdict = Verdict::next;
    if (!guarded(*stage, [&] { verdict = (stage.get()->*show)(exchange); })) return Outcome::failed;
    if (verdict != Verdict::next) return Outcome::handled;
  }
  return Outcome::nobody;
}

template StageChain::Outcome StageChain::run(DataExchange&, Verdict (RoutingStage::*)(DataExchange&)) noexcept;
template StageChain::Outcome StageChain::run(HttpExchange&, Verdict (RoutingStage::*)(HttpExchange&)) noexcept;
template StageChain::Outcome StageChain::run(RequestExchange&, Verdict (RoutingStage::*)(RequestExchange&)) noexcept;
template StageChain::Outcome StageChain::run(ReplyExchange&, Verdict (RoutingStage::*)(ReplyExchange&)) noexcept;

void StageChain::on_closed(const ClosedConnection& closed) noexcept {
  for (const auto& stage : stages_) static_cast<void>(guarded(*stage, [&] { stage->on_closed(closed); }));
}

}  // namespace sipwsd::route
