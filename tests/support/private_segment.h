#pragma once
// Shared memory of one test's own, with mailboxes that work inside one process: several "workers" of a test post letters
// to each other as the real ones do.

#include <sys/eventfd.h>

#include <stdexcept>
#include <utility>
#include <vector>

#include "shm/layout.h"
#include "src/os/fd.h"

namespace sipwsd::test {

inline shm::Limits small_limits() {
  shm::Limits limits;
  limits.max_connections = 256;
  limits.workers = 2;
  limits.processes = 4;  // two workers, a keepalive process, mi
  limits.max_bindings = 64;
  limits.letter_ring_bytes = 64 * 1024;
  limits.max_nonces = 512;
  limits.max_bans = 512;
  return limits;
}

class PrivateSegment {
 public:
  explicit PrivateSegment(const shm::Limits& limits = small_limits()) : shared_(make(limits)) {
    std::vector<int> numbers;
    for (int i = 0; i < limits.processes; ++i) {
      event_fds_.emplace_back(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
      numbers.push_back(event_fds_.back().raw());
    }
    shared_.mailboxes.use_event_fds(std::move(numbers));
  }

  shm::SharedState& operator*() noexcept { return shared_; }
  shm::SharedState* operator->() noexcept { return &shared_; }

 private:
  static shm::SharedState make(const shm::Limits& limits) {
    auto made = shm::create(limits);
    if (!made) throw std::runtime_error(made.error().why);
    return *std::move(made);
  }
  shm::SharedState shared_;
  std::vector<os::Fd> event_fds_;
};

}  // namespace sipwsd::test
