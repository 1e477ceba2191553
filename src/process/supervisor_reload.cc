// The supervisor's part in a reload: it loads, checks and publishes (configuration.h), then waits until every process
// says that it runs with the new version. One at a time; what is asked for meanwhile is one more afterwards.
// And what else belongs to certificates while the daemon runs: warnings before they expire, new ticket keys.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "src/base/random.h"
#include "src/base/text.h"
#include "src/os/event_fd.h"
#include "src/process/supervisor.h"
#include "src/tls/expiry.h"

namespace sipwsd::process {
namespace {

// A process takes it over between two callbacks; who needs longer is stuck, and the watch over heartbeats knows.
constexpr base::Milliseconds reload_patience{5'000};

}  // namespace

// --- the operator's desk -------------------------------------------------------------------------------------------

void Supervisor::take_question() {
  const auto asked = shared_.desk->question();
  if (asked.number == std::exchange(last_question_, asked.number)) return;
  switch (asked.wish) {
    case shm::OperatorWish::reload: return reload(Configuration::Scope::everything, asked.number);
    case shm::OperatorWish::reload_tls: return reload(Configuration::Scope::tls, asked.number);
    case shm::OperatorWish::drain:
      return on_daemon_event(DaemonEvent::drain, asked.number, base::Seconds{asked.argument});
    case shm::OperatorWish::undrain: return on_daemon_event(DaemonEvent::undrain, asked.number);
    case shm::OperatorWish::nothing: break;
  }
  answer(asked.number, 400, "nobody knows this wish");
}

void Supervisor::answer(std::uint32_t question, std::uint16_t code, std::string_view text) {
  if (question == 0) return;
  const auto asked = shared_.desk->question();
  if (asked.number != question) return;  // who asked has gone, and another one asks already
  shared_.desk->answer(question, code, text);
  if (const auto asker = shm::number(asked.asker); asker < event_fds_.size()) os::ring(event_fds_[asker].raw());
}

// --- reload --------------------------------------------------------------------------------------------------------

void Supervisor::reload(Configuration::Scope scope, std::uint32_t question) {
  if (leaving_ != Leaving::no) return answer(question, 500, "the daemon is leaving");
  if (!reload_) return start_reload({scope, question, {}});
  if (!next_reload_) next_reload_ = Reload{scope, 0, {}};
  if (scope == Configuration::Scope::everything) next_reload_->scope = scope;
  if (question != 0) next_reload_->question = question;
}

void Supervisor::start_reload(Reload reload) {
  around_.notifier.reloading(around_.clock.now());
  const config::Settings before = around_.settings;
  const auto changes = around_.configuration.reload(reload.scope, around_.clock.unix_seconds());
  reload_ = std::move(reload);
  if (!changes) {
    for (const std::string_view line : base::split(changes.error().why, '\n'))
      log::error("configuration not changed: {}", line);
    return end_reload(500, changes.error().why);
  }
  for (const std::string& change : *changes) {
    log::notice("configuration {}: {}", around_.configuration.version(), change);
    reload_->changes.append(reload_->changes.empty() ? "" : "\n").append(change);
  }
  follow_settings(before);
  use_certificates();
  shared_.switches->set_config_version(around_.configuration.version());
  signal_all(SIGUSR1);
  reload_timer_ = set_timer(Timer::reload_deadline, reload_patience);
  check_reload();
}

// Who died meanwhile, or is yet to be forked, starts with the newest version.
bool Supervisor::is_behind(const Place& place) const noexcept {
  return (place.state == SlotState::starting || place.state == SlotState::ready) && place.pid != 0 &&
         shared_.processes.config_version(place.post.slot) != around_.configuration.version();
}

void Supervisor::check_reload() {
  if (!reload_ || reload_timer_ == os::TimerId::none) return;
  if (std::any_of(places_.begin(), places_.end(), [this](const Place& place) { return is_behind(place); })) return;
  log::notice("configuration {} is in force", around_.configuration.version());
  end_reload(200, fmt::format("Version:: {}{}{}", around_.configuration.version(), reload_->changes.empty() ? "" : "\n",
                              reload_->changes));
}

// They try again with each sign of life; what is published is not taken back.
void Supervisor::give_up_waiting() {
  std::string titles;
  for (const Place& place : places_)
    if (is_behind(place)) titles.append(titles.empty() ? "" : ", ").append(place.post.title);
  const std::string why = fmt::format("configuration {} is not in force yet in: {}", around_.configuration.version(), titles);
  log::error("{}", why);
  end_reload(500, why);
}

void Supervisor::end_reload(std::uint16_t code, std::string_view text) {
  loop_.timers().cancel(std::exchange(reload_timer_, os::TimerId::none));
  const Reload done = *std::exchange(reload_, std::nullopt);
  answer(done.question, code, text);
  around_.notifier.ready(state_ == DaemonState::serving ? "serving" : name(state_));
  if (next_reload_) start_reload(*std::exchange(next_reload_, std::nullopt));
}

// What this process keeps a copy of. What an operator has set by a command stays until the configuration says otherwise.
void Supervisor::follow_settings(const config::Settings& before) {
  const config::Settings& now = around_.settings;
  if (now.log_level != before.log_level) {
    shared_.switches->set_log_level(static_cast<int>(now.log_level));
    log::set_level(now.log_level);
  }
  if (now.keepalive_timeout != before.keepalive_timeout) shared_.switches->set_keepalive_timeout(0);
  for (Place& place : places_) place.policy.set_rules(restart_rules());
  if (now.tls_ticket_rotation != before.tls_ticket_rotation) rotate_ticket_keys();
}

RestartPolicy::Rules Supervisor::restart_rules() const noexcept {
  return {.burst = around_.settings.restart_burst,
          .first_delay = around_.settings.restart_delay,
          .longest_delay = around_.settings.restart_delay_max};
}

// --- certificates --------------------------------------------------------------------------------------------------

void Supervisor::use_certificates() {
  tls::publish(shared_.certificates, around_.configuration.certificates());
  check_certificates();
}

void Supervisor::check_certificates() {
  for (const tls::CertificateInfo& certificate : around_.configuration.certificates()) {
    const std::string key = fmt::format("{} {} {}", certificate.file, certificate.subject, certificate.not_after);
    const auto said = expiry_said_.find(key);
    const auto warning = tls::expiry_warning(certificate, around_.clock.unix_seconds(),
                                             said == expiry_said_.end() ? tls::nothing_said : said->second);
    if (!warning) continue;
    log::warning("{}", warning->text);
    expiry_said_[key] = warning->days;
  }
}

// Rotates when it is time, and comes back when it is time again.
void Supervisor::rotate_ticket_keys() {
  loop_.timers().cancel(std::exchange(ticket_timer_, os::TimerId::none));
  const std::int64_t every = around_.settings.tls_ticket_rotation.count();
  if (every == 0) return;
  const std::int64_t now = around_.clock.unix_seconds();
  if (shared_.ticket_keys.is_due(now, every)) {
    base::SystemRandom random;
    shared_.ticket_keys.rotate(now, random);
    log::info("TLS tickets have a new key");
  }
  const std::int64_t left = std::max<std::int64_t>(1, every - shared_.ticket_keys.age(now));
  ticket_timer_ = set_timer(Timer::ticket_keys, base::Seconds{left});
}

}  // namespace sipwsd::process
