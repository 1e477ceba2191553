#pragma once
// A lock in shared memory that survives its holder. When the holder was killed, the next taker is told so, repairs what
// the lock protects and marks it consistent; everybody else never notices. Boost 1.81's interprocess mutex cannot do
// that: on EOWNERDEAD it unlocks without pthread_mutex_consistent, which makes the lock unusable for good.
// Writers: whoever holds it. After a death: Taken::after_death, and again if the repairer dies too.

#include "shm/shm_safe.h"

#include <pthread.h>

namespace sipwsd::shm {

class RobustMutex {
 public:
  enum class Taken { clean, after_death };

  // Once, before the first fork; there is no constructor because the object is carved, not built.
  void init() noexcept;

  [[nodiscard]] Taken lock() noexcept;
  void mark_consistent() noexcept;
  void unlock() noexcept;

 private:
  pthread_mutex_t mutex_;
};
static_assert(ShmSafe<RobustMutex>);

}  // namespace sipwsd::shm
