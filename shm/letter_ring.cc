#include "shm/letter_ring.h"

#include "shm/kill_point.h"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace sipwsd::shm {
namespace {

// Each letter stands behind its length, 8-aligned. This "length" means: go on at the beginning of the ring.
constexpr std::uint64_t skip_to_start = ~std::uint64_t{0};
constexpr std::uint64_t length_bytes = sizeof(std::uint64_t);
// An empty ring starts again at its beginning when it has come this far: eight pages stay hot instead of the whole ring.
constexpr std::uint64_t restart_after = 32 * 1024;

constexpr std::uint64_t room_for(std::uint64_t size) { return length_bytes + (size + 7) / 8 * 8; }

std::uint64_t load(std::uint64_t& position, std::memory_order order) { return std::atomic_ref(position).load(order); }
void store(std::uint64_t& position, std::uint64_t value, std::memory_order order) {
  std::atomic_ref(position).store(value, order);
}

}  // namespace

Result<MutableBytes> LetterRing::reserve(std::size_t size) noexcept {
  if (size > largest_letter()) return Errc::too_large;
  const std::uint64_t capacity = bytes_.size();
  const std::uint64_t tail = load(head_->tail, std::memory_order_relaxed);
  const std::uint64_t offset = tail & (capacity - 1);
  const std::uint64_t to_end = capacity - offset;
  const std::uint64_t need = room_for(size);

  const auto look_again = [&] {
    seen_released_ = std::max(seen_released_, load(head_->released, std::memory_order_acquire));
  };
  bool restarts = false;
  if (offset >= restart_after) {
    look_again();
    restarts = seen_released_ >= tail;  // more: it was said already, by a reservation that was never published
  }
  const bool wraps = !restarts && need > to_end;
  const std::uint64_t from = restarts || wraps ? tail + to_end : tail;
  if (restarts) seen_released_ = from;  // nothing lives in the ring: what is passed over is free already
  if (from + need - seen_released_ > capacity) {
    look_again();
    if (from + need - seen_released_ > capacity) return Errc::full;
  }
  // Also takes back what a producer said that died, or thought again, before it published.
  const std::uint64_t restarted_at = restarts ? tail + 1 : 0;
  if (restarts || load(head_->restarted_at, std::memory_order_relaxed) == tail + 1)
    store(head_->restarted_at, restarted_at, std::memory_order_relaxed);
  if (wraps) std::memcpy(&bytes_[offset], &skip_to_start, length_bytes);
  kill_point(KillPoint::ring_wrapped);
  std::byte* at = &bytes_[from & (capacity - 1)];
  const std::uint64_t length = size;
  std::memcpy(at, &length, length_bytes);
  reserved_to_ = from + need;
  return MutableBytes{at + length_bytes, size};
}

bool LetterRing::is_half_full() noexcept {
  const std::uint64_t tail = load(head_->tail, std::memory_order_relaxed);
  if (tail <= seen_released_ + bytes_.size() / 2) return false;  // the consumer's word is looked at only when it matters
  seen_released_ = std::max(seen_released_, load(head_->released, std::memory_order_acquire));
  return tail > seen_released_ + bytes_.size() / 2;
}

void LetterRing::publish() noexcept {
  kill_point(KillPoint::ring_written);
  store(head_->tail, reserved_to_, std::memory_order_release);
  kill_point(KillPoint::ring_published);
  if (const std::uint64_t fill = reserved_to_ - seen_released_; fill > load(head_->most_bytes, std::memory_order_relaxed))
    store(head_->most_bytes, fill, std::memory_order_relaxed);
}

std::optional<ByteView> LetterRing::take() noexcept {
  const std::uint64_t capacity = bytes_.size();
  std::uint64_t taken = load(head_->taken, std::memory_order_relaxed);
  release();
  const std::uint64_t tail = load(head_->tail, std::memory_order_acquire);
  if (taken == tail) return std::nullopt;

  const auto go_to_start = [&] { taken += capacity - (taken & (capacity - 1)); };
  if (load(head_->restarted_at, std::memory_order_relaxed) == taken + 1) go_to_start();
  std::uint64_t length = 0;
  std::memcpy(&length, &bytes_[taken & (capacity - 1)], length_bytes);
  if (length == skip_to_start) {
    go_to_start();
    std::memcpy(&length, &bytes_[0], length_bytes);
  }
  // Only a producer that writes wild could cause this; what it left is given up, so that its damage ends here.
  if (length > largest_letter() || taken + room_for(length) > tail) {
    store(head_->taken, tail, std::memory_order_release);
    release();
    return std::nullopt;
  }
  store(head_->taken, taken + room_for(length), std::memory_order_release);
  kill_point(KillPoint::ring_taken);
  return ByteView{bytes_.data() + (taken & (capacity - 1)) + length_bytes, static_cast<std::size_t>(length)};
}

void LetterRing::release() noexcept {
  const std::uint64_t taken = load(head_->taken, std::memory_order_relaxed);
  if (load(head_->released, std::memory_order_relaxed) == taken) return;
  store(head_->released, taken, std::memory_order_release);
  kill_point(KillPoint::ring_released);
}

void LetterRing::resume() noexcept { release(); }

bool LetterRing::is_empty() const noexcept {
  return load(head_->taken, std::memory_order_relaxed) == load(head_->tail, std::memory_order_acquire);
}

std::size_t LetterRing::most_bytes() const noexcept { return load(head_->most_bytes, std::memory_order_relaxed); }

}  // namespace sipwsd::shm
