// The commands every operator knows from the core and kex (reference/fifo.md 7).
#include <unistd.h>

#include <array>
#include <climits>
#include <csignal>
#include <ctime>

#include "src/base/text.h"
#include "src/mi/command_table.h"

namespace sipwsd::mi {
namespace {

std::string calendar(std::int64_t unix_seconds) {
  const std::time_t at = unix_seconds;
  char text[32] = "";
  if (ctime_r(&at, text) == nullptr) return {};
  return std::string(base::trim(text));
}

void uptime(Call& call) {
  const auto now = call.context().clock.unix_seconds();
  const auto since = call.context().up_since_unix;
  call.reply(Reply{}.item("Now", calendar(now)).item("Up since", calendar(since)).item("Up time", std::to_string(now - since) + " [sec]"));
}

void version(Call& call) {
  call.reply(Reply{}
                 .item("Server", call.context().settings.server_header)
                 .item("Build", "g++ " + std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__))
                 .item("Flags", "SHM, ROBUST_MUTEX, SO_REUSEPORT")
                 .item("GIT", SIPWSD_VERSION));
}

void pwd(Call& call) {
  char path[PATH_MAX];
  if (getcwd(path, sizeof path) == nullptr) return call.reply(Reply::error(500, "Server Internal Error"));
  call.reply(Reply{}.item("WD", path));
}

void arg(Call& call) {
  Reply reply;
  for (const auto& argument : call.context().settings.arguments) reply.line(argument);
  call.reply(std::move(reply));
}

void which(Call& call) {
  Reply reply;
  for (const auto name : command_names()) reply.line(std::string(name));
  call.reply(std::move(reply));
}

void ps(Call& call) {
  const auto& processes = call.context().shared.processes;
  Reply reply;
  const auto show = [&](const std::string& type, std::uint16_t id, std::int32_t pid) {
    reply.nodes.push_back({"Process", {}, {{"ID", std::to_string(id)}, {"PID", std::to_string(pid)}, {"Type", type}}, {}});
  };
  show("supervisor", 0, getppid());
  for (std::uint16_t slot = 0; slot < call.context().shared.limits.processes; ++slot) {
    const auto view = processes.read(static_cast<shm::ProcessSlot>(slot));
    if (view.pid != 0) show(view.title, static_cast<std::uint16_t>(slot + 1), view.pid);
  }
  call.reply(std::move(reply));
}

// The original's handler returns nothing, so its own success reads as a failure; scripts know that line.
void kill_daemon(Call& call) {
  ::kill(getppid(), SIGTERM);
  call.reply(Reply::error(500, "command 'kill' failed"));
}

void debug(Call& call) {
  auto& switches = *call.context().shared.switches;
  if (call.arguments().size() > 1) return call.reply(Reply::error(400, "Too few or too many arguments"));
  if (!call.arguments().empty()) {
    const auto level = base::parse_decimal<std::uint32_t>(call.arguments()[0].value);
    if (!level || *level > 5) return call.reply(Reply::error(400, "Bad parameter"));
    switches.set_log_level(static_cast<int>(*level));
  }
  call.reply(Reply{}.item("DEBUG", std::to_string(switches.log_level())));
}

constexpr std::array table{
    Command{"uptime", "", "now, since when, and for how many seconds the daemon runs", Input::ignored, uptime, Effect::reads},
    Command{"version", "", "what the Server header says, and how it was built", Input::ignored, version, Effect::reads},
    Command{"pwd", "", "the working directory", Input::ignored, pwd, Effect::reads},
    Command{"arg", "", "the command line, an argument a line", Input::ignored, arg, Effect::reads},
    Command{"which", "", "the names of all commands", Input::ignored, which, Effect::reads},
    Command{"ps", "", "the processes: slot, pid and role", Input::ignored, ps, Effect::reads},
    Command{"kill", "", "ends the daemon as SIGTERM does (answers 500, as it always has)", Input::ignored, kill_daemon},
    Command{"debug", "[level]", "shows or sets the log level: 0 fatal .. 5 debug", Input::parsed, debug},
};

}  // namespace

std::span<const Command> core_commands() noexcept { return table; }

}  // namespace sipwsd::mi
