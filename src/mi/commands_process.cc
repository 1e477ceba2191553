// The commands about the daemon as a whole: what it runs with, reload, drain.
#include <algorithm>
#include <array>
#include <string>

#include "src/base/text.h"
#include "src/config/param_table.h"
#include "src/mi/command_table.h"

namespace sipwsd::mi {
namespace {

void ask_supervisor(Call& call, shm::OperatorWish wish, std::uint32_t argument = 0) {
  Context& context = call.context();
  context.desk.ask(wish, argument, context.clock.now(), call.later());
}

void reload(Call& call) { ask_supervisor(call, shm::OperatorWish::reload); }
void reload_tls(Call& call) { ask_supervisor(call, shm::OperatorWish::reload_tls); }
void undrain(Call& call) { ask_supervisor(call, shm::OperatorWish::undrain); }

void drain(Call& call) {
  constexpr std::uint32_t longest = 86'400;
  if (call.arguments().size() > 1) return call.reply(Reply::error(400, "Too many parameters"));
  if (call.arguments().empty()) return ask_supervisor(call, shm::OperatorWish::drain);
  const auto seconds = base::parse_decimal<std::uint32_t>(call.arguments()[0].value);
  if (!seconds || *seconds == 0 || *seconds > longest)
    return call.reply(Reply::error(400, "Bad parameter: write seconds, 1 to 86400"));
  ask_supervisor(call, shm::OperatorWish::drain, *seconds);
}

// One node a parameter, as the file would set it. Values are no secrets: those are in files that parameters name.
void params(Call& call) {
  if (call.arguments().size() > 1) return call.reply(Reply::error(400, "Too many parameters"));
  const std::string_view wanted = call.arguments().empty() ? std::string_view{} : call.arguments()[0].value;
  Reply reply;
  for (const auto& [group, param] : config::param_rows()) {
    const std::string full = std::string(group->module) + "." + std::string(param->name);
    if (!wanted.empty() && wanted != param->name && wanted != full) continue;
    // reply_indent may be a tab: no value may look like a level of its own.
    reply.nodes.push_back({full, log::escaped(config::print(*param, call.context().settings)),
                           {{"reload", param->reload == config::Reload::running ? "yes" : "no"}}, {}});
  }
  if (reply.nodes.empty()) return call.reply(Reply::error(404, "No such parameter"));
  call.reply(std::move(reply));
}

std::string_view state_of(const shm::Switches& switches) noexcept {
  switch (switches.drain()) {
    case shm::DrainLevel::none: return "serving";
    case shm::DrainLevel::no_new_connections: return "draining";
    case shm::DrainLevel::leaving: return "leaving";
  }
  return "serving";
}

void status(Call& call) {
  const shm::SharedState& shared = call.context().shared;
  Reply reply;
  reply.item("State", std::string(state_of(*shared.switches)))
      .item("Connections", std::to_string(shared.connections.live().all))
      .item("Configuration", std::to_string(shared.switches->config_version()));
  for (std::uint16_t slot = 0; slot < shared.limits.processes; ++slot) {
    const auto view = shared.processes.read(static_cast<shm::ProcessSlot>(slot));
    if (view.pid != 0)
      reply.nodes.push_back({"Process", view.title,
                             {{"PID", std::to_string(view.pid)},
                              {"State", std::string(shm::name(view.state))},
                              {"Configuration", std::to_string(view.config_version)},
                              {"Deaths", std::to_string(view.deaths)}}, {}});
  }
  call.reply(std::move(reply));
}

constexpr std::array table{
    Command{"core.params", "[name]", "what the parameters are now, and whether a reload changes them", Input::parsed, params, Effect::reads},
    Command{"core.status", "", "serving or draining, and which configuration each process runs with", Input::ignored, status, Effect::reads},
    Command{"core.reload", "", "reads the configuration again as SIGHUP does, logs aside; says what has changed or why nothing has", Input::ignored, reload},
    Command{"tls.reload", "", "reads the files of certificates, keys, CRLs and OCSP responses again", Input::ignored, reload_tls},
    Command{"core.drain", "[seconds]", "takes no new connections, closes idle ones, ends with the last call or after so many seconds", Input::parsed, drain},
    Command{"core.undrain", "", "serves again, if the drain has not ended yet", Input::ignored, undrain},
};

}  // namespace

std::span<const Command> process_commands() noexcept { return table; }

}  // namespace sipwsd::mi
