#pragma once
// What all processes hold together (S43): the part that is common to them, and whether it is too much. What each holds
// alone is its gauge memory_private. Writers: any process, about once a second. Locks: none, single atomics. After a
// death: nothing to do, the gauge is forgotten with the others.

#include "shm/shm_safe.h"

#include <atomic>
#include <cstdint>

namespace sipwsd::shm {

class MemoryAccount {
 public:
  // Near the limit: nothing new is taken. Written by whoever added it up last.
  bool is_short() const noexcept { return std::atomic_ref(const_cast<std::uint32_t&>(is_short_)).load(std::memory_order_relaxed) != 0; }
  void set_short(bool is_short) noexcept {
    std::atomic_ref(is_short_).store(is_short ? 1 : 0, std::memory_order_relaxed);
  }

  // Pages of the segment that somebody has touched: each process sees only its own, so the most anybody saw. They are
  // never given back, so it only grows.
  std::uint64_t segment_bytes() const noexcept {
    return std::atomic_ref(const_cast<std::uint64_t&>(segment_bytes_)).load(std::memory_order_relaxed);
  }
  void saw_segment_bytes(std::uint64_t bytes) noexcept {
    std::atomic_ref most(segment_bytes_);
    std::uint64_t seen = most.load(std::memory_order_relaxed);
    while (seen < bytes && !most.compare_exchange_weak(seen, bytes, std::memory_order_relaxed)) {
    }
  }

 private:
  std::uint64_t segment_bytes_;
  std::uint32_t is_short_;
};
static_assert(ShmSafe<MemoryAccount>);

}  // namespace sipwsd::shm
