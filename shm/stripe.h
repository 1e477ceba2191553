#pragma once
// A stripe: one lock for a share of a table. StripeLock is the only way to enter it; it repairs on entry what a killed
// holder left behind. Under it: no system call, no callback, no second lock, no allocation, bounded work.

#include "shm/robust_mutex.h"

#include <atomic>
#include <cstdint>

namespace sipwsd::shm {

struct StripeHead {
  RobustMutex mutex;
  std::uint32_t repairs;  // how often a taker found a dead holder; written under the lock, read by anyone
};
static_assert(ShmSafe<StripeHead>);

class StripeLock {
 public:
  // `repair()` rebuilds the stripe's index from its truth; it must be safe to run again if its own process is killed.
  template <typename Repair>
  StripeLock(StripeHead& stripe, Repair&& repair) : stripe_(stripe) {
    if (stripe_.mutex.lock() == RobustMutex::Taken::after_death) {
      repair();
      std::atomic_ref(stripe_.repairs).fetch_add(1, std::memory_order_relaxed);
      stripe_.mutex.mark_consistent();
    }
  }
  ~StripeLock() { stripe_.mutex.unlock(); }
  StripeLock(const StripeLock&) = delete;
  StripeLock& operator=(const StripeLock&) = delete;

 private:
  StripeHead& stripe_;
};

constexpr std::uint32_t stripe_count = 64;

}  // namespace sipwsd::shm
