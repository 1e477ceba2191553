#include "src/os/event_fd.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace sipwsd::os {

Result<Fd> make_event_fd() {
  Fd fd{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!fd.is_open()) return system_error("cannot create an eventfd");
  return fd;
}

void ring(int event_fd) noexcept {
  const std::uint64_t one = 1;
  // EAGAIN: the counter is at its end, so it is readable already.
  [[maybe_unused]] const auto written = write(event_fd, &one, sizeof one);
}

bool take_rings(int event_fd) noexcept {
  std::uint64_t count = 0;
  return read(event_fd, &count, sizeof count) == sizeof count;
}

}  // namespace sipwsd::os
