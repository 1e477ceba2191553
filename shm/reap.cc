#include "shm/reap.h"

namespace sipwsd::shm {

ReapReport reap(SharedState& shared, ProcessSlot dead, WorkerSlot adopter, FlowLoss loss) {
  const ProcessSlot self = reaper_slot(shared.limits);
  const WorkerSlot dead_worker = worker_slot(dead, shared.limits);
  ReapReport report;
  // Half-done changes are completed before what they hold is judged by its holder.
  shared.bindings.repair_stripes();
  if (dead_worker != WorkerSlot::none) {
    // Bindings first: when the adopter runs the closed event, nobody can be sent to the lost connection any more.
    report.bindings_dropped = static_cast<std::uint32_t>(shared.bindings.drop_owner(self, dead_worker, loss));
    shared.addresses.forget_worker(dead_worker);
    report.connections_lost = shared.connections.mark_lost(dead_worker, adopter);
    auto counters = shared.counters.row(self);
    counters.add(Counter::bindings_dropped, report.bindings_dropped);
    counters.add(Counter::connections_lost, report.connections_lost);
  } else {
    shared.connections.repair_stripes();
  }
  report.reservations_freed = shared.bindings.release_of(dead) + shared.bindings.release_of(self);
  shared.counters.forget_gauges(dead);
  shared.mailboxes.wake_all();
  return report;
}

}  // namespace sipwsd::shm
