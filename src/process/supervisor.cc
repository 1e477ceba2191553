#include "src/process/supervisor.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <stdexcept>

#include "src/net/memory_watch.h"
#include "src/os/daemonize.h"
#include "src/os/event_fd.h"
#include "src/os/spawn.h"
#include "src/process/poison_guard.h"
#include "src/process/lasting_secret.h"
#include "src/process/reaper.h"

namespace sipwsd::process {
namespace {

constexpr int reaper_attempts = 3;
constexpr base::Milliseconds certificates_checked_every = std::chrono::hours{1};
// Roles take these through a signalfd; until it is open they wait.
constexpr int signals_for_roles[] = {SIGTERM, SIGHUP, SIGUSR1};

shm::ProcessState shown(SlotState state) noexcept {
  switch (state) {
    case SlotState::vacant: return shm::ProcessState::empty;
    case SlotState::starting: return shm::ProcessState::starting;
    case SlotState::ready: return shm::ProcessState::ready;
    case SlotState::stalled: return shm::ProcessState::ready;
    case SlotState::dead:
    case SlotState::reaping: return shm::ProcessState::reaping;
    case SlotState::throttled: return shm::ProcessState::throttled;
    case SlotState::stopping: return shm::ProcessState::draining;
    case SlotState::ended: return shm::ProcessState::ended;
  }
  return shm::ProcessState::empty;
}

std::string in_words(int wait_status) {
  if (WIFSIGNALED(wait_status))
    return fmt::format("was killed by SIG{}{}{}", sigabbrev_np(WTERMSIG(wait_status)),
                       WCOREDUMP(wait_status) ? " (core dumped)" : "",
                       WTERMSIG(wait_status) == SIGSYS
                           ? ": it made a system call its sandbox forbids; the kernel's log has its number (type=1326), "
                             "sandbox=off lifts it"
                           : "");
  return fmt::format("ended with exit code {}", WEXITSTATUS(wait_status));
}

// Only the sysexits(3) range says "don't try again": 1 or 2 may come from anywhere.
std::optional<config::ExitCode> refusal_to_start(int wait_status) noexcept {
  if (!WIFEXITED(wait_status)) return std::nullopt;
  const int code = WEXITSTATUS(wait_status);
  if (code < 64 || code > 78 || code == config::number(config::ExitCode::internal)) return std::nullopt;
  return static_cast<config::ExitCode>(code);
}

os::CorePolicy core_policy(const config::Settings& settings) noexcept {
  return settings.core_dump ? os::CorePolicy::allow_core : os::CorePolicy::no_core;
}

base::Milliseconds whole_milliseconds(base::TimePoint::duration duration) noexcept {
  return std::chrono::duration_cast<base::Milliseconds>(duration);
}

}  // namespace

// --- construction --------------------------------------------------------------------------------------------------

Result<std::unique_ptr<Supervisor>> Supervisor::create(Surroundings& around) {
  const auto binding_key = lasting_key(around.settings, "bindings");
  auto shared = shm::create(limits_for(around.settings, around.roles), binding_key ? &*binding_key : nullptr);
  if (!shared) return shared.error();
  std::vector<os::Fd> event_fds;
  std::vector<int> raw;
  for (std::uint16_t i = 0; i < shared->limits.processes; ++i) {
    auto event_fd = os::make_event_fd();
    if (!event_fd) return event_fd.error();
    raw.push_back(event_fd->raw());
    event_fds.push_back(std::move(*event_fd));
  }
  shared->mailboxes.use_event_fds(std::move(raw));
  shared->switches->set_log_level(static_cast<int>(around.settings.log_level));
  shared->switches->set_config_version(around.configuration.version());
  auto bell = os::make_event_fd();
  if (!bell) return bell.error();
  auto signals = os::SignalFd::open({SIGCHLD, SIGTERM, SIGINT, SIGHUP});
  if (!signals) return signals.error();
  return std::unique_ptr<Supervisor>(
      new Supervisor(around, std::move(*shared), std::move(*signals), std::move(*bell), std::move(event_fds)));
}

Supervisor::Supervisor(Surroundings& surroundings, shm::SharedState shared, os::SignalFd signals, os::Fd bell,
                       std::vector<os::Fd> event_fds)
    : around_(surroundings),
      shared_(std::move(shared)),
      counters_(shared_.counters.row(shm::supervisor_slot(shared_.limits))),
      loop_(surroundings.clock),
      signals_(std::move(signals)),
      bell_(std::move(bell)),
      event_fds_(std::move(event_fds)),
      pid_(getpid()),
      heartbeats_checked_(surroundings.clock.now()),
      grace_since_(heartbeats_checked_) {
  for (Post& post : posts(around_.roles, around_.settings))
    places_.push_back({std::move(post), RestartPolicy{restart_rules()}});
  for (const auto& [fd, watcher] : {std::pair{signals_.raw(), &on_signal_}, std::pair{bell_.raw(), &on_bell_}})
    if (auto added = loop_.add(fd, os::readable, *watcher); !added) throw std::runtime_error(added.error().why);
}

// --- the life of the daemon ----------------------------------------------------------------------------------------

Supervisor::Outcome Supervisor::run() {
  const shm::ProcessSlot self = shm::supervisor_slot(shared_.limits);
  shared_.processes.begin(self, "supervisor", around_.clock.now(), around_.clock.unix_seconds());
  shared_.processes.set_pid(self, pid_);
  shared_.processes.mark_ready(self);

  hand_over_log();
  set_timer(Timer::heartbeats, heartbeat_interval());
  if (around_.notifier.watchdog_interval()) set_timer(Timer::watchdog, *around_.notifier.watchdog_interval());
  use_certificates();
  set_timer(Timer::certificates, certificates_checked_every);
  rotate_ticket_keys();
  for (Place& place : places_)
    if (leaving_ == Leaving::no) handle(place, SlotEvent::start);
  check_all_ready();  // a daemon without roles is ready at once
  if (!loop_.is_stopped()) loop_.run();

  if (reaper_pid_ != 0) waitpid(reaper_pid_, nullptr, 0);  // it was killed when we began to leave
  if (exit_code_ != config::ExitCode::ok) return Outcome::failed;
  return leaving_ == Leaving::to_start_again ? Outcome::start_again : Outcome::stopped;
}

void Supervisor::handle(Place& place, SlotEvent event) {
  const SlotStep next = step(place.state, event);
  if (next.state != place.state) {
    place.state = next.state;
    // The step starting -> ready is the process's own (process_table.h); by now it may be further than we know.
    if (next.state != SlotState::starting && next.state != SlotState::ready)
      shared_.processes.set_state(place.post.slot, shown(next.state));
  }
  perform(place, next.act);
}

void Supervisor::perform(Place& place, SlotAct act) {
  switch (act) {
    case SlotAct::nothing: return;
    case SlotAct::fork_role: return fork_role(place);
    case SlotAct::fork_reaper: return fork_reaper(place);
    case SlotAct::count_ready: return check_all_ready();
    case SlotAct::queue_reaper: waiting_for_reaper_.push_back(index_of(place)); return reap_next();
    case SlotAct::kill: return send(place, SIGKILL);
    case SlotAct::terminate: return send(place, SIGTERM);
    case SlotAct::start_delay: set_timer(Timer::restart, place.delay, index_of(place)); return;
    case SlotAct::count_ended: return check_all_ended();
  }
}

// --- children ------------------------------------------------------------------------------------------------------

void Supervisor::fork_role(Place& place) {
  const base::TimePoint now = around_.clock.now();
  place.generation = shared_.processes.begin(place.post.slot, place.post.title, now, around_.clock.unix_seconds());
  place.started = now;
  place.was_ready = false;
  auto pid = os::spawn({.title = place.post.title, .keep_all_open = true, .blocked_signals = signals_for_roles, .core = core_policy(around_.settings)},
                       [this, &place] { return live_as(place); });
  if (!pid) {
    log::error("{}: {}", place.post.title, pid.error().why);
    place.delay = around_.settings.restart_delay_max / 10;
    return handle(place, SlotEvent::fork_failed);
  }
  place.pid = *pid;
  shared_.processes.set_pid(place.post.slot, place.pid);
}

// In the child: only these descriptors, and a log of its own.
void Supervisor::move_in(const std::string& title, std::vector<int> keep) const {
  // The log's descriptor would be closed under it, and its number given to somebody's connection.
  log::close();
  for (const os::Fd& fd : event_fds_) keep.push_back(fd.raw());
  os::close_all_descriptors_except(keep);
  if (around_.settings.daemonize && !around_.settings.log_stderr) os::detach_standard_error();
  log::set_role(title);
  log::open(around_.log_target);
}

int Supervisor::live_as(const Place& place) try {
  std::vector<int> keep{bell_.raw(), around_.configuration.settings_file()};
  const bool has_sockets = place.post.role->sockets == Sockets::of_its_slot;
  const auto listeners = has_sockets ? around_.endpoints.listeners(place.post.index) : std::span<const ListeningSocket>{};
  const auto datagrams = has_sockets ? around_.endpoints.datagrams(place.post.index) : std::span<const ListeningSocket>{};
  for (const ListeningSocket& socket : listeners) keep.push_back(socket.fd);
  for (const ListeningSocket& socket : datagrams) keep.push_back(socket.fd);
  // Who serves clients needs keys and passwords; nobody else does.
  if (has_sockets)
    keep.push_back(around_.configuration.secrets_file());
  else
    around_.configuration.live_without_secrets();
  move_in(place.post.title, std::move(keep));

  // Before the sandbox is closed: it opens a file.
  net::MemoryWatch memory(around_.settings, shared_, shared_.counters.row(place.post.slot), memory_there_is_);
  Inherited inherited{.settings = around_.settings,
                      .configuration = around_.configuration,
                      .shared = shared_,
                      .slot = place.post.slot,
                      .index = place.post.index,
                      .generation = place.generation,
                      .title = place.post.title,
                      .listeners = listeners,
                      .datagrams = datagrams,
                      .clock = around_.clock,
                      .memory = &memory,
                      .supervisor_bell = bell_.raw(),
                      .drop_privileges = [this, role = place.post.role] { return drop_privileges(role->sandbox); }};
  if (place.post.role->privileges == Privileges::dropped_before_run)
    if (auto dropped = inherited.drop_privileges(); !dropped) {
      log::fatal("{}", dropped.error().why);
      return config::number(config::ExitCode::no_permission);
    }
  return place.post.role->run(inherited);
} catch (const std::exception& e) {
  log::fatal("{}", e.what());
  return config::number(config::ExitCode::internal);
}

Result<void> Supervisor::drop_privileges(os::Sandbox sandbox) const {
  if (around_.identity) {
    if (auto changed = os::become(*around_.identity); !changed) return changed;
    // Changing the user has made the kernel forget it.
    if (!os::die_with_parent(pid_)) _exit(0);
  }
  os::forbid_new_privileges();
  os::apply(core_policy(around_.settings));
  return confine(sandbox);
}

Result<void> Supervisor::confine(os::Sandbox sandbox) const {
  const auto& settings = around_.settings;
  if (settings.sandbox == config::SandboxUse::off) return {};
  const bool appends = !settings.log_file.empty() || settings.stage.starts_with("plugin:");
  const auto entered = os::enter(sandbox, {.supervisor = pid_, .append = os::AppendToFiles{appends}});
  if (entered) return {};
  if (settings.sandbox == config::SandboxUse::required)
    return Error{entered.error().code, entered.error().why + "; write sandbox=try to go on without"};
  log::warning("no sandbox: {}", entered.error().why);
  return {};
}

void Supervisor::take_signals() {
  while (const auto signal = signals_.take()) {
    switch (*signal) {
      case SIGCHLD: take_children(); break;
      case SIGHUP:
        reopen_logs();
        reload(Configuration::Scope::everything, 0);
        break;
      case SIGTERM:
        on_daemon_event(around_.settings.drain_timeout.count() > 0 ? DaemonEvent::stop_with_patience : DaemonEvent::stop);
        break;
      default: on_daemon_event(DaemonEvent::stop); break;
    }
  }
}

void Supervisor::take_children() {
  take_bell();  // a process that was ready and died is not one that died before it was ready
  int status = 0;
  for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid == reaper_pid_) {
      on_reaper_exit(status);
      continue;
    }
    const auto place = std::find_if(places_.begin(), places_.end(), [pid](const Place& p) { return p.pid == pid; });
    if (place != places_.end()) on_death(*place, status);
  }
}

