#pragma once
// So many a second, and a reserve for bursts: a token bucket, kept as one number. That number is the moment at which the
// bucket will be full again (the generic cell rate algorithm, ITU-T I.371): taking a token moves it on by the time a
// token takes to come, and the bucket is empty while it lies a whole reserve ahead. Eight bytes, no division by time
// gone by, no timer, and all zero is a full bucket, so it can stand in shared memory as it was carved.

#include "src/base/clock.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace sipwsd::base {

struct Rate {
  std::uint64_t per_second = 0;  // 0: any
  std::uint64_t burst = 1;       // how many at once after a pause; up to 2^33

  [[nodiscard]] constexpr bool is_any() const noexcept { return per_second == 0; }
};

class TokenBucket {
 public:
  // n tokens, or none: false.
  [[nodiscard]] bool take(std::uint64_t n, TimePoint now, Rate rate) noexcept {
    if (rate.is_any()) return true;
    const std::int64_t full_then = std::max(full_at_, count(now)) + time_of(n, rate);
    if (full_then - count(now) > time_of(rate.burst, rate)) return false;
    full_at_ = full_then;
    return true;
  }
  // For what has happened already (bytes that were read): takes n tokens whether they are there or not. How long to
  // wait until the debt is paid; zero when there is none.
  [[nodiscard]] std::chrono::nanoseconds charge(std::uint64_t n, TimePoint now, Rate rate) noexcept {
    if (rate.is_any()) return {};
    full_at_ = std::max(full_at_, count(now)) + time_of(n, rate);
    return std::chrono::nanoseconds{std::max<std::int64_t>(0, full_at_ - count(now) - time_of(rate.burst, rate))};
  }
  // Until take(n) would succeed.
  [[nodiscard]] std::chrono::nanoseconds wait_for(std::uint64_t n, TimePoint now, Rate rate) const noexcept {
    if (rate.is_any()) return {};
    const std::int64_t full_then = std::max(full_at_, count(now)) + time_of(n, rate);
    return std::chrono::nanoseconds{std::max<std::int64_t>(0, full_then - count(now) - time_of(rate.burst, rate))};
  }
  // Nothing is lost when it is forgotten now.
  [[nodiscard]] bool is_full(TimePoint now) const noexcept { return full_at_ <= count(now); }

 private:
  static std::int64_t count(TimePoint at) noexcept { return at.time_since_epoch().count(); }
  // To a nanosecond, rounded down so that a burst is as many as it says. The bounds (2^33 tokens, 13 days) keep every sum
  // within 64 bits.
  static std::int64_t time_of(std::uint64_t n, Rate rate) noexcept {
    constexpr std::uint64_t second = 1'000'000'000, most = std::uint64_t{1} << 33, longest = std::uint64_t{1} << 50;
    const std::uint64_t time = std::min(n, most) * second / rate.per_second;
    return static_cast<std::int64_t>(std::min(time, longest));
  }

  std::int64_t full_at_ = 0;  // nanoseconds of the monotonic clock
};

}  // namespace sipwsd::base
