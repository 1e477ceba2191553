#include "src/process/keepalive.h"

#include "src/base/log.h"
#include "src/bus/mailbox.h"
#include "src/os/event_loop.h"
#include "src/process/child_life.h"
#include "src/process/inherited.h"
#include "src/process/keepalive_scan.h"
#include "src/process/mailbox_pump.h"

namespace sipwsd::process {
namespace {

class Keepalive final : private os::TimerHandler {
 public:
  explicit Keepalive(Inherited& inherited)
      : inherited_(inherited),
        loop_(inherited.clock),
        mailbox_(inherited.shared.mailboxes, inherited.slot, inherited.shared.counters.row(inherited.slot)),
        life_(inherited, loop_, [this] { loop_.stop(); }),
        // Nothing is asked of it; what comes is for all processes, and read from the switches.
        pump_(loop_, mailbox_, [](shm::ProcessSlot, const bus::Letter&) {}),
        scan_(inherited.shared.connections, inherited.settings,
              {static_cast<std::uint16_t>(inherited.settings.keepalive_processes), inherited.index},
              [this](WorkerSlot owner, const bus::Letter& letter) {
                return mailbox_.post(shm::process_slot(owner), letter);
              }) {}

  int run() {
    wait_for_next();
    inherited_.announce_ready();
    loop_.run();
    return 0;
  }

 private:
  void wait_for_next() {
    static_cast<void>(loop_.timers().add(inherited_.settings.keepalive_interval, *this, 0));
  }

  void on_timer(os::TimerId, std::uint64_t) override {
    const auto set_at_run_time = inherited_.shared.switches->keepalive_timeout();
    const auto timeout = set_at_run_time != 0 ? base::Seconds{set_at_run_time} : inherited_.settings.keepalive_timeout;
    const auto report = scan_.run(loop_.now(), timeout);
    if (report.refused != 0)
      log::warning("{} keepalives were put off: their workers do not keep up", report.refused);
    wait_for_next();
  }

  Inherited& inherited_;
  os::EventLoop loop_;
  bus::Mailbox mailbox_;
  ChildLife life_;
  MailboxPump pump_;
  KeepaliveScan scan_;
};

}  // namespace

int run_keepalive(Inherited& inherited) { return Keepalive{inherited}.run(); }

}  // namespace sipwsd::process
