#include "tests/bench/closed_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace sipwsd::bench {

ClosedLoop::Outcome ClosedLoop::run(Scenario& scenario, std::size_t first, std::size_t count, std::size_t window,
                                    std::chrono::seconds limit) {
  scenario_ = &scenario;
  first_ = first;
  count_ = count;
  window_ = window;
  started_ = ended_ = 0;
  outcome_ = {};
  operations_.assign(count, {});
  latencies_ns_.clear();
  latencies_ns_.reserve(count);

  const auto start = Clock::now();
  start_what_may();
  const bool all = loop_.run_until([this] { return ended_ == count_; }, limit);
  outcome_.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  if (!all) {
    note(fmt::format("{} operations not answered within {} s", count_ - ended_, limit.count()));
    outcome_.errors += count_ - ended_ - 1;
    count_ = 0;  // answers that come later are strays
  }
  if (!latencies_ns_.empty()) {
    std::sort(latencies_ns_.begin(), latencies_ns_.end());
    const auto at = [&](double share) {
      return latencies_ns_[static_cast<std::size_t>(share * static_cast<double>(latencies_ns_.size() - 1))] / 1000.0;
    };
    outcome_.p50_us = at(0.50);
    outcome_.p99_us = at(0.99);
  }
  return outcome_;
}

void ClosedLoop::start_what_may() {
  const std::size_t lanes = scenario_->lanes();
  while (started_ < count_ && started_ - ended_ < window_ && (started_ < lanes || !operations_[started_ - lanes].under_way)) {
    auto& operation = operations_[started_];
    operation.under_way = true;
    operation.start = Clock::now();
    scenario_->start(first_ + started_++);
  }
}

void ClosedLoop::finished(std::size_t number, std::string_view error) {
  if (number < first_ || number - first_ >= count_ || !operations_[number - first_].under_way)
    return stray(fmt::format("answer to operation {}, which is not under way: {}", number, error));
  auto& operation = operations_[number - first_];
  operation.under_way = false;
  const auto took = std::chrono::nanoseconds(Clock::now() - operation.start).count();
  latencies_ns_.push_back(
      static_cast<std::uint32_t>(std::min<std::int64_t>(took, std::numeric_limits<std::uint32_t>::max())));
  ++ended_;
  ++outcome_.finished;
  if (!error.empty()) note(error);
  start_what_may();
}

void ClosedLoop::finished_at_once(std::size_t number, std::string error) {
  loop_.after({}, [this, number, error = std::move(error)] { finished(number, error); });
}

void ClosedLoop::stray(std::string_view error) { note(error); }

void ClosedLoop::note(std::string_view error) {
  ++outcome_.errors;
  if (outcome_.first_error.empty()) outcome_.first_error = error;
}

}  // namespace sipwsd::bench
