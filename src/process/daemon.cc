#include "src/process/daemon.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>

#include "src/os/daemonize.h"
#include "src/os/descriptor_limit.h"
#include "src/os/fifo.h"
#include "src/os/notify.h"
#include "src/os/pid_file.h"
#include "src/os/privileges.h"
#include "src/os/signal_fd.h"
#include "src/os/spawn.h"
#include "src/process/ban_file.h"
#include "src/process/configuration.h"
#include "src/process/restoration.h"
#include "src/process/supervisor.h"

namespace sipwsd::process {
namespace {

using config::ExitCode;

struct Refusal {
  ExitCode code;
  std::string why;
};

void say(const std::string& line) { fmt::print(stderr, "sipwsd: {}\n", line); }

ExitCode exit_code_for(Errc error) noexcept {
  switch (error) {
    case Errc::exists:
    case Errc::timed_out: return ExitCode::unavailable;
    case Errc::refused: return ExitCode::no_permission;
    case Errc::out_of_range:
    case Errc::malformed:
    case Errc::not_found: return ExitCode::configuration;
    case Errc::full: return ExitCode::unavailable;
    default: return ExitCode::os_error;
  }
}

class Daemon {
 public:
  Daemon(const config::Settings& settings, std::span<const Role> roles, const Announcement& announcement)
      : configuration_(settings), roles_(roles), announcement_(announcement), notifier_(os::Notifier::from_environment()) {}

  int run() {
    if (const auto refusal = prepare()) {
      say(refusal->why);
      background_.answer(number(refusal->code));
      return number(refusal->code);
    }
    const ExitCode code = supervise();
    if (code != ExitCode::ok) say("could not go on; see the log");
    // Does nothing when it was ready; stopped before that, the start has failed all the same.
    background_.answer(number(code == ExitCode::ok ? ExitCode::internal : code));
    // The role that made it may remove no file.
    if (!settings_.fifo.empty()) static_cast<void>(os::remove_fifo(settings_.fifo));
    log::notice("ended");
    return number(code);
  }

 private:
  // Everything that can be refused while the terminal is still ours.
  std::optional<Refusal> prepare() {
    os::ignore_broken_pipes();
    // Here and in everybody we fork. The sockets are bound with the rights we came with, not with new ones.
    os::forbid_new_privileges();
    os::apply(settings_.core_dump ? os::CorePolicy::allow_core : os::CorePolicy::no_core);
    if (auto checked = check(limits_for(settings_, roles_)); !checked)
      return Refusal{ExitCode::configuration, checked.error().why};
    if (!settings_.user.empty() || !settings_.group.empty()) {
      auto identity = os::resolve_identity(settings_.user, settings_.group);
      if (!identity) return Refusal{ExitCode::configuration, identity.error().why};
      identity_ = std::move(*identity);
    }
    if (!settings_.pid_file.empty()) {
      auto pid_file = os::PidFile::create(settings_.pid_file);
      if (!pid_file) return Refusal{exit_code_for(pid_file.error().code), pid_file.error().why};
      pid_file_ = std::move(*pid_file);
    }
    if (auto read = configuration_.read_secrets(clock_.unix_seconds()); !read)
      return Refusal{ExitCode::configuration, read.error().why};
    auto opened = Endpoints::open(settings_, limits_for(settings_, roles_).workers);
    if (auto* failure = std::get_if<Endpoints::Failure>(&opened)) return Refusal{failure->code, failure->why};
    endpoints_ = std::move(std::get<Endpoints>(opened));
    if (settings_.daemonize) {
      auto background = os::daemonize();
      if (!background) return Refusal{ExitCode::os_error, background.error().why};
      background_ = std::move(*background);
      if (auto written = pid_file_.write_own_pid(); !written) return Refusal{ExitCode::os_error, written.error().why};
    }
    return std::nullopt;
  }

  // Connections are spread evenly only as long as there are many: one worker may have to hold all of them.
  void raise_limits() {
    constexpr std::uint64_t other_descriptors = 256;
    const std::uint64_t wanted = settings_.max_connections + other_descriptors;
    if (const auto allowed = os::raise_descriptor_limit(wanted); allowed < wanted)
      log::warning("a process may open {} descriptors (ulimit -n), {} are wanted for max_connections={}", allowed, wanted,
                   settings_.max_connections);
  }

