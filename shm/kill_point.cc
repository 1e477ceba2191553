#include "shm/kill_point.h"

#ifdef SIPWSD_KILL_POINTS

#include <csignal>
#include <cstdlib>
#include <unistd.h>

namespace sipwsd::shm {
namespace {

struct Armed {
  int point = 0;
  int left = 1;
};
Armed& armed() noexcept {
  static Armed state = [] {
    const char* from_outside = std::getenv("SIPWSD_KILL_POINT");
    return Armed{from_outside == nullptr ? 0 : std::atoi(from_outside), 1};
  }();
  return state;
}

}  // namespace

void arm_kill_point(KillPoint point, int times) noexcept { armed() = {static_cast<int>(point), times}; }

void pass_kill_point(KillPoint point) noexcept {
  Armed& state = armed();
  if (state.point != static_cast<int>(point) || --state.left > 0) return;
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

}  // namespace sipwsd::shm

#else

namespace sipwsd::shm {
void arm_kill_point(KillPoint, int) noexcept {}
}  // namespace sipwsd::shm

#endif
