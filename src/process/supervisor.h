#pragma once
// The parent of all: makes shared memory, forks the roles, waits for signals, replaces what died. What happens to a slot
// is decided in supervisor_state.h, what happens to the daemon in daemon_state.h; here it is done. One file a chapter:
// supervisor.cc (forks, deaths, leaving), supervisor_reload.cc (configuration, certificates), supervisor_drain.cc. One Supervisor lives as long as its segment: when shared memory
// can't be repaired, run() answers start_again, and a new Supervisor begins with a fresh segment on the same sockets.
//
// It has one thread, takes no lock and follows no link in shared memory: it reads the words `state` and `heartbeat` of
// its own process table, and its private copy of the pids is its truth.

#include <sys/types.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shm/layout.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/config/exit_codes.h"
#include "src/config/settings.h"
#include "src/os/event_loop.h"
#include "src/os/memory_use.h"
#include "src/os/notify.h"
#include "src/os/privileges.h"
#include "src/os/signal_fd.h"
#include "src/process/configuration.h"
#include "src/process/daemon_state.h"
#include "src/process/endpoints.h"
#include "src/process/reaper.h"
#include "src/process/restart_policy.h"
#include "src/process/roles.h"
#include "src/process/supervisor_state.h"

namespace sipwsd::process {

// What outlives one segment; the owner is daemon.cc.
struct Surroundings {
  Configuration& configuration;
  const config::Settings& settings;      // of the configuration
  std::span<const Role> roles;
  const base::Clock& clock;
  Endpoints& endpoints;
  const os::Notifier& notifier;
  std::optional<os::Identity> identity;  // empty: stay who we are
  log::Target log_target;
  std::function<void()> when_ready;      // every slot is ready; once in the daemon's life
  int (*reaper)(shm::SharedState& shared, shm::ProcessSlot dead, WorkerSlot adopter, shm::FlowLoss loss) = run_reaper;
};

class Supervisor final : private os::TimerHandler {
 public:
  enum class Outcome { stopped, start_again, failed };

  // Errc as shm::create, or Errc::system.
  static Result<std::unique_ptr<Supervisor>> create(Surroundings& surroundings);
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Forks, and returns when all children are gone.
  Outcome run();
  // Outcome::failed: why the daemon ends.
  [[nodiscard]] config::ExitCode exit_code() const noexcept { return exit_code_; }
  [[nodiscard]] const shm::SharedState& shared() const noexcept { return shared_; }

 private:
  struct Place {
    Post post;
    RestartPolicy policy;
    SlotState state = SlotState::vacant;
    pid_t pid = 0;
    std::uint32_t generation = 0;
    base::TimePoint started{};
    base::TimePoint ready_since{};
    bool was_ready = false;
    base::Milliseconds delay{0};  // before the next process
  };
  enum class Leaving : std::uint8_t { no, to_start_again, for_good };
  enum class Timer : std::uint8_t {
    heartbeats,
    watchdog,
    restart,
    reaper_deadline,
    reaper_retry,
    shutdown_deadline,
    reload_deadline,
    drain_watch,
    drain_deadline,
    certificates,
    ticket_keys,
  };
  struct Listener final : os::Watcher {  // a descriptor's way to a member function
    Listener(Supervisor& s, void (Supervisor::*f)()) : supervisor(s), function(f) {}
    void on_ready(std::uint32_t) override { (supervisor.*function)(); }
    Supervisor& supervisor;
    void (Supervisor::*function)();
  };

  Supervisor(Surroundings& surroundings, shm::SharedState shared, os::SignalFd signals, os::Fd bell,
             std::vector<os::Fd> event_fds);

  void handle(Place& place, SlotEvent event);
  void perform(Place& place, SlotAct act);
  void fork_role(Place& place);
  void move_in(const std::string& title, std::vector<int> keep) const;  // in the child
  [[nodiscard]] int live_as(const Place& place);                        // in the child
  void fork_reaper(Place& place);
  void reap_next();

