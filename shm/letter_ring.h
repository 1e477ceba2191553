#pragma once
// A ring of letters from one process to one other: a single producer, a single consumer, no lock to lose. A letter is
// contiguous and becomes visible by one release store of `tail`, so a producer killed in the middle leaves nothing.
// The consumer moves `taken` on *before* it handles the letter and `released` after: its replacement goes on at `taken`,
// so a letter that kills its reader cannot kill the next one too; and meanwhile the bytes stay where they are, uncopied.
// An empty ring starts again at its beginning, so that a ring which never backs up keeps only its first pages busy. Where
// it did stands in the head and not in the ring, so that the ring's whole room is there for a burst right after.
//
// Writers: `tail`, `restarted_at` and the bytes by the producer; `taken`, `released` by the consumer. Positions only grow.
// After a death: producer's replacement goes on at `tail`; consumer's at `taken`.

#include "sipwsd/bytes.h"
#include "sipwsd/result.h"

#include "shm/shm_safe.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace sipwsd::shm {

struct LetterRingHead {
  alignas(64) std::uint64_t tail;      // producer
  std::uint64_t most_bytes;            // producer: the fullest it ever was
  std::uint64_t restarted_at;          // producer: 1 + the position from which the empty ring began again; 0: never
  alignas(64) std::uint64_t taken;     // consumer
  std::uint64_t released;              // consumer
};
static_assert(ShmSafe<LetterRingHead> && sizeof(LetterRingHead) == 128);

// A process's handle on one end.
class LetterRing {
 public:
  LetterRing() = default;
  // `bytes` must be a power of two of at least 4096.
  LetterRing(LetterRingHead& head, std::span<std::byte> bytes) noexcept : head_(&head), bytes_(bytes) {}

  // --- producer ----------------------------------------------------------------------------------------------------
  // Room for one letter, to be written in place and then published. Errc::full when there is none now,
  // Errc::too_large when there never is. Reserving again without publishing forgets the first.
  [[nodiscard]] Result<MutableBytes> reserve(std::size_t size) noexcept;
  void publish() noexcept;
  // The consumer lags: soon there may be no room.
  [[nodiscard]] bool is_half_full() noexcept;

  // --- consumer ----------------------------------------------------------------------------------------------------
  // The next letter; valid until the next take() or release(). nullopt when the ring is empty.
  [[nodiscard]] std::optional<ByteView> take() noexcept;
  void release() noexcept;
  // A replacement calls this first: what the dead one had taken is gone.
  void resume() noexcept;

  bool is_empty() const noexcept;                 // nothing to take
  std::size_t most_bytes() const noexcept;        // high-water mark
  std::size_t largest_letter() const noexcept { return bytes_.size() / 2 - sizeof(std::uint64_t); }

 private:
  LetterRingHead* head_ = nullptr;
  std::span<std::byte> bytes_;
  std::uint64_t seen_released_ = 0;  // producer: all before this is free; it may only be more by now
  std::uint64_t reserved_to_ = 0;    // producer: the tail to publish
};

}  // namespace sipwsd::shm
