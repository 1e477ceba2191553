#pragma once
// The one-shot process after a death: enters every stripe once, which repairs those whose lock holder died, marks the
// dead worker's records as lost, suspends its bindings, frees what it had reserved; and exits. Only then the slot gets a
// new process. It may be killed at any line and is run again: every step may be repeated.

#include "shm/layout.h"
#include "shm/process_slot.h"

namespace sipwsd::process {

// The exit code. `adopter`: who retires the lost records; ignored when `dead` was no worker. `loss`: what becomes of the
// bindings over the connections that were lost with it.
int run_reaper(shm::SharedState& shared, shm::ProcessSlot dead, WorkerSlot adopter, shm::FlowLoss loss);

}  // namespace sipwsd::process
