// The supervisor's part in a drain: it stops the listening, says so to the workers, which let their connections go
// (drain.h), and ends the daemon when none is left or time is over (daemon_state.h says what leads where).
#include <fmt/format.h>

#include <csignal>
#include <utility>

#include "src/process/supervisor.h"

namespace sipwsd::process {
namespace {

constexpr base::Milliseconds looked_at_every{100};

}  // namespace

void Supervisor::on_daemon_event(DaemonEvent event, std::uint32_t question, base::Seconds patience) {
  const DaemonStep next = step(state_, event);
  const DaemonState before = std::exchange(state_, next.state);
  switch (next.act) {
    case DaemonAct::nothing: break;
    case DaemonAct::start_drain:
      start_drain();
      set_patience(patience);
      break;
    case DaemonAct::change_patience: set_patience(patience); break;
    case DaemonAct::end_drain:
      if (const auto ended = end_drain(); !ended) {
        state_ = before;
        return answer(question, 500, ended.error().why);
      }
      break;
    case DaemonAct::leave:
      state_ = before;  // leave() takes it from there
      leave(Leaving::for_good);
      break;
    case DaemonAct::refuse: return answer(question, 500, "the daemon was told to end");
  }
  answer(question, 200, fmt::format("State:: {}\nConnections:: {}", name(state_), shared_.connections.live().all));
}

void Supervisor::start_drain() {
  drain_started_ = around_.clock.now();
  shared_.switches->set_drain(shm::DrainLevel::no_new_connections);
  // The workers first: they stop looking at sockets that no longer listen.
  signal_all(SIGUSR1);
  around_.endpoints.stop_listening();
  if (state_ == DaemonState::finishing) around_.notifier.stopping();
  log::notice("draining: {} connections are left", shared_.connections.live().all);
  watch_drain();
}

void Supervisor::set_patience(base::Seconds patience) {
  if (patience == base::Seconds::zero()) patience = around_.settings.drain_timeout;
  loop_.timers().cancel(std::exchange(drain_deadline_, os::TimerId::none));
  drain_ends_.reset();
  if (patience == base::Seconds::zero()) return log::notice("the drain ends with the last call");
  drain_deadline_ = set_timer(Timer::drain_deadline, patience);
  drain_ends_ = around_.clock.now() + patience;
  log::notice("the drain ends with the last call, in {} s at the latest", patience.count());
}

Result<void> Supervisor::end_drain() {
  if (auto listening = around_.endpoints.listen_again(); !listening) return listening;
  loop_.timers().cancel(std::exchange(drain_watch_, os::TimerId::none));
  loop_.timers().cancel(std::exchange(drain_deadline_, os::TimerId::none));
  shared_.switches->set_drain(shm::DrainLevel::none);
  signal_all(SIGUSR1);
  log::notice("serving again");
  around_.notifier.ready("serving");
  return {};
}

void Supervisor::watch_drain() {
  drain_watch_ = os::TimerId::none;
  if (leaving_ != Leaving::no) return;
  // The first look is taken a moment later: a handshake may have been in its last step.
  if (around_.clock.now() - drain_started_ >= looked_at_every && shared_.connections.live().all == 0)
    return on_daemon_event(DaemonEvent::emptied);
  if ((around_.clock.now() - drain_started_) % base::Seconds{1} < looked_at_every) tell_drain_status();
  drain_watch_ = set_timer(Timer::drain_watch, looked_at_every);
}

// A service manager that has asked for the end waits as long as we say that there is something to wait for.
void Supervisor::tell_drain_status() const {
  std::string text = fmt::format("STATUS=draining, {} connections left", shared_.connections.live().all);
  if (state_ == DaemonState::finishing) {
    const auto more = around_.settings.shutdown_timeout + base::Seconds{10};
    text += fmt::format("\nEXTEND_TIMEOUT_USEC={}", std::chrono::microseconds{more}.count());
  }
  around_.notifier.send(text);
}

}  // namespace sipwsd::process
