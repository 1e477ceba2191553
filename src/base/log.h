#pragma once
// The log of one process: syslog, standard error or a file that SIGHUP re-opens. Words mean one thing each:
// fatal (this process ends), error (a request failed because of us), warning (someone should look),
// notice (life cycle), info (one line a connection), debug (one line a message).
// Control characters of the message are escaped (S55): a peer can't forge a line.

#include <fmt/core.h>

#include <string>
#include <string_view>

namespace sipwsd::log {

enum class Level : int { fatal = 0, error = 1, warning = 2, notice = 3, info = 4, debug = 5 };

struct Target {
  enum class Kind { syslog, standard_error, file } kind = Kind::standard_error;
  std::string path;                // Kind::file
  std::string ident = "sipwsd";    // syslog identity
  int facility = 3 << 3;           // LOG_DAEMON
};

void open(const Target& target);
void close();                      // lets go of its descriptor; the next line, or open(), opens it again
void reopen();                     // after logrotate; a no-op for anything but a file
void set_level(Level level) noexcept;
Level level() noexcept;
void set_role(std::string_view role);  // "worker 3": stands in front of each line of this process

inline bool wants(Level wanted) noexcept { return wanted <= level(); }
void write(Level level, std::string_view message) noexcept;
// `text` with control characters and backslashes as \n, \t, \xNN.
std::string escaped(std::string_view text);
// fatal, error, warning, notice, info, debug; or 0..5. Empty when it is none of these.
bool parse_level(std::string_view word, Level& out) noexcept;
std::string_view name(Level level) noexcept;

template <typename... Args>
void line(Level level, fmt::format_string<Args...> format, Args&&... args) noexcept {
  if (!wants(level)) return;
  try {
    write(level, fmt::format(format, std::forward<Args>(args)...));
  } catch (...) {  // out of memory while formatting: the line is lost, the process goes on
  }
}
template <typename... Args>
void fatal(fmt::format_string<Args...> f, Args&&... a) noexcept { line(Level::fatal, f, std::forward<Args>(a)...); }
template <typename... Args>
void error(fmt::format_string<Args...> f, Args&&... a) noexcept { line(Level::error, f, std::forward<Args>(a)...); }
template <typename... Args>
void warning(fmt::format_string<Args...> f, Args&&... a) noexcept { line(Level::warning, f, std::forward<Args>(a)...); }
template <typename... Args>
void notice(fmt::format_string<Args...> f, Args&&... a) noexcept { line(Level::notice, f, std::forward<Args>(a)...); }
template <typename... Args>
void info(fmt::format_string<Args...> f, Args&&... a) noexcept { line(Level::info, f, std::forward<Args>(a)...); }
template <typename... Args>
void debug(fmt::format_string<Args...> f, Args&&... a) noexcept { line(Level::debug, f, std::forward<Args>(a)...); }

}  // namespace sipwsd::log
