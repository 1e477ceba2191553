#include "src/base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>

#include <array>
#include <memory>

namespace sipwsd::log {
namespace {

constexpr std::array<std::string_view, 6> names{"fatal", "error", "warning", "notice", "info", "debug"};

struct State {
  Target target;
  std::shared_ptr<spdlog::logger> logger;  // spdlog's own type for a logger; only this file holds it
  Level level = Level::notice;
  std::string role;
};

// Never destroyed: a line may be written while the process is on its way out.
State& state() {
  static State& only = *new State;
  return only;
}

std::shared_ptr<spdlog::logger> make_logger(const Target& target) {
  spdlog::sink_ptr sink;
  switch (target.kind) {
    case Target::Kind::syslog:
      sink = std::make_shared<spdlog::sinks::syslog_sink_st>(target.ident, LOG_PID, target.facility, false);
      break;
    case Target::Kind::standard_error: sink = std::make_shared<spdlog::sinks::stderr_sink_st>(); break;
    case Target::Kind::file: sink = std::make_shared<spdlog::sinks::basic_file_sink_st>(target.path); break;
  }
  auto logger = std::make_shared<spdlog::logger>(target.ident, std::move(sink));
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::trace);
  logger->set_pattern(target.kind == Target::Kind::syslog ? "%v" : "%Y-%m-%dT%H:%M:%S.%e%z sipwsd[%P] %v");
  return logger;
}

spdlog::level::level_enum spdlog_level(Level level) noexcept {
  switch (level) {
    case Level::fatal: return spdlog::level::critical;
    case Level::error: return spdlog::level::err;
    case Level::warning: return spdlog::level::warn;
    case Level::notice: return spdlog::level::info;
    case Level::info: return spdlog::level::info;
    case Level::debug: return spdlog::level::debug;
  }
  return spdlog::level::info;
}

}  // namespace

void open(const Target& target) {
  state().logger = make_logger(target);
  state().target = target;
}

void close() { state().logger.reset(); }

void reopen() {
  if (state().target.kind != Target::Kind::file) return;
  try {
    state().logger = make_logger(state().target);
  } catch (const spdlog::spdlog_ex& e) {  // keep the old file: a log in the wrong place beats none
    warning("cannot re-open the log file: {}", e.what());
  }
}

void set_level(Level level) noexcept { state().level = level; }
Level level() noexcept { return state().level; }
void set_role(std::string_view role) { state().role = role; }

void write(Level level, std::string_view message) noexcept {
  try {
    State& s = state();
    if (!s.logger) s.logger = make_logger(s.target);
    const std::string safe = escaped(message);
    if (s.role.empty())
      s.logger->log(spdlog_level(level), "{}: {}", name(level), safe);
    else
      s.logger->log(spdlog_level(level), "{}: [{}] {}", name(level), s.role, safe);
  } catch (...) {  // a log that can't be written must not end the process
  }
}

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') out += "\\n";
    else if (c == '\r') out += "\\r";
    else if (c == '\t') out += "\\t";
    else if (c == '\\') out += "\\\\";
    else if (byte < 0x20 || byte == 0x7f) out += fmt::format("\\x{:02x}", byte);
    else out += c;
  }
  return out;
}

bool parse_level(std::string_view word, Level& out) noexcept {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (word == names[i] || (word.size() == 1 && word[0] == static_cast<char>('0' + i))) {
      out = static_cast<Level>(i);
      return true;
    }
  return false;
}

std::string_view name(Level level) noexcept { return names[static_cast<std::size_t>(level)]; }

}  // namespace sipwsd::log
