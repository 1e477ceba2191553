#include "src/process/child_life.h"

#include <algorithm>
#include <stdexcept>

#include "src/base/log.h"

namespace sipwsd::process {
namespace {

os::SignalFd open_signals() {
  auto signals = os::SignalFd::open({SIGTERM, SIGHUP});
  if (!signals) throw std::runtime_error(signals.error().why);
  return std::move(*signals);
}

}  // namespace

ChildLife::ChildLife(Inherited& inherited, os::EventLoop& loop, std::function<void()> leave)
    : inherited_(inherited), loop_(loop), leave_(std::move(leave)), signals_(open_signals()) {
  if (auto added = loop_.add(signals_.raw(), os::readable, *this); !added) throw std::runtime_error(added.error().why);
  beat();
}

ChildLife::~ChildLife() {
  loop_.timers().cancel(timer_);
  loop_.remove(signals_.raw(), *this);
}

void ChildLife::on_ready(std::uint32_t) {
  while (const auto signal = signals_.take()) {
    if (*signal == SIGHUP) {
      log::reopen();
    } else if (!is_leaving_) {
      is_leaving_ = true;
      leave_();
    }
  }
}

void ChildLife::on_timer(os::TimerId, std::uint64_t) { beat(); }

// From the loop's own timer: a process that is stuck in one callback does not beat.
void ChildLife::beat() {
  inherited_.shared.processes.beat(inherited_.slot, loop_.clock().now());
  log::set_level(static_cast<log::Level>(inherited_.shared.switches->log_level()));
  const base::Milliseconds often = std::clamp(base::Milliseconds{inherited_.settings.worker_stall_timeout} / 5,
                                              base::Milliseconds{50}, base::Milliseconds{1000});
  timer_ = loop_.timers().add(often, *this, 0);
}

}  // namespace sipwsd::process
