#include "src/process/child_life.h"

#include <algorithm>
#include <stdexcept>

#include "src/base/log.h"
#include "src/os/heap.h"

namespace sipwsd::process {
namespace {

constexpr base::Seconds between_tidyings{10};

os::SignalFd open_signals() {
  auto signals = os::SignalFd::open({SIGTERM, SIGHUP, SIGUSR1});
  if (!signals) throw std::runtime_error(signals.error().why);
  return std::move(*signals);
}

}  // namespace

ChildLife::ChildLife(Inherited& inherited, os::EventLoop& loop, std::function<void()> leave, Follower* follower)
    : inherited_(inherited), loop_(loop), leave_(std::move(leave)), follower_(follower), signals_(open_signals()) {
  if (auto added = loop_.add(signals_.raw(), os::readable, *this); !added) throw std::runtime_error(added.error().why);
  inherited_.shared.processes.beat(inherited_.slot, loop_.clock().now());
  os::prepare_heap();
  timer_ = loop_.timers().add(base::Milliseconds::zero(), *this, 0);  // the follower is not complete yet
}

ChildLife::~ChildLife() {
  loop_.timers().cancel(timer_);
  loop_.remove(signals_.raw(), *this);
}

void ChildLife::on_ready(std::uint32_t) {
  while (const auto signal = signals_.take()) {
    if (*signal == SIGHUP) {
      log::reopen();
    } else if (*signal == SIGUSR1) {
      look_for_news();
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
  if (inherited_.memory != nullptr) inherited_.memory->look(loop_.clock().now());
  look_for_news();
  if (loop_.now() >= tidy_again_at_) {
    os::tidy_heap();
    tidy_again_at_ = loop_.now() + between_tidyings;
  }
  const base::Milliseconds often = std::clamp(base::Milliseconds{inherited_.settings.worker_stall_timeout} / 5,
                                              base::Milliseconds{50}, base::Milliseconds{1000});
  timer_ = loop_.timers().add(often, *this, 0);
}

void ChildLife::look_for_news() {
  const shm::Switches& switches = *inherited_.shared.switches;
  log::set_level(static_cast<log::Level>(switches.log_level()));
  if (switches.config_version() != inherited_.configuration.version()) follow_configuration();
  // The last level comes by SIGTERM.
  const shm::DrainLevel level = switches.drain();
  if (follower_ == nullptr || is_leaving_ || level == shm::DrainLevel::leaving || level == drain_) return;
  drain_ = level;
  follower_->on_drain(level);
}

// What fails is tried again with the next sign of life, with whatever is the version then.
void ChildLife::follow_configuration() {
  const std::uint32_t wanted = inherited_.shared.switches->config_version();
  auto update = inherited_.configuration.receive(wanted);
  if (!update) return log::error("configuration {} can't be read: {}", wanted, update.error().why);
  if (follower_ != nullptr)
    if (const auto prepared = follower_->prepare(*update); !prepared)
      return log::error("configuration {} can't be taken over: {}", wanted, prepared.error().why);
  inherited_.configuration.take_over(*std::move(update));
  if (follower_ != nullptr) follower_->commit();
  inherited_.announce_configuration();
}

}  // namespace sipwsd::process
