#pragma once
// Blocks of memory for things of varying size: four size classes, carved beforehand. A block is free, reserved by a
// process (which is filling it or about to give it back), or used by a table entry that names it.
//
// Writers: the claim word of a block: everyone, by compare-and-swap from free; then its holder. The bytes: the holder
//          while reserved; nobody while used.
// Locks:   none. After a death: release_of(slot) frees what the dead process had reserved; used blocks belong to the
//          table, which knows how to redo or undo a half-done change.

#include "sipwsd/bytes.h"
#include "sipwsd/result.h"

#include "shm/free_map.h"
#include "shm/limits.h"
#include "shm/process_slot.h"
#include "shm/segment.h"

#include <array>
#include <cstdint>
#include <span>

namespace sipwsd::shm {

// Class and place in one number; 0 is no block.
enum class BlockIndex : std::uint32_t { none = 0 };

class SlabPool {
 public:
  static constexpr std::array<std::uint32_t, 4> sizes{512, 1024, 2048, 4096};

  static std::size_t bytes_needed(const Limits& limits);
  static SlabPool construct(Segment& segment, const Limits& limits);

  // The smallest free block of at least `size` bytes. Errc::too_large above the largest class; Errc::full.
  [[nodiscard]] Result<BlockIndex> reserve(ProcessSlot holder, std::size_t size) noexcept;
  void release(BlockIndex block) noexcept;           // reserved -> free
  // Both may be repeated, by whoever finishes the work of a dead process.
  void keep(BlockIndex block) noexcept;              // reserved -> used
  void give_up(BlockIndex block, ProcessSlot holder) noexcept;  // used -> reserved by `holder`, to be released

  MutableBytes bytes(BlockIndex block) const noexcept;
  std::uint32_t release_of(ProcessSlot dead) noexcept;  // how many
  std::uint32_t in_use() const noexcept;                // reserved and used; walks the claims

 private:
  struct Class {
    std::span<std::uint32_t> claims;  // state << 16 | holder + 1
    std::byte* bytes = nullptr;
    FreeMap free_map;
  };
  std::uint32_t& claim(BlockIndex block) const noexcept;
  std::array<Class, 4> classes_;
};

}  // namespace sipwsd::shm
