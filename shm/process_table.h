#pragma once
// Who is there: one row per process slot, for the supervisor's watch over heartbeats and for MI's `ps`.
//
// Writers: the supervisor, except `heartbeat`, `config_version` and the step starting -> ready, which are the process's own.
// Locks:   none; single words, each with one writer at a time. A title is written before the pid is.
// After a death: the supervisor says so itself; its private copy of the pids is its truth.

#include "src/base/clock.h"

#include "shm/limits.h"
#include "shm/process_slot.h"
#include "shm/segment.h"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sipwsd::shm {

enum class ProcessState : std::uint8_t {
  empty = 0,  // nobody has ever been here
  starting,
  ready,
  draining,
  reaping,    // died; the reaper is at work
  throttled,  // died too often; waits
  ended,      // left in good order
};
std::string_view name(ProcessState state) noexcept;

struct ProcessExit {
  std::int64_t unix_seconds = 0;
  std::int32_t wait_status = 0;  // as from waitpid
};

struct ProcessView {
  ProcessSlot slot = ProcessSlot::none;
  std::int32_t pid = 0;
  std::uint32_t generation = 0;  // 1 for the first process in the slot
  ProcessState state = ProcessState::empty;
  std::int64_t heartbeat_ms = 0;  // monotonic
  std::int64_t started_unix = 0;
  std::uint32_t deaths = 0;       // exits that were not asked for
  std::uint32_t config_version = 0;  // which configuration it runs with
  std::array<ProcessExit, 8> exits{};  // newest first; unix_seconds 0: none
  std::string title;              // "worker 3"
};

class ProcessTable {
 public:
  static std::size_t bytes_needed(const Limits& limits);
  static ProcessTable construct(Segment& segment, const Limits& limits);

  // --- the supervisor ------------------------------------------------------------------------------------------------
  // The slot has a new process (to be called before it is forked, with pid 0, or right after): generation + 1.
  std::uint32_t begin(ProcessSlot slot, std::string_view title, base::TimePoint now, std::int64_t unix_seconds) noexcept;
  void set_pid(ProcessSlot slot, std::int32_t pid) noexcept;
  void set_state(ProcessSlot slot, ProcessState state) noexcept;
  void record_exit(ProcessSlot slot, std::int32_t wait_status, std::int64_t unix_seconds, bool was_death) noexcept;

  // --- the process itself --------------------------------------------------------------------------------------------
  void mark_ready(ProcessSlot self) noexcept;
  void beat(ProcessSlot self, base::TimePoint now) noexcept;
  void set_config_version(ProcessSlot self, std::uint32_t version) noexcept;

  // --- anybody -------------------------------------------------------------------------------------------------------
  ProcessView read(ProcessSlot slot) const;
  ProcessState state(ProcessSlot slot) const noexcept;
  std::int32_t pid(ProcessSlot slot) const noexcept;
  std::uint32_t generation(ProcessSlot slot) const noexcept;
  std::uint32_t config_version(ProcessSlot slot) const noexcept;
  std::chrono::milliseconds since_heartbeat(ProcessSlot slot, base::TimePoint now) const noexcept;
  std::uint16_t rows() const noexcept { return static_cast<std::uint16_t>(rows_.size()); }

 private:
  struct Row;
  Row& row(ProcessSlot slot) const noexcept;
  std::span<Row> rows_;
};

}  // namespace sipwsd::shm
