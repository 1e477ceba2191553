#include "src/process/inherited.h"

#include "src/os/event_fd.h"

namespace sipwsd::process {

void Inherited::announce_ready() const noexcept {
  shared.processes.beat(slot, clock.now());
  shared.processes.mark_ready(slot);
  os::ring(supervisor_bell);
}

}  // namespace sipwsd::process