void Supervisor::take_bell() {
  os::take_rings(bell_.raw());
  for (Place& place : places_) {
    if (place.state != SlotState::starting) continue;
    if (shared_.processes.state(place.post.slot) != shm::ProcessState::ready) continue;
    place.was_ready = true;
    place.ready_since = around_.clock.now();
    handle(place, SlotEvent::became_ready);
  }
  check_reload();
  take_question();
}

void Supervisor::on_death(Place& place, int wait_status) {
  const base::TimePoint now = around_.clock.now();
  const bool was_asked_for = place.state == SlotState::stopping;
  shared_.processes.set_pid(place.post.slot, 0);
  shared_.processes.record_exit(place.post.slot, wait_status, around_.clock.unix_seconds(), !was_asked_for);
  const pid_t pid = std::exchange(place.pid, 0);
  if (!was_asked_for) {
    const auto since = place.was_ready ? place.ready_since : place.started;
    place.delay = place.policy.after_death(whole_milliseconds(now - since),
                                           place.was_ready ? RestartPolicy::WasReady::yes : RestartPolicy::WasReady::no);
    counters_.add(shm::Counter::process_deaths);
    if (shm::is_worker(place.post.slot, shared_.limits)) counters_.add(shm::Counter::worker_deaths);
    log::warning("{} (pid {}) {}", place.post.title, pid, in_words(wait_status));
    if (place.delay > base::Milliseconds::zero())
      log::error("{} died {} times in a row soon after its start; it starts again in {} ms", place.post.title,
                 place.policy.young_deaths(), place.delay.count());
    const bool never_started = around_.when_ready != nullptr;
    if (const auto refusal = refusal_to_start(wait_status); never_started && refusal) fail(*refusal);
    if (never_started && place.delay > base::Milliseconds::zero()) fail(config::ExitCode::internal);
  }
  handle(place, SlotEvent::death);
  check_reload();  // one process less to wait for
}

