#pragma once
// THE list of management commands: one row each, whatever transport asks. `which`, the manual and --print-commands are
// made from it.

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shm/layout.h"
#include "src/base/clock.h"
#include "src/bus/mailbox.h"
#include "src/bus/tickets.h"
#include "src/config/settings.h"
#include "src/mi/reply.h"
#include "src/mi/request.h"
#include "src/mi/supervisor_desk.h"
#include "src/os/event_loop.h"

namespace sipwsd::mi {

// What a command may look at and act on.
struct Context {
  const config::Settings& settings;
  shm::SharedState& shared;
  bus::Mailbox& mailbox;
  shm::OwnCounters counters;
  bus::Tickets& tickets;
  SupervisorDesk& desk;
  const base::Clock& clock;
  std::int64_t up_since_unix = 0;
  shm::ProcessSlot mirror = shm::ProcessSlot::none;  // who is told that bindings have changed
};

// One command being carried out. It is answered exactly once: inside run, or later when a worker has answered.
class Call {
 public:
  using Answer = std::function<void(Reply)>;
  Call(Context& context, const Request& request, Answer answer)
      : context_(context), request_(request), answer_(std::move(answer)) {}

  Context& context() noexcept { return context_; }
  const std::vector<Argument>& arguments() const noexcept { return request_.arguments; }
  void reply(Reply reply) { answer_(std::move(reply)); }
  // For an answer that comes later than this object lives.
  const Answer& later() const noexcept { return answer_; }

 private:
  Context& context_;
  const Request& request_;
  Answer answer_;
};

enum class Input { parsed, ignored };  // ignored: arguments are read over, whatever they say

// For the audit: what may change something is written to the log with its arguments, whoever it was (a FIFO doesn't say).
enum class Effect { changes, reads };

struct Command {
  std::string_view name;
  std::string_view arguments;  // for the manual: "[order]"
  std::string_view summary;
  Input input;
  void (*run)(Call& call);
  Effect effect = Effect::changes;
};

std::span<const Command> websocket_commands() noexcept;
std::span<const Command> core_commands() noexcept;
std::span<const Command> process_commands() noexcept;
std::span<const Command> statistics_commands() noexcept;
std::span<const Command> location_commands() noexcept;
std::span<const Command> ban_commands() noexcept;
std::span<const Command> tls_commands() noexcept;
std::span<const Command> upstream_commands() noexcept;

const Command* find_command(std::string_view name) noexcept;
std::vector<std::string_view> command_names();  // in the order of the table
std::string command_listing();                  // name TAB arguments TAB summary, a line each

}  // namespace sipwsd::mi
