#pragma once
// The memory ceiling (S43): every process says once a second, and after every few hundred new transactions, how much it
// holds, and whoever says so adds them all up and turns the one switch that everybody looks at. Above nine tenths of the limit new connections and new transactions are
// refused, until it is below eight and a half: better a 503 than the kernel's choice of whom to kill.
//
// The segment is counted once: the pages of it that the busiest process has touched.

#include <cstdint>
#include <optional>

#include "shm/layout.h"
#include "src/base/clock.h"
#include "src/config/settings.h"
#include "src/os/memory_use.h"

namespace sipwsd::net {

// memory_limit in bytes; 0 in the settings is nine tenths of what `there_is`.
[[nodiscard]] std::uint64_t memory_limit(const config::Settings& settings, std::uint64_t there_is) noexcept;

class MemoryWatch {
 public:
  // Opens /proc/self/status: to be made in the process itself, before its sandbox is closed. `there_is`:
  // os::memory_there_is(), asked once by the supervisor. Without the file nothing is ever short, and the log says so.
  MemoryWatch(const config::Settings& settings, shm::SharedState& shared, shm::OwnCounters counters,
              std::uint64_t there_is);

  // From the heartbeat, as often as one likes: looks once a second. True when it was this process that turned the
  // switch: say it in the log.
  bool look(base::TimePoint now);
  // A new transaction begins. A flood of them takes a quarter of a gigabyte in the second between two heartbeats.
  void count_transaction() {
    if (++transactions_ % transactions_between_looks == 0) look_now();
  }
  [[nodiscard]] bool is_short() const noexcept { return shared_.memory->is_short(); }

 private:
  static constexpr std::uint32_t transactions_between_looks = 256;  // about a megabyte
  bool look_now();

  const config::Settings& settings_;
  shm::SharedState& shared_;
  shm::OwnCounters counters_;
  std::uint64_t there_is_;
  std::optional<os::MemoryUse> use_;
  base::TimePoint next_look_{};
  std::uint32_t transactions_ = 0;
};

}  // namespace sipwsd::net
