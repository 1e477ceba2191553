#include "shm/slab_pool.h"

#include "shm/kill_point.h"
#include "src/base/assert.h"

#include <algorithm>
#include <atomic>

namespace sipwsd::shm {
namespace {

enum class BlockState : std::uint32_t { free = 0, reserved = 1, used = 2 };
constexpr std::uint32_t claim_word(BlockState state, ProcessSlot holder) {
  return static_cast<std::uint32_t>(state) << 16 | (holder == ProcessSlot::none ? 0u : number(holder) + 1u);
}

// Most bindings fit 512 bytes, nearly all 1024; every binding may need the latter, few more.
std::uint32_t blocks_in(std::size_t size_class, const Limits& limits) {
  const std::uint32_t all = limits.bindings();
  switch (size_class) {
    case 0:
    case 1: return all;
    case 2: return std::max<std::uint32_t>(all / 8, 16);
    default: return std::max<std::uint32_t>(all / 32, 16);
  }
}

constexpr std::uint32_t class_shift = 30;
constexpr BlockIndex block_index(std::size_t size_class, std::uint32_t place) {
  return static_cast<BlockIndex>(static_cast<std::uint32_t>(size_class) << class_shift | (place + 1));
}
constexpr std::size_t class_of(BlockIndex block) { return static_cast<std::uint32_t>(block) >> class_shift; }
constexpr std::uint32_t place_of(BlockIndex block) {
  return (static_cast<std::uint32_t>(block) & ((1u << class_shift) - 1)) - 1;
}

}  // namespace

std::size_t SlabPool::bytes_needed(const Limits& limits) {
  std::size_t sum = 0;
  for (std::size_t c = 0; c < sizes.size(); ++c) {
    const std::uint32_t blocks = blocks_in(c, limits);
    sum += Segment::carved_array<std::uint32_t>(blocks) + FreeMap::bytes_needed(blocks) +
           Segment::carved(std::size_t{blocks} * sizes[c]);
  }
  return sum;
}

SlabPool SlabPool::construct(Segment& segment, const Limits& limits) {
  SlabPool pool;
  for (std::size_t c = 0; c < sizes.size(); ++c) {
    const std::uint32_t blocks = blocks_in(c, limits);
    pool.classes_[c].claims = segment.carve_array<std::uint32_t>(blocks);
    pool.classes_[c].free_map = FreeMap::construct(segment, blocks);
    pool.classes_[c].bytes = segment.carve(std::size_t{blocks} * sizes[c]);
  }
  return pool;
}

Result<BlockIndex> SlabPool::reserve(ProcessSlot holder, std::size_t size) noexcept {
  if (size > sizes.back()) return Errc::too_large;
  for (std::size_t c = 0; c < sizes.size(); ++c) {
    if (sizes[c] < size) continue;
    Class& blocks = classes_[c];
    const auto place = blocks.free_map.claim(
        [&](std::uint32_t at) {
          std::uint32_t free = 0;
          return std::atomic_ref(blocks.claims[at])
              .compare_exchange_strong(free, claim_word(BlockState::reserved, holder));
        },
        [&](std::uint32_t at) { return std::atomic_ref(blocks.claims[at]).load() == 0; });
    if (!place) continue;
    kill_point(KillPoint::block_reserved);
    return block_index(c, *place);
  }
  return Errc::full;
}

void SlabPool::release(BlockIndex block) noexcept {
  std::atomic_ref(claim(block)).store(0);
  kill_point(KillPoint::block_freed);
  classes_[class_of(block)].free_map.mark_free(place_of(block));
}

void SlabPool::keep(BlockIndex block) noexcept {
  std::atomic_ref(claim(block)).store(claim_word(BlockState::used, ProcessSlot::none));
}

void SlabPool::give_up(BlockIndex block, ProcessSlot holder) noexcept {
  std::atomic_ref(claim(block)).store(claim_word(BlockState::reserved, holder));
}

MutableBytes SlabPool::bytes(BlockIndex block) const noexcept {
  const std::size_t size = sizes[class_of(block)];
  return {classes_[class_of(block)].bytes + place_of(block) * size, size};
}

std::uint32_t SlabPool::release_of(ProcessSlot dead) noexcept {
  std::uint32_t released = 0;
  for (Class& blocks : classes_) {
    const std::uint32_t end = blocks.free_map.high_water();
    for (std::uint32_t place = 0; place < end; ++place) {
      const std::uint32_t seen = std::atomic_ref(blocks.claims[place]).load();
      if (seen == claim_word(BlockState::reserved, dead)) {
        std::atomic_ref(blocks.claims[place]).store(0);
        blocks.free_map.mark_free(place);
        ++released;
      } else if (seen == 0 && blocks.free_map.is_marked(place)) {
        blocks.free_map.mark_free(place);
      }
    }
  }
  return released;
}

std::uint32_t SlabPool::in_use() const noexcept {
  std::uint32_t count = 0;
  for (const Class& blocks : classes_) {
    const std::uint32_t end = blocks.free_map.high_water();
    for (std::uint32_t place = 0; place < end; ++place)
      if (std::atomic_ref(blocks.claims[place]).load() != 0) ++count;
  }
  return count;
}

std::uint32_t& SlabPool::claim(BlockIndex block) const noexcept {
  SIPWSD_ASSERT(block != BlockIndex::none && place_of(block) < classes_[class_of(block)].claims.size(),
                "a block's index comes from reserve()");
  return classes_[class_of(block)].claims[place_of(block)];
}

}  // namespace sipwsd::shm
