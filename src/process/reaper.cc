#include "src/process/reaper.h"

#include "shm/reap.h"
#include "src/base/log.h"

namespace sipwsd::process {

int run_reaper(shm::SharedState& shared, shm::ProcessSlot dead, WorkerSlot adopter, shm::FlowLoss loss) {
  const shm::ReapReport report = shm::reap(shared, dead, adopter, loss);
  if (report.connections_lost + report.bindings_dropped + report.reservations_freed != 0)
    log::notice("of process {}: {} connections lost, {} bindings {}, {} reservations freed", number(dead),
                report.connections_lost, report.bindings_dropped, loss.removes() ? "removed" : "suspended", report.reservations_freed);
  return 0;
}

}  // namespace sipwsd::process
