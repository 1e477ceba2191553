// Globals of the file that are not about the log or TCP.

#include "sipwsd/bytes.h"

#include "src/base/text.h"
#include "src/cfg/diagnostic.h"
#include "src/config/listen.h"
#include "src/config/param.h"

#include <array>

namespace sipwsd::config {
namespace {

Result<void> read_listen(Settings& settings, std::string_view text) {
  const auto advertise = text.find(" advertise ");
  auto specs = parse_listen(text.substr(0, advertise));
  if (!specs) return specs.error();
  if (advertise != std::string_view::npos)
    if (auto said = parse_advertise(text.substr(advertise + 11), *specs); !said) return said;
  settings.listen.insert(settings.listen.end(), specs->begin(), specs->end());
  return {};
}
std::string write_listen(const Settings& settings) {
  std::string text;
  for (const auto& spec : settings.listen) text += (text.empty() ? "" : ", ") + to_text(spec);
  return text;
}

Result<void> read_alias(Settings& settings, std::string_view text) {
  const auto aliases = parse_aliases(text);
  if (!aliases) return aliases.error();
  settings.alias.insert(settings.alias.end(), aliases->begin(), aliases->end());
  return {};
}
std::string write_alias(const Settings& settings) {
  std::string text;
  for (const auto& alias : settings.alias) text += (text.empty() ? "" : " ") + alias;
  return text;
}

struct SandboxWord {
  std::string_view word;
  SandboxUse use;
};
constexpr auto sandbox_words = std::to_array<SandboxWord>({
    {"on", SandboxUse::required}, {"try", SandboxUse::if_possible}, {"off", SandboxUse::off},  // these are written
    {"yes", SandboxUse::required}, {"1", SandboxUse::required}, {"no", SandboxUse::off}, {"0", SandboxUse::off},
});
Result<void> read_sandbox(Settings& settings, std::string_view text) {
  for (const auto& [word, use] : sandbox_words) {
    if (text != word) continue;
    settings.sandbox = use;
    return {};
  }
  return Error{Errc::out_of_range, cfg::in_quotes(text) + " is no sandbox; write on, try or off"};
}
std::string write_sandbox(const Settings& settings) {
  for (const auto& [word, use] : sandbox_words)
    if (settings.sandbox == use) return std::string(word);
  return "";
}

// Kamailio's parameters hold the header's name too; only its body is kept.
Result<void> read_header(std::string Settings::* field, Settings& settings, std::string_view name,
                         std::string_view text) {
  if (starts_with_nocase(text, name)) text.remove_prefix(name.size());
  text = base::trim(text);
  if (text.empty()) return Error{Errc::malformed, "the header is empty; write " + std::string(name) + " product"};
  if (text.size() > 256) return Error{Errc::too_large, "the header is longer than 256 bytes; write a shorter product"};
  settings.*field = text;
  return {};
}
Result<void> read_server_header(Settings& settings, std::string_view text) {
  return read_header(&Settings::server_header, settings, "Server:", text);
}
std::string write_server_header(const Settings& settings) { return settings.server_header; }

using enum OutOfRange;
constexpr auto rows = std::to_array<Param>({
    {"listen", TextForm{read_listen, write_listen, [](Settings& s) { s.listen.clear(); }}, {}, refuse_start,
     "PROTO:ADDR:PORT", "socket to open, like ws:127.0.0.1:8080; may be given again; port 0 takes a free one"},
    {"alias", TextForm{read_alias, write_alias, [](Settings& s) { s.alias.clear(); }}, {}, refuse_start, "DOMAIN",
     "domain this server is responsible for; may be given again", {}, {}, Reload::running},
    {"stage", &Settings::stage, {1, 1024}, refuse_start, "NAME[:ARG]",
     "routing stage: edge (phones in browsers), echo (returns every message), plugin:PATH"},
    {"workers", &Settings::workers, {0, 512}, refuse_start, "N", "processes that serve connections; 0 is one a core"},
    {"fork", &Settings::daemonize, {}, refuse_start, "", "go to the background; the flag -F says no", "-"},
    {"pid_file", &Settings::pid_file, {0, 4096}, refuse_start, "FILE",
     "file with the number of the supervisor, locked while it runs"},
    {"user", &Settings::user, {0, 64}, refuse_start, "USER",
     "name or number to run as once the sockets are open", {}, {}, Reload::restart, true},
    {"group", &Settings::group, {0, 64}, refuse_start, "GROUP", "group to run as; empty takes the user's own", {}, {},
     Reload::restart, true},
    {"sandbox", TextForm{read_sandbox, write_sandbox, nullptr}, {}, refuse_start, "on|try|off",
     "confine each role to the system calls it needs; try goes on with a warning where the kernel can't", {}, {},
     Reload::restart, true},
    {"core_dump", &Settings::core_dump, {}, refuse_start, "",
     "let a crashing process leave a core, with keys and messages of users in it; also lets debuggers of its user attach"},
    {"worker_stall_timeout", &Settings::worker_stall_timeout, {1, 3600}, refuse_start, "SECONDS",
     "a worker without a heartbeat for so long is replaced", {}, {}, Reload::running},
    {"shutdown_timeout", &Settings::shutdown_timeout, {0, 3600}, refuse_start, "SECONDS",
     "time for closing every connection when the daemon ends", {}, {}, Reload::running},
    {"drain_timeout", &Settings::drain_timeout, {0, 86'400}, refuse_start, "SECONDS",
     "calls may go on for so long after SIGTERM or core.drain; 0: SIGTERM ends them at once, core.drain waits for the last",
     {}, {}, Reload::running},
    {"drain_spread", &Settings::drain_spread, {0, 3600}, refuse_start, "SECONDS",
     "time over which a drain closes idle connections, so that they do not all come back at once", {}, {}, Reload::running},
    {"restart_burst", &Settings::restart_burst, {1, 1000}, refuse_start, "N",
     "early deaths in a row (before or within half a second of readiness) before restarts are delayed",
     {}, {}, Reload::running},
    {"restart_delay", &Settings::restart_delay, {1, 60'000}, refuse_start, "MILLISECONDS",
     "first such delay; each further one is twice as long", {}, {}, Reload::running},
    {"restart_delay_max", &Settings::restart_delay_max, {1, 3'600'000}, refuse_start, "MILLISECONDS",
     "longest such delay", {}, {}, Reload::running},
    {"server_signature", &Settings::server_signature, {}, refuse_start, "", "send the Server header",
     {}, {}, Reload::running},
    {"server_header", TextForm{read_server_header, write_server_header, nullptr}, {}, refuse_start, "TEXT",
     "product in the Server header of replies", {}, {}, Reload::running},
});

}  // namespace

ParamGroup core_params() noexcept { return {"core", "Service and processes", rows}; }

}  // namespace sipwsd::config
