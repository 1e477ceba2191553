#include "src/base/clock.h"

#include <ctime>

namespace sipwsd::base {

TimePoint SystemClock::now() const noexcept { return std::chrono::steady_clock::now(); }

std::int64_t SystemClock::unix_seconds() const noexcept {
  return std::chrono::duration_cast<Seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string utc_text(std::int64_t unix_seconds) {
  const std::time_t at = unix_seconds;
  std::tm calendar{};
  char text[32];
  if (gmtime_r(&at, &calendar) == nullptr) return "never";
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &calendar)};
}

}  // namespace sipwsd::base
