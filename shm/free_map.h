#pragma once
// Finds a place that is probably free in an array whose elements carry their own claim. One bit an element; the bits are
// only a hint, the element's claim word is the truth: a bit that is wrongly clear costs one failed claim and is set
// again, a bit that is wrongly set (its owner died between freeing the element and clearing the bit) is cleared by the
// reaper. So there is no lock to lose.
// Writers: everyone, atomically. Lowest places are preferred, which keeps the used pages together.

#include "shm/segment.h"

#include <cstdint>
#include <optional>
#include <span>

namespace sipwsd::shm {

class FreeMap {
 public:
  static std::size_t bytes_needed(std::uint32_t places);
  static FreeMap construct(Segment& segment, std::uint32_t places);

  // A place whose bit is clear; nullopt when every bit is set.
  std::optional<std::uint32_t> candidate() const noexcept;
  // Before the claim: so that everyone who scans [0, high_water) sees the claimed element.
  void raise_high_water(std::uint32_t place) noexcept;
  void mark_taken(std::uint32_t place) noexcept;
  void mark_free(std::uint32_t place) noexcept;

  bool is_marked(std::uint32_t place) const noexcept;
  std::uint32_t high_water() const noexcept;  // no place at or above it was ever claimed
  std::uint32_t places() const noexcept { return places_; }

 private:
  struct Header {
    std::uint32_t hint;  // the word to start looking at
    std::uint32_t high_water;
  };
  Header* header_ = nullptr;
  std::span<std::uint64_t> words_;
  std::uint32_t places_ = 0;
};

}  // namespace sipwsd::shm
