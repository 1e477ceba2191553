#include "src/base/clock.h"

namespace sipwsd::base {

TimePoint SystemClock::now() const noexcept { return std::chrono::steady_clock::now(); }

std::int64_t SystemClock::unix_seconds() const noexcept {
  return std::chrono::duration_cast<Seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace sipwsd::base
