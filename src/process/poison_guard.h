#pragma once
// After a worker's death: was it what somebody sent? Each death over an input is a heavy strike against its source; the
// same input a second time is a ban at once (S51), so that a crash that can be repeated costs its finder his access and
// nobody else more than two reconnects.

#include "shm/layout.h"
#include "shm/process_slot.h"
#include "src/base/clock.h"
#include "src/config/settings.h"

namespace sipwsd::process {

// In the reaper, before it sets shared memory right.
void accuse_last_input(const config::Settings& settings, shm::SharedState& shared, shm::ProcessSlot dead, base::TimePoint now);

}  // namespace sipwsd::process
