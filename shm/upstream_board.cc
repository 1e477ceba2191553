#include "shm/upstream_board.h"

#include <atomic>

namespace sipwsd::shm {

std::size_t UpstreamBoard::bytes_needed(const Limits& limits) { return Segment::carved_array<Row>(limits.workers); }

UpstreamBoard UpstreamBoard::construct(Segment& segment, const Limits& limits) {
  UpstreamBoard board;
  board.rows_ = segment.carve_array<Row>(limits.workers);
  return board;
}

void UpstreamBoard::write(WorkerSlot worker, std::size_t upstream, UpstreamState state) noexcept {
  if (number(worker) >= rows_.size() || upstream >= max_upstreams) return;
  std::atomic_ref(rows_[number(worker)][upstream]).store(static_cast<std::uint8_t>(state), std::memory_order_relaxed);
}

std::size_t UpstreamBoard::count(std::size_t upstream, UpstreamState state) const noexcept {
  if (upstream >= max_upstreams) return 0;
  std::size_t found = 0;
  for (Row& row : rows_)
    found += std::atomic_ref(row[upstream]).load(std::memory_order_relaxed) == static_cast<std::uint8_t>(state);
  return found;
}

}  // namespace sipwsd::shm
