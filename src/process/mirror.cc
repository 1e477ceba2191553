#include "src/process/mirror.h"

#include <algorithm>
#include <string>
#include <vector>

#include "src/base/log.h"
#include "src/bus/mailbox.h"
#include "src/config/exit_codes.h"
#include "src/location/mirror_database.h"
#include "src/os/event_loop.h"
#include "src/process/child_life.h"
#include "src/process/inherited.h"
#include "src/process/mailbox_pump.h"

namespace sipwsd::process {
namespace {

constexpr base::Seconds between_sweeps{60};

class Mirror final : private os::TimerHandler, private os::Deferred {
 public:
  Mirror(Inherited& inherited, location::MirrorDatabase database, std::int64_t round)
      : inherited_(inherited),
        database_(std::move(database)),
        round_(round),
        loop_(inherited.clock),
        mailbox_(inherited.shared.mailboxes, inherited.slot, inherited.shared.counters.row(inherited.slot)),
        counters_(inherited.shared.counters.row(inherited.slot)),
        life_(inherited, loop_, [this] { loop_.stop(); }),  // at the end of the turn: what has come is still written
        pump_(loop_, mailbox_, [this](shm::ProcessSlot from, const bus::Letter& letter) {
          if (const auto* changed = std::get_if<bus::StoreBindings>(&letter)) note(from, *changed);
        }) {}

  int run() {
    set_timer(Timer::next_stripe, base::Milliseconds::zero());
    set_timer(Timer::sweep, between_sweeps);
    inherited_.announce_ready();
    loop_.run();
    return 0;
  }

 private:
  enum class Timer : std::uint64_t { next_stripe, sweep };
  struct Asked {
    shm::ProcessSlot by;
    std::uint64_t ticket;
  };

  void set_timer(Timer timer, base::Milliseconds delay) {
    static_cast<void>(loop_.timers().add(delay, *this, static_cast<std::uint64_t>(timer)));
  }

  void note(shm::ProcessSlot from, const bus::StoreBindings& letter) {
    changed_.emplace_back(letter.aor);
    if (letter.ticket != 0) asked_.push_back({from, letter.ticket});
    loop_.defer(*this);
  }

  void run_deferred() override {
    const bool is_stored = store(changed_);
    const auto outcome = is_stored ? bus::StoreOutcome::stored : bus::StoreOutcome::failed;
    for (const Asked& asked : asked_)
      // Who does not take it up in time has told his client to come again.
      static_cast<void>(mailbox_.post(asked.by, bus::BindingsStored{.ticket = asked.ticket, .outcome = outcome}));
    changed_.clear();
    asked_.clear();
  }

  bool store(std::vector<std::string>& aors) {
    std::sort(aors.begin(), aors.end());
    aors.erase(std::unique(aors.begin(), aors.end()), aors.end());
    const auto stored = database_.store(aors, inherited_.shared.bindings, location::moment_of(inherited_.clock), round_);
    counters_.add(stored ? shm::Counter::mirror_stored : shm::Counter::mirror_failed, aors.size());
    if (!stored && works_) log::error("bindings can't be stored, and registrations are refused: {}", stored.error().why);
    if (stored && !works_) log::notice("bindings are stored again");
    works_ = static_cast<bool>(stored);
    return works_;
  }

  void on_timer(os::TimerId, std::uint64_t key) override {
    if (static_cast<Timer>(key) == Timer::next_stripe) return store_next_stripe();
    if (const auto swept = database_.forget_expired(location::moment_of(inherited_.clock)); !swept)
      log::warning("expired bindings stay in the database: {}", swept.error().why);
    set_timer(Timer::sweep, between_sweeps);
  }

  void store_next_stripe() {
    if (next_stripe_ < shm::BindingTable::stripes()) {
      inherited_.shared.bindings.copy_stripe(next_stripe_, stripe_);
      std::vector<std::string> aors;
      for (const shm::Binding& binding : stripe_) aors.emplace_back(binding.aor);
      const bool goes_on = aors.empty() || store(aors);
      if (goes_on) ++next_stripe_;
      return set_timer(Timer::next_stripe, goes_on ? base::Milliseconds::zero() : base::Milliseconds{1000});
    }
    if (const auto done = database_.forget_earlier_rounds(round_); !done) {
      log::warning("bindings that are gone stay in the database: {}", done.error().why);
      return set_timer(Timer::next_stripe, base::Milliseconds{1000});
    }
    stripe_ = {};
  }

  Inherited& inherited_;
  location::MirrorDatabase database_;
  std::int64_t round_;
  os::EventLoop loop_;
  bus::Mailbox mailbox_;
  shm::OwnCounters counters_;
  ChildLife life_;
  MailboxPump pump_;
  std::vector<std::string> changed_;  // of this turn
  std::vector<Asked> asked_;
  shm::BindingSnapshot stripe_;
  std::uint32_t next_stripe_ = 0;
  bool works_ = true;
};

config::ExitCode exit_code_for(Errc error) noexcept {
  switch (error) {
    case Errc::refused: return config::ExitCode::no_permission;
    case Errc::malformed:
    case Errc::not_found: return config::ExitCode::configuration;
    default: return config::ExitCode::unavailable;
  }
}

}  // namespace

int run_mirror(Inherited& inherited) {
  const auto give_up = [](const Error& error) {
    log::fatal("db_url: {}", error.why);
    return number(exit_code_for(error.code));
  };
  const auto path = db::path_of_url(inherited.settings.db_url);
  if (!path) return give_up(path.error());
  auto database = location::MirrorDatabase::open(*path);
  if (!database) return give_up(database.error());
  const auto last = database->last_round();
  if (!last) return give_up(last.error());
  return Mirror{inherited, *std::move(database), *last + 1}.run();
}

}  // namespace sipwsd::process