  ExitCode supervise() {
    raise_limits();
    if (auto opened = configuration_.open(); !opened) {
      say(opened.error().why);
      log::fatal("{}", opened.error().why);
      return ExitCode::os_error;
    }
    Surroundings around{.configuration = configuration_,
                        .settings = settings_,
                        .roles = roles_,
                        .clock = clock_,
                        .endpoints = endpoints_,
                        .notifier = notifier_,
                        .identity = identity_,
                        .log_target = log_target(settings_),
                        .when_ready = [this] { announce(); }};
    for (;;) {
      auto supervisor = Supervisor::create(around);
      if (!supervisor) {
        say(supervisor.error().why);
        log::fatal("{}", supervisor.error().why);
        return supervisor.is(Errc::out_of_range) ? ExitCode::configuration : ExitCode::unavailable;
      }
      const shm::SharedState& shared = (*supervisor)->shared();
      log::notice("shared memory: {} MiB (virtual) for {} connections, {} bindings, {} processes",
                  (shared.segment.bytes() + (1 << 20) - 1) >> 20, shared.limits.max_connections,
                  shared.limits.bindings(), shared.limits.processes);
      restore_bans(shared);
      if (auto restored = restore_bindings((*supervisor)->shared(), settings_, clock_, identity_, endpoints_.bound()); !restored) {
        log::fatal("{}", restored.error().why);
        say(restored.error().why);
        return exit_code_for(restored.error().code);
      }
      switch ((*supervisor)->run()) {
        case Supervisor::Outcome::stopped: save_bans(shared); return ExitCode::ok;
        case Supervisor::Outcome::failed: return (*supervisor)->exit_code();
        case Supervisor::Outcome::start_again: log::notice("starting all processes again"); break;
      }
    }
  }

  void restore_bans(const shm::SharedState& shared) const {
    if (settings_.ban_file.empty()) return;
    const auto read = read_bans(settings_.ban_file, now_of(clock_));
    if (!read) return log::warning("ban_file: {}", read.error().why);
    // At the end nobody is there to do something about it.
    if (const auto written = write_bans(settings_.ban_file, read->bans, now_of(clock_)); !written)
      log::warning("ban_file: {}; bans will be forgotten", written.error().why);
    if (read->skipped != 0) log::warning("ban_file: {} lines are no bans", read->skipped);
    shm::BanTable bans = shared.bans;
    for (const shm::Ban& ban : read->bans) bans.ban(ban);
    if (const auto count = read->bans.size(); count != 0)
      log::notice("{} ban{} still in force", count, count == 1 ? " is" : "s are");
  }

  void save_bans(const shm::SharedState& shared) const {
    if (settings_.ban_file.empty()) return;
    const Now now = now_of(clock_);
    if (const auto written = write_bans(settings_.ban_file, shared.bans.bans(now.monotonic), now); !written)
      log::warning("ban_file: {}", written.error().why);
  }

  void announce() {
    if (!settings_.daemonize) {
      for (const Endpoint& endpoint : endpoints_.bound()) say("listening on " + endpoint.to_string());
      if (announcement_) announcement_(endpoints_.bound());
      say("ready");
    }
    for (const Endpoint& endpoint : endpoints_.bound()) log::notice("listening on {}", endpoint.to_string());
    log::notice("ready");
    notifier_.ready("serving");
    if (!background_.is_awaited()) return;
    if (!settings_.log_stderr) os::detach_standard_error();
    background_.answer(0);
  }

  Configuration configuration_;
  const config::Settings& settings_ = configuration_.settings();
  std::span<const Role> roles_;
  const Announcement& announcement_;
  base::SystemClock clock_;
  os::Notifier notifier_;
  std::optional<os::Identity> identity_;
  os::PidFile pid_file_;
  Endpoints endpoints_;
  os::Daemonized background_;
};

}  // namespace

log::Target log_target(const config::Settings& settings) {
  log::Target target;
  target.ident = settings.log_name;
  target.facility = settings.log_facility;
  if (!settings.log_file.empty()) {
    target.kind = log::Target::Kind::file;
    target.path = settings.log_file;
  } else if (settings.log_stderr || !settings.daemonize) {
    target.kind = log::Target::Kind::standard_error;
  } else {
    target.kind = log::Target::Kind::syslog;
  }
  return target;
}

int run_daemon(const config::Settings& settings, std::span<const Role> roles, const Announcement& announcement) try {
  log::set_level(settings.log_level);
  log::open(log_target(settings));
  return Daemon{settings, roles, announcement}.run();
} catch (const std::exception& e) {
  say(e.what());
  return number(ExitCode::os_error);
}

}  // namespace sipwsd::process