// --- the reaper ----------------------------------------------------------------------------------------------------

void Supervisor::reap_next() {
  while (reaper_pid_ == 0 && reaper_timer_ == os::TimerId::none && !waiting_for_reaper_.empty()) {
    Place& place = places_[waiting_for_reaper_.front()];
    waiting_for_reaper_.pop_front();
    handle(place, SlotEvent::reaper_free);  // does nothing when the daemon is leaving
  }
}

void Supervisor::fork_reaper(Place& place) {
  reaped_place_ = index_of(place);
  const WorkerSlot adopter = adopter_for(place);
  auto pid = os::spawn({.title = "reaper", .keep_all_open = true, .core = core_policy(around_.settings)}, [&] {
    move_in("reaper", {});
    if (!drop_privileges(os::Sandbox::reaper)) return config::number(config::ExitCode::no_permission);
    accuse_last_input(around_.settings, shared_, place.post.slot, around_.clock.now());
    return around_.reaper(shared_, place.post.slot, adopter, flow_loss());
  });
  if (!pid) {
    log::error("reaper: {}", pid.error().why);
    reaper_timer_ = set_timer(Timer::reaper_retry, base::Milliseconds{100});
    return handle(place, SlotEvent::reaper_failed);
  }
  reaper_pid_ = *pid;
  // A stopped process may hold a stripe's lock: the reaper waits for it as long as the watch over heartbeats may need.
  reaper_timer_ = set_timer(Timer::reaper_deadline, around_.settings.worker_stall_timeout + base::Seconds{5});
}

