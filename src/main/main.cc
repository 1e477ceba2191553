// From the command line to the supervisor. Everything a user can get wrong ends here with one line that says what to
// write instead, and an exit code of sipwsd(8).
#include <fmt/core.h>

#include <cstdio>
#include <exception>
#include <variant>

#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/config/exit_codes.h"
#include "src/config/load.h"
#include "src/mi/command_table.h"
#include "src/os/privileges.h"
#include "src/os/spawn.h"
#include "src/process/daemon.h"
#include "src/process/roles.h"
#include "src/process/secrets.h"
#include "src/process/worker.h"

namespace {

using sipwsd::config::ExitCode;

int stop(const sipwsd::config::Stop& stop) {
  std::fputs(stop.standard_output.c_str(), stdout);
  std::fputs(stop.standard_error.c_str(), stderr);
  return static_cast<int>(stop.code);
}

int fail(ExitCode code, const std::string& why) {
  std::fprintf(stderr, "sipwsd: %s\n", why.c_str());
  return static_cast<int>(code);
}

// `make run` ends here: the address a person opens.
void announce_demo(std::span<const sipwsd::Endpoint> bound) {
  for (const auto& at : bound)
    if (sipwsd::is_websocket(at.protocol) || at.protocol == sipwsd::TransportProtocol::tcp)
      std::fprintf(stderr, "sipwsd: demo phone at http://%s:%u/\n", at.host_text().c_str(), unsigned{at.port});
}

int run(int argc, char** argv) {
  sipwsd::os::lend_argument_memory(argc, argv);  // process titles are written there
  auto loaded = sipwsd::config::load(argc, argv, {.commands = sipwsd::mi::command_listing});
  if (const auto* s = std::get_if<sipwsd::config::Stop>(&loaded)) return stop(*s);
  auto& [settings, warnings] = std::get<sipwsd::config::Loaded>(loaded);
  for (const auto& warning : warnings) std::fprintf(stderr, "sipwsd: warning: %s\n", warning.c_str());
  sipwsd::log::set_level(settings.log_level);
  if (const auto prepared = sipwsd::process::prepare_workers(settings); !prepared)
    return fail(ExitCode::configuration, prepared.error().why);
  if (settings.check) {
    if (const auto identity = sipwsd::os::resolve_identity(settings.user, settings.group); !identity)
      return fail(ExitCode::configuration, identity.error().why);
    if (const auto read = sipwsd::process::load_secrets(settings, sipwsd::base::SystemClock{}.unix_seconds()); !read)
      return fail(ExitCode::configuration, read.error().why);
    std::puts("sipwsd: the configuration is good");
    return static_cast<int>(ExitCode::ok);
  }
  return sipwsd::process::run_daemon(settings, sipwsd::process::roles(),
                                     settings.demo ? sipwsd::process::Announcement(announce_demo) : nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    return fail(ExitCode::internal, e.what());
  }
}
