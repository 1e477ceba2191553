#include "shm/robust_mutex.h"

#include "src/base/assert.h"

#include <cerrno>

namespace sipwsd::shm {

void RobustMutex::init() noexcept {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  const int failed = pthread_mutex_init(&mutex_, &attributes);
  pthread_mutexattr_destroy(&attributes);
  SIPWSD_ASSERT(failed == 0, "robust process-shared mutexes exist on this system");
}

RobustMutex::Taken RobustMutex::lock() noexcept {
  const int result = pthread_mutex_lock(&mutex_);
  if (result == 0) return Taken::clean;
  // ENOTRECOVERABLE would mean that somebody unlocked without mark_consistent(): StripeLock never does.
  SIPWSD_ASSERT(result == EOWNERDEAD, "a stripe's lock can always be taken");
  return Taken::after_death;
}

void RobustMutex::mark_consistent() noexcept {
  const int failed = pthread_mutex_consistent(&mutex_);
  SIPWSD_ASSERT(failed == 0, "only the taker after a death marks a lock consistent");
}

void RobustMutex::unlock() noexcept {
  const int failed = pthread_mutex_unlock(&mutex_);
  SIPWSD_ASSERT(failed == 0, "only the holder unlocks");
}

}  // namespace sipwsd::shm