void Supervisor::on_reaper_exit(int wait_status) {
  reaper_pid_ = 0;
  loop_.timers().cancel(std::exchange(reaper_timer_, os::TimerId::none));
  Place& place = places_[reaped_place_];
  if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) {
    reaper_failures_ = 0;
    const bool is_throttled = place.delay > base::Milliseconds::zero();
    handle(place, is_throttled ? SlotEvent::reaped_too_often : SlotEvent::reaped);
  } else if (leaving_ == Leaving::no) {
    log::error("the reaper for {} {}", place.post.title, in_words(wait_status));
    if (++reaper_failures_ >= reaper_attempts) {
      log::error("shared memory can't be repaired: all processes start again");
      return leave(Leaving::to_start_again);
    }
    handle(place, SlotEvent::reaper_failed);
  }
  reap_next();
}

// Who lost his connection with a worker is expected back as anybody whose connection broke.
shm::FlowLoss Supervisor::flow_loss() const noexcept {
  const base::Seconds grace = around_.settings.flow_grace;
  return grace == base::Seconds::zero() ? shm::FlowLoss::remove
                                        : shm::FlowLoss::suspend(base::whole_seconds(around_.clock.now() + grace));
}

// The slot itself takes its lost connections when its new process starts; while that is put off, another worker does.
WorkerSlot Supervisor::adopter_for(const Place& dead) const noexcept {
  const WorkerSlot own = shm::worker_slot(dead.post.slot, shared_.limits);
  if (dead.delay == base::Milliseconds::zero()) return own;
  for (const Place& place : places_) {
    const WorkerSlot slot = shm::worker_slot(place.post.slot, shared_.limits);
    if (&place != &dead && slot != WorkerSlot::none && place.state == SlotState::ready) return slot;
  }
  return own;
}

