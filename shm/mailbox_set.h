#pragma once
// All rings, by (from, to), and how a consumer is woken: an eventfd per process, made by the supervisor and inherited.
// It is written only when the consumer said that it sleeps, and never read: an edge-triggered epoll reports each write
// once, whatever was written before.
//
// No wake-up is lost: the consumer announces sleep, then looks at its rings again; the producer publishes, then looks
// for the announcement; a sequentially consistent fence stands between the two steps on either side (Dekker). The
// announcement is an odd epoch, so that a producer which is late cannot take back the *next* announcement.
// After a death: a producer killed between publishing and waking leaves a letter unseen until the consumer's next turn:
// the supervisor calls wake_all() after every death.

#include "sipwsd/result.h"

#include "shm/letter_ring.h"
#include "shm/limits.h"
#include "shm/process_slot.h"
#include "shm/segment.h"

#include <cstdint>
#include <span>
#include <vector>

namespace sipwsd::shm {

class MailboxSet {
 public:
  static std::size_t bytes_needed(const Limits& limits);
  static MailboxSet construct(Segment& segment, const Limits& limits);

  // One per process slot, in slot order, non-blocking; they stay the caller's. Before the first fork.
  void use_event_fds(std::vector<int> event_fds) { event_fds_ = std::move(event_fds); }
  std::span<const int> event_fds() const noexcept { return event_fds_; }
  int event_fd(ProcessSlot slot) const noexcept;

  LetterRing ring(ProcessSlot from, ProcessSlot to) const noexcept;

  // --- producer, after publishing ------------------------------------------------------------------------------------
  // Writes the eventfd if, and only if, `to` sleeps; whether it did.
  bool wake_if_asleep(ProcessSlot to) noexcept;
  void wake(ProcessSlot to) noexcept;  // in any case
  void wake_all() noexcept;

  // --- consumer ------------------------------------------------------------------------------------------------------
  // Just before it waits. False: there are letters, don't wait (and it is not announced as asleep).
  [[nodiscard]] bool fall_asleep(ProcessSlot self) noexcept;
  void wake_up(ProcessSlot self) noexcept;  // after it waited, for whatever reason
  bool has_letters(ProcessSlot self) const noexcept;

  std::uint16_t processes() const noexcept { return processes_; }
  bool is_asleep(ProcessSlot slot) const noexcept;

 private:
  struct alignas(64) Sleep {
    std::uint32_t epoch;  // odd: asleep
  };
  Sleep* sleep_ = nullptr;
  LetterRingHead* heads_ = nullptr;  // [to][from], so that a consumer's are together
  std::byte* bytes_ = nullptr;
  std::uint32_t ring_bytes_ = 0;
  std::uint16_t processes_ = 0;
  std::vector<int> event_fds_;
};

}  // namespace sipwsd::shm
