#pragma once
// How long a slot waits before it gets a new process. A crash loop must not burn the machine; a process that somebody
// kills must be back at once. So only young deaths count: before readiness, or so soon after it that the process
// hardly worked. The first few cost nothing, then each doubles the pause; a long life forgives all.

#include <chrono>
#include <cstdint>

namespace sipwsd::process {

class RestartPolicy {
 public:
  using Milliseconds = std::chrono::milliseconds;
  struct Rules {
    std::uint32_t burst = 5;        // young deaths in a row that cost nothing
    Milliseconds first_delay{100};
    Milliseconds longest_delay{30'000};
    Milliseconds young{500};        // a life shorter than this is a young death
    Milliseconds forgiven{10'000};  // a life longer than this clears the record
  };
  explicit RestartPolicy(const Rules& rules) noexcept : rules_(rules) {}
  // What has happened is not forgotten.
  void set_rules(const Rules& rules) noexcept { rules_ = rules; }

  enum class WasReady : std::uint8_t { no, yes };
  // The pause this death costs. `life`: since it was ready, or since the fork when it never was.
  [[nodiscard]] Milliseconds after_death(Milliseconds life, WasReady was_ready) noexcept {
    if (was_ready == WasReady::yes && life >= rules_.forgiven) young_deaths_ = 0;
    if (was_ready == WasReady::yes && life >= rules_.young) return Milliseconds::zero();
    ++young_deaths_;
    if (young_deaths_ <= rules_.burst) return Milliseconds::zero();
    Milliseconds delay = rules_.first_delay;
    for (std::uint32_t i = rules_.burst + 1; i < young_deaths_ && delay < rules_.longest_delay; ++i) delay *= 2;
    return delay < rules_.longest_delay ? delay : rules_.longest_delay;
  }

  [[nodiscard]] std::uint32_t young_deaths() const noexcept { return young_deaths_; }

 private:
  Rules rules_;
  std::uint32_t young_deaths_ = 0;
};

}  // namespace sipwsd::process