// --- watching ------------------------------------------------------------------------------------------------------

void Supervisor::on_timer(os::TimerId, std::uint64_t key) {
  const std::size_t place = key & 0xffffffff;
  switch (static_cast<Timer>(key >> 32)) {
    case Timer::heartbeats:
      check_heartbeats();
      set_timer(Timer::heartbeats, heartbeat_interval());
      return;
    case Timer::watchdog:
      around_.notifier.watchdog();
      set_timer(Timer::watchdog, *around_.notifier.watchdog_interval());
      return;
    case Timer::restart: return handle(places_[place], SlotEvent::delay_over);
    case Timer::reaper_deadline:
      log::error("the reaper for {} does not end: killed", places_[reaped_place_].post.title);
      kill(reaper_pid_, SIGKILL);
      return;
    case Timer::reaper_retry:
      reaper_timer_ = os::TimerId::none;
      return reap_next();
    case Timer::shutdown_deadline:
      log::warning("some processes did not leave in time: killed");
      return signal_all(SIGKILL);
    case Timer::reload_deadline:
      return give_up_waiting();
    case Timer::drain_watch: return watch_drain();
    case Timer::drain_deadline:
      drain_deadline_ = os::TimerId::none;
      return on_daemon_event(DaemonEvent::time_over);
    case Timer::certificates:
      check_certificates();
      set_timer(Timer::certificates, certificates_checked_every);
      return;
    case Timer::ticket_keys: return rotate_ticket_keys();
  }
}

base::Milliseconds Supervisor::heartbeat_interval() const noexcept {
  return std::clamp(base::Milliseconds{around_.settings.worker_stall_timeout} / 4, base::Milliseconds{50},
                    base::Milliseconds{1000});
}

