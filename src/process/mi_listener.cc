#include "src/process/mi_listener.h"

#include <memory>
#include <stdexcept>
#include <variant>
#include <vector>

#include "src/base/log.h"
#include "src/bus/mailbox.h"
#include "src/bus/tickets.h"
#include "src/config/exit_codes.h"
#include "src/mi/fifo_frontend.h"
#include "src/os/event_fd.h"
#include "src/os/event_loop.h"
#include "src/process/child_life.h"
#include "src/process/inherited.h"
#include "src/process/mailbox_pump.h"
#include "src/process/roles.h"

namespace sipwsd::process {
namespace {

// While questions are out, their deadlines and the lives of those asked are looked at so often.
constexpr base::Milliseconds answer_watch{50};

class MiListener {
 public:
  explicit MiListener(Inherited& inherited)
      : inherited_(inherited),
        shared_(inherited.shared),
        loop_(inherited.clock),
        mailbox_(shared_.mailboxes, inherited.slot, shared_.counters.row(inherited.slot)),
        // Answers to questions of a predecessor in this slot must not be taken for ours.
        tickets_(inherited.generation << 20),
        desk_(*shared_.desk, inherited.slot, [bell = inherited.supervisor_bell] { os::ring(bell); }),
        context_{.settings = inherited.settings,
                 .shared = shared_,
                 .mailbox = mailbox_,
                 .counters = shared_.counters.row(inherited.slot),
                 .tickets = tickets_,
                 .desk = desk_,
                 .clock = inherited.clock,
                 .up_since_unix = shared_.processes.read(shm::supervisor_slot(shared_.limits)).started_unix,
                 .mirror = mirror_slot(inherited.settings)},
        life_(inherited, loop_, [this] { loop_.stop(); }),
        pump_(loop_, mailbox_, [this](shm::ProcessSlot from, const bus::Letter& letter) {
          if (const auto* answer = std::get_if<bus::MiAnswer>(&letter)) tickets_.answer(from, *answer);
        }),
        generations_(shared_.limits.processes) {}

  int run() {
    // The FIFO may belong to another user, and stand where only root can make it.
    auto frontend = mi::FifoFrontend::create(loop_, context_);
    if (!frontend) {
      log::fatal("--fifo {}: {}", inherited_.settings.fifo, frontend.error().why);
      return number(frontend.is(Errc::refused) ? config::ExitCode::no_permission : config::ExitCode::unavailable);
    }
    if (auto dropped = inherited_.drop_privileges(); !dropped) {
      log::fatal("{}", dropped.error().why);
      return number(config::ExitCode::no_permission);
    }
    note_the_living();
    inherited_.announce_ready();
    while (!loop_.is_stopped()) {
      loop_.run_once(tickets_.size() == 0 && !desk_.is_waiting() ? std::optional<base::Milliseconds>{} : answer_watch);
      note_the_living();
      tickets_.expire(loop_.now());
      desk_.look(loop_.now());
    }
    return 0;
  }

 private:
  // The reaper wakes everybody after every death, so a new generation is noticed before the next question is asked.
  void note_the_living() {
    for (std::uint16_t i = 0; i < generations_.size(); ++i) {
      const auto slot = static_cast<shm::ProcessSlot>(i);
      const std::uint32_t now = shared_.processes.generation(slot);
      if (std::exchange(generations_[i], now) != now) tickets_.gone(slot);
    }
  }

  Inherited& inherited_;
  shm::SharedState& shared_;
  os::EventLoop loop_;
  bus::Mailbox mailbox_;
  bus::Tickets tickets_;
  mi::SupervisorDesk desk_;
  mi::Context context_;
  ChildLife life_;
  MailboxPump pump_;
  std::vector<std::uint32_t> generations_;
};

}  // namespace

int run_mi_listener(Inherited& inherited) { return MiListener{inherited}.run(); }

}  // namespace sipwsd::process
