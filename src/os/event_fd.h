#pragma once
// eventfd(2): a wake-up as a descriptor. The supervisor creates one per process before forking and keeps it, so a
// wake-up written while the reader is being replaced is found by the replacement.

#include "src/os/fd.h"

namespace sipwsd::os {

Result<Fd> make_event_fd();         // nonblocking
void ring(int event_fd) noexcept;   // any number of rings before the next take is one ring
bool take_rings(int event_fd) noexcept;  // true when it had been rung

}  // namespace sipwsd::os
