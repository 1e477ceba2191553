#include "shm/connection_ids.h"

#include <atomic>

namespace sipwsd::shm {

std::size_t ConnectionIds::bytes_needed(const Limits&) { return Segment::carved_array<std::uint64_t>(1); }

ConnectionIds ConnectionIds::construct(Segment& segment, const ConnectionTable& table) {
  ConnectionIds ids;
  ids.given_ = &segment.carve_one<std::uint64_t>();
  ids.table_ = table;
  return ids;
}

ConnectionId ConnectionIds::next() noexcept {
  for (;;) {
    const std::uint64_t n = std::atomic_ref(*given_).fetch_add(1, std::memory_order_relaxed);
    const auto id = static_cast<ConnectionId>(n % range + 1);
    // The table holds far fewer than `range`, so this ends after at most one more than it holds.
    if (n < range || !table_.contains(id)) return id;
  }
}

std::uint64_t ConnectionIds::given() const noexcept {
  return std::atomic_ref(*given_).load(std::memory_order_relaxed);
}

void ConnectionIds::continue_after(std::uint64_t count) noexcept {
  std::atomic_ref(*given_).store(count, std::memory_order_relaxed);
}

}  // namespace sipwsd::shm
