#pragma once
// Finds a place that is probably free in an array whose elements carry their own claim. One bit an element; the bits are
// only a hint, the element's claim word is the truth: a bit that is wrongly clear costs one failed claim and is set
// again, a bit that is wrongly set (its owner died between freeing the element and clearing the bit) is cleared by the
// reaper. So there is no lock to lose.
// Writers: everyone, atomically. Lowest places are preferred, which keeps the used pages together.
// Claim words and bits are read and written sequentially consistent: "bit set, then claim looked at" on one side and
// "claim freed, then bit cleared" on the other must not both miss each other, or a free place would stay marked.

#include "shm/segment.h"

#include <cstdint>
#include <optional>
#include <span>

namespace sipwsd::shm {

class FreeMap {
 public:
  static std::size_t bytes_needed(std::uint32_t places);
  static FreeMap construct(Segment& segment, std::uint32_t places);

  // try_claim(place): the compare-and-swap on the element. is_free(place): its claim word, now. nullopt: all are taken.
  template <typename TryClaim, typename IsFree>
  std::optional<std::uint32_t> claim(TryClaim try_claim, IsFree is_free) noexcept {
    while (const auto place = candidate()) {
      raise_high_water(*place);
      const bool is_mine = try_claim(*place);
      mark_taken(*place);
      if (is_mine) return place;
      if (is_free(*place)) mark_free(*place);  // given back between the two: whoever did has cleared the bit too early
    }
    return std::nullopt;
  }
  // The element has been freed already.
  void mark_free(std::uint32_t place) noexcept;

  bool is_marked(std::uint32_t place) const noexcept;
  std::uint32_t high_water() const noexcept;  // no place at or above it was ever claimed
  std::uint32_t places() const noexcept { return places_; }

 private:
  // A place whose bit is clear; nullopt when every bit is set.
  std::optional<std::uint32_t> candidate() const noexcept;
  // Before the claim: so that everyone who scans [0, high_water) sees the claimed element.
  void raise_high_water(std::uint32_t place) noexcept;
  void mark_taken(std::uint32_t place) noexcept;

  struct Header {
    std::uint32_t hint;  // the word to start looking at
    std::uint32_t high_water;
  };
  Header* header_ = nullptr;
  std::span<std::uint64_t> words_;
  std::uint32_t places_ = 0;
};

}  // namespace sipwsd::shm
