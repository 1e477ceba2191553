// Globals about the log, and the words they are written in.

#include "src/cfg/diagnostic.h"
#include "src/config/param.h"

#include <syslog.h>

#include <array>

namespace sipwsd::config {
namespace {

Result<void> read_log_level(Settings& settings, std::string_view text) {
  if (!log::parse_level(text, settings.log_level))
    return Error{Errc::out_of_range,
                 cfg::in_quotes(text) + " is no log level; write fatal, error, warning, notice, info or debug"};
  return {};
}
std::string write_log_level(const Settings& settings) { return std::string(log::name(settings.log_level)); }

struct Facility {
  std::string_view name;
  int number;
};
constexpr auto facilities = std::to_array<Facility>({
    {"LOG_AUTH", LOG_AUTH},     {"LOG_AUTHPRIV", LOG_AUTHPRIV}, {"LOG_CRON", LOG_CRON},     {"LOG_DAEMON", LOG_DAEMON},
    {"LOG_FTP", LOG_FTP},       {"LOG_KERN", LOG_KERN},         {"LOG_LOCAL0", LOG_LOCAL0}, {"LOG_LOCAL1", LOG_LOCAL1},
    {"LOG_LOCAL2", LOG_LOCAL2}, {"LOG_LOCAL3", LOG_LOCAL3},     {"LOG_LOCAL4", LOG_LOCAL4}, {"LOG_LOCAL5", LOG_LOCAL5},
    {"LOG_LOCAL6", LOG_LOCAL6}, {"LOG_LOCAL7", LOG_LOCAL7},     {"LOG_LPR", LOG_LPR},       {"LOG_MAIL", LOG_MAIL},
    {"LOG_NEWS", LOG_NEWS},     {"LOG_SYSLOG", LOG_SYSLOG},     {"LOG_USER", LOG_USER},     {"LOG_UUCP", LOG_UUCP},
});

Result<void> read_facility(Settings& settings, std::string_view text) {
  std::array<std::string_view, facilities.size()> names;
  for (std::size_t i = 0; i < facilities.size(); ++i) {
    names[i] = facilities[i].name;
    if (text != names[i]) continue;
    settings.log_facility = facilities[i].number;
    return {};
  }
  return Error{Errc::out_of_range, cfg::in_quotes(text) + " is no log facility; " +
                                       cfg::did_you_mean(text, names, "write LOG_DAEMON or LOG_LOCAL0 to LOG_LOCAL7")};
}
std::string write_facility(const Settings& settings) {
  for (const auto& facility : facilities)
    if (facility.number == settings.log_facility) return std::string(facility.name);
  return "";
}

using enum OutOfRange;
constexpr auto rows = std::to_array<Param>({
    {"log_level", TextForm{read_log_level, write_log_level, nullptr}, {}, refuse_start, "LEVEL",
     "fatal, error, warning, notice, info (a line a connection) or debug (a line a message)", {}, {}, Reload::running},
    {"log_stderror", &Settings::log_stderr, {}, refuse_start, "", "write to standard error instead of syslog",
     "log_stderr"},
    {"log_file", &Settings::log_file, {0, 4096}, refuse_start, "FILE", "write to this file; SIGHUP opens it again"},
    {"log_facility", TextForm{read_facility, write_facility, nullptr}, {}, refuse_start, "FACILITY",
     "syslog facility, like LOG_LOCAL0"},
    {"log_name", &Settings::log_name, {1, 64}, refuse_start, "NAME", "name in front of syslog lines"},
});

}  // namespace

ParamGroup log_params() noexcept { return {"core", "Log", rows}; }

}  // namespace sipwsd::config
