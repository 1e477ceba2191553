#pragma once
// What must be put right in shared memory after a process died, in order: the one-shot reaper calls this and exits,
// before the slot gets a new process. Every step may be repeated, so a reaper that is killed is simply run again.

#include "shm/binding_table.h"
#include "shm/layout.h"

#include <cstdint>

namespace sipwsd::shm {

struct ReapReport {
  std::uint32_t connections_lost = 0;   // wait for their adopter now
  std::uint32_t bindings_dropped = 0;
  std::uint32_t reservations_freed = 0; // what it was just filling
};

// `adopter`: the worker that will retire the dead one's connections: its own slot, or another while it is throttled.
// Ignored unless `dead` is a worker's slot. Wakes every sleeping process at the end: a letter may lie there unannounced.
ReapReport reap(SharedState& shared, ProcessSlot dead, WorkerSlot adopter, FlowLoss loss);

}  // namespace sipwsd::shm