void Supervisor::check_heartbeats() {
  const base::TimePoint now = around_.clock.now();
  shared_.processes.beat(shm::supervisor_slot(shared_.limits), now);
  // We were held up ourselves (a stopped group, a frozen machine): nobody could beat; everybody gets a fresh period.
  if (now - heartbeats_checked_ > 3 * heartbeat_interval() + base::Milliseconds{500}) grace_since_ = now;
  heartbeats_checked_ = now;
  const base::Milliseconds limit{around_.settings.worker_stall_timeout};
  if (limit == base::Milliseconds::zero() || now - grace_since_ < limit) return;
  for (Place& place : places_) {
    const bool is_watched = place.state == SlotState::starting || place.state == SlotState::ready;
    if (!is_watched || shared_.processes.since_heartbeat(place.post.slot, now) < limit) continue;
    log::error("{} (pid {}) shows no sign of life for {} ms: killed", place.post.title, place.pid, limit.count());
    counters_.add(shm::Counter::worker_stalls);
    handle(place, SlotEvent::beat_missed);
  }
}

void Supervisor::check_all_ready() {
  const bool all = std::all_of(places_.begin(), places_.end(), [](const Place& p) { return p.state == SlotState::ready; });
  if (!all || !around_.when_ready) return;
  std::exchange(around_.when_ready, nullptr)();
}

// --- leaving -------------------------------------------------------------------------------------------------------

void Supervisor::leave(Leaving how) {
  // Nobody who drains wants to serve again.
  if (state_ == DaemonState::draining || state_ == DaemonState::finishing) how = Leaving::for_good;
  const bool is_asked_again = leaving_ == Leaving::for_good;
  state_ = DaemonState::leaving;
  if (how == Leaving::for_good && leaving_ != Leaving::for_good) {
    around_.notifier.stopping();
    // New connections are refused, not left to hang in a queue that nobody will accept from.
    around_.endpoints.close();
    log::notice("leaving");
  }
  const bool is_first = leaving_ == Leaving::no;
  leaving_ = std::max(leaving_, how);
  if (!is_first && !is_asked_again) return;  // a restart becomes the end; the children know already
  if (is_first) {
    shared_.switches->set_drain(shm::DrainLevel::leaving);
    const base::Milliseconds patience{around_.settings.shutdown_timeout};
    // The children's death is part of the time we promised.
    set_timer(Timer::shutdown_deadline, std::max(patience - base::Milliseconds{250}, patience / 2));
    if (reaper_pid_ != 0) kill(reaper_pid_, SIGKILL);
  }
  for (Place& place : places_) handle(place, SlotEvent::stop);
  check_all_ended();
}

void Supervisor::fail(config::ExitCode code) {
  if (exit_code_ == config::ExitCode::ok) exit_code_ = code;
  leave(Leaving::for_good);
}

void Supervisor::check_all_ended() {
  if (leaving_ == Leaving::no) return;
  if (std::all_of(places_.begin(), places_.end(), [](const Place& p) { return p.state == SlotState::ended; }))
    loop_.stop();
}

// Pid 0 would be our whole process group: the process has ended, and its death is being dealt with.
void Supervisor::send(const Place& place, int signal) noexcept {
  if (place.pid > 0) kill(place.pid, signal);
}

void Supervisor::signal_all(int signal) noexcept {
  for (const Place& place : places_) send(place, signal);
}

// The children open the file again as the daemon's own user, in a folder where perhaps only root may create it.
void Supervisor::hand_over_log() const noexcept {
  if (!around_.identity || around_.log_target.kind != log::Target::Kind::file) return;
  if (::lchown(around_.log_target.path.c_str(), around_.identity->user, around_.identity->group) != 0)
    log::warning("cannot give {} to {}: after the next SIGHUP the workers go on in the old file", around_.log_target.path,
                 around_.identity->name);
}

void Supervisor::reopen_logs() {
  log::reopen();
  hand_over_log();
  signal_all(SIGHUP);
  log::notice("logs opened again");
}

// --- small things --------------------------------------------------------------------------------------------------

os::TimerId Supervisor::set_timer(Timer timer, base::Milliseconds delay, std::size_t place) {
  return loop_.timers().add(delay, *this, static_cast<std::uint64_t>(timer) << 32 | place);
}

std::size_t Supervisor::index_of(const Place& place) const noexcept {
  return static_cast<std::size_t>(&place - places_.data());
}

}  // namespace sipwsd::process
