#include "shm/free_map.h"

#include <atomic>
#include <bit>

namespace sipwsd::shm {
namespace {
constexpr std::uint32_t words_for(std::uint32_t places) { return (places + 63) / 64; }
}  // namespace

std::size_t FreeMap::bytes_needed(std::uint32_t places) {
  return Segment::carved_array<Header>(1) + Segment::carved_array<std::uint64_t>(words_for(places));
}

FreeMap FreeMap::construct(Segment& segment, std::uint32_t places) {
  FreeMap map;
  map.header_ = &segment.carve_one<Header>();
  map.words_ = segment.carve_array<std::uint64_t>(words_for(places));
  map.places_ = places;
  // Bits behind the last place can never be free.
  if (places % 64 != 0) map.words_.back() = ~std::uint64_t{0} << (places % 64);
  return map;
}

std::optional<std::uint32_t> FreeMap::candidate() const noexcept {
  const auto count = static_cast<std::uint32_t>(words_.size());
  const std::uint32_t start = std::atomic_ref(header_->hint).load(std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t at = (start + i) % count;
    const std::uint64_t free = ~std::atomic_ref(words_[at]).load();
    if (free == 0) continue;
    if (i != 0) std::atomic_ref(header_->hint).store(at, std::memory_order_relaxed);
    return at * 64 + static_cast<std::uint32_t>(std::countr_zero(free));
  }
  return std::nullopt;
}

void FreeMap::raise_high_water(std::uint32_t place) noexcept {
  std::atomic_ref mark(header_->high_water);
  std::uint32_t seen = mark.load();
  while (seen <= place && !mark.compare_exchange_weak(seen, place + 1)) {
  }
}

void FreeMap::mark_taken(std::uint32_t place) noexcept {
  std::atomic_ref(words_[place / 64]).fetch_or(std::uint64_t{1} << (place % 64));
}

void FreeMap::mark_free(std::uint32_t place) noexcept {
  std::atomic_ref(words_[place / 64]).fetch_and(~(std::uint64_t{1} << (place % 64)));
  std::atomic_ref hint(header_->hint);
  if (place / 64 < hint.load(std::memory_order_relaxed)) hint.store(place / 64, std::memory_order_relaxed);
}

bool FreeMap::is_marked(std::uint32_t place) const noexcept {
  return (std::atomic_ref(words_[place / 64]).load() >> (place % 64) & 1) != 0;
}

std::uint32_t FreeMap::high_water() const noexcept { return std::atomic_ref(header_->high_water).load(); }

}  // namespace sipwsd::shm
