#include "src/process/inherited.h"

#include "src/os/event_fd.h"

namespace sipwsd::process {

void Inherited::announce_ready() const noexcept {
  shared.processes.beat(slot, clock.now());
  shared.processes.set_config_version(slot, configuration.version());
  shared.processes.mark_ready(slot);
  os::ring(supervisor_bell);
}

void Inherited::announce_configuration() const noexcept {
  shared.processes.set_config_version(slot, configuration.version());
  os::ring(supervisor_bell);
}

}  // namespace sipwsd::process