  void take_signals();
  void take_children();
  void take_bell();
  void on_timer(os::TimerId id, std::uint64_t key) override;
  void on_death(Place& place, int wait_status);
  void on_reaper_exit(int wait_status);
  void check_heartbeats();
  void check_all_ready();
  void check_all_ended();

  // supervisor_reload.cc
  struct Reload {
    Configuration::Scope scope = Configuration::Scope::everything;
    std::uint32_t question = 0;  // of the operator's desk; 0: asked by SIGHUP
    std::string changes;         // lines, for the answer
  };
  void take_question();
  void answer(std::uint32_t question, std::uint16_t code, std::string_view text);
  void reload(Configuration::Scope scope, std::uint32_t question);
  void start_reload(Reload reload);
  void check_reload();
  void give_up_waiting();
  void end_reload(std::uint16_t code, std::string_view text);
  [[nodiscard]] bool is_behind(const Place& place) const noexcept;
  void follow_settings(const config::Settings& before);
  void use_certificates();
  void check_certificates();
  void rotate_ticket_keys();
  [[nodiscard]] RestartPolicy::Rules restart_rules() const noexcept;

  // supervisor_drain.cc
  // `patience`: zero is drain_timeout.
  void on_daemon_event(DaemonEvent event, std::uint32_t question = 0, base::Seconds patience = base::Seconds::zero());
  void start_drain();
  void set_patience(base::Seconds patience);
  [[nodiscard]] Result<void> end_drain();
  void watch_drain();
  void tell_drain_status() const;

  void leave(Leaving how);
  void fail(config::ExitCode code);
  static void send(const Place& place, int signal) noexcept;
  void signal_all(int signal) noexcept;
  void reopen_logs();
  void hand_over_log() const noexcept;

  os::TimerId set_timer(Timer timer, base::Milliseconds delay, std::size_t place = 0);
  [[nodiscard]] std::size_t index_of(const Place& place) const noexcept;
  [[nodiscard]] shm::FlowLoss flow_loss() const noexcept;
  [[nodiscard]] WorkerSlot adopter_for(const Place& dead) const noexcept;
  [[nodiscard]] base::Milliseconds heartbeat_interval() const noexcept;
  Result<void> drop_privileges(os::Sandbox sandbox) const;  // in the child, for good
  Result<void> confine(os::Sandbox sandbox) const;

  Surroundings& around_;
  shm::SharedState shared_;
  shm::OwnCounters counters_;
  std::uint64_t memory_there_is_ = os::memory_there_is();
  os::EventLoop loop_;
  os::SignalFd signals_;
  os::Fd bell_;
  std::vector<os::Fd> event_fds_;
  Listener on_signal_{*this, &Supervisor::take_signals};
  Listener on_bell_{*this, &Supervisor::take_bell};
  pid_t pid_;

  std::vector<Place> places_;
  std::deque<std::size_t> waiting_for_reaper_;
  pid_t reaper_pid_ = 0;
  std::size_t reaped_place_ = 0;
  int reaper_failures_ = 0;
  os::TimerId reaper_timer_ = os::TimerId::none;  // deadline or retry

  std::uint32_t last_question_ = 0;
  std::optional<Reload> reload_;       // some processes have not taken it over yet
  std::optional<Reload> next_reload_;  // was asked for meanwhile
  os::TimerId reload_timer_ = os::TimerId::none;
  std::map<std::string, int> expiry_said_;  // tls::ExpiryWarning::days, by certificate
  os::TimerId ticket_timer_ = os::TimerId::none;

  DaemonState state_ = DaemonState::serving;
  base::TimePoint drain_started_{};
  os::TimerId drain_watch_ = os::TimerId::none;
  os::TimerId drain_deadline_ = os::TimerId::none;
  std::optional<base::TimePoint> drain_ends_;  // none: as long as there are calls
  Leaving leaving_ = Leaving::no;
  config::ExitCode exit_code_ = config::ExitCode::ok;
  base::TimePoint heartbeats_checked_;
  base::TimePoint grace_since_;
};

}  // namespace sipwsd::process
