#pragma once
// The one piece of memory that all processes of a daemon share. It has no name in the file system: it is mapped before
// the first fork and inherited, so that nothing is left behind however the daemon ends, and the size of /dev/shm does
// not matter. Boost.Interprocess maps it and its allocator carves it; after seal() nobody allocates any more, because an
// allocator's lock dies with its holder (style 6.1).

#include "sipwsd/result.h"

#include "shm/shm_safe.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace sipwsd::shm {

class Segment {
 public:
  // Room for `bytes` of structures, plus what the carving costs. Errc::system when the memory can't be had: `why` says
  // how much was asked.
  [[nodiscard]] static Result<Segment> create(std::size_t bytes, std::uint64_t layout_hash);

  Segment(Segment&&) noexcept;
  Segment& operator=(Segment&&) noexcept;
  ~Segment();  // unmaps in this process only

  // Zeroed memory, aligned to a cache line; the pages are not touched. Throws std::bad_alloc when the layout was
  // counted wrongly (start-up only). Never after seal().
  std::byte* carve(std::size_t bytes);
  template <ShmSafe T>
  std::span<T> carve_array(std::size_t count) {
    return {reinterpret_cast<T*>(carve(count * sizeof(T))), count};
  }
  template <ShmSafe T>
  T& carve_one() {
    return *reinterpret_cast<T*>(carve(sizeof(T)));
  }
  void seal() noexcept;

  bool is_sealed() const noexcept;
  std::size_t bytes() const noexcept;         // mapped (virtual)
  std::size_t carved_bytes() const noexcept;
  const std::byte* address() const noexcept;
  // Magic, version and layout hash are still what create() wrote: false means somebody wrote over the segment.
  bool is_intact(std::uint64_t layout_hash) const noexcept;

  // What carve_array<T>(count) will take, for bytes_needed().
  static constexpr std::size_t carved(std::size_t bytes) noexcept { return (bytes + 63) / 64 * 64; }
  template <typename T>
  static constexpr std::size_t carved_array(std::size_t count) noexcept {
    return carved(count * sizeof(T));
  }

 private:
  struct State;
  explicit Segment(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sipwsd::shm
