#pragma once
// Time is passed in. The only code that asks the operating system is clock.cc.

#include <chrono>
#include <cstdint>
#include <string>

namespace sipwsd::base {

using Milliseconds = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;
// Since an arbitrary start, never backwards; the same origin in every process of the machine.
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const noexcept = 0;             // monotonic
  virtual std::int64_t unix_seconds() const noexcept = 0;  // calendar time
};

class SystemClock final : public Clock {
 public:
  TimePoint now() const noexcept override;
  std::int64_t unix_seconds() const noexcept override;
};

// Stands still until a test moves it.
class FakeClock final : public Clock {
 public:
  TimePoint now() const noexcept override { return now_; }
  std::int64_t unix_seconds() const noexcept override { return unix_; }
  void advance(std::chrono::nanoseconds by) noexcept {
    now_ += by;
    unix_ = 1'700'000'000 + std::chrono::duration_cast<Seconds>(now_.time_since_epoch()).count();
  }

 private:
  TimePoint now_{};
  std::int64_t unix_ = 1'700'000'000;
};

// 2026-11-24 11:06 UTC
std::string utc_text(std::int64_t unix_seconds);

inline std::int64_t whole_seconds(TimePoint at) noexcept {
  return std::chrono::duration_cast<Seconds>(at.time_since_epoch()).count();
}

}  // namespace sipwsd::base
