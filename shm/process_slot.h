#pragma once
// A process's place: its row in the process table and in the counters, its mailbox. Stays the same when the process in
// it is replaced. Slots 0 .. workers-1 are the workers (so a WorkerSlot is a ProcessSlot), then the other roles that
// receive letters; behind those two rows without a mailbox: the supervisor and the reaper.

#include "sipwsd/connection_id.h"

#include "shm/limits.h"

#include <cstdint>

namespace sipwsd::shm {

enum class ProcessSlot : std::uint16_t { none = 0xffff };
constexpr std::uint16_t number(ProcessSlot slot) noexcept { return static_cast<std::uint16_t>(slot); }

constexpr ProcessSlot process_slot(WorkerSlot worker) noexcept { return static_cast<ProcessSlot>(number(worker)); }
constexpr bool is_worker(ProcessSlot slot, const Limits& limits) noexcept { return number(slot) < limits.workers; }
// WorkerSlot::none for a process that owns no connections.
constexpr WorkerSlot worker_slot(ProcessSlot slot, const Limits& limits) noexcept {
  return is_worker(slot, limits) ? static_cast<WorkerSlot>(number(slot)) : WorkerSlot::none;
}

constexpr ProcessSlot supervisor_slot(const Limits& limits) noexcept {
  return static_cast<ProcessSlot>(limits.processes);
}
constexpr ProcessSlot reaper_slot(const Limits& limits) noexcept {
  return static_cast<ProcessSlot>(limits.processes + 1);
}
constexpr std::uint16_t process_rows(const Limits& limits) noexcept {
  return static_cast<std::uint16_t>(limits.processes + 2);
}

}  // namespace sipwsd::shm
