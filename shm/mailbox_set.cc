#include "shm/mailbox_set.h"

#include "shm/kill_point.h"
#include "src/base/assert.h"

#include <atomic>
#include <bit>
#include <cerrno>
#include <unistd.h>

namespace sipwsd::shm {
namespace {

std::uint32_t ring_bytes(const Limits& limits) { return std::bit_ceil(limits.letter_ring_bytes); }
std::size_t ring_count(const Limits& limits) { return std::size_t{limits.processes} * limits.processes; }

}  // namespace

std::size_t MailboxSet::bytes_needed(const Limits& limits) {
  return Segment::carved_array<Sleep>(limits.processes) + Segment::carved_array<LetterRingHead>(ring_count(limits)) +
         Segment::carved(ring_count(limits) * ring_bytes(limits));
}

MailboxSet MailboxSet::construct(Segment& segment, const Limits& limits) {
  MailboxSet set;
  set.processes_ = limits.processes;
  set.ring_bytes_ = ring_bytes(limits);
  set.sleep_ = segment.carve_array<Sleep>(limits.processes).data();
  set.heads_ = segment.carve_array<LetterRingHead>(ring_count(limits)).data();
  set.bytes_ = segment.carve(ring_count(limits) * ring_bytes(limits));
  return set;
}

int MailboxSet::event_fd(ProcessSlot slot) const noexcept {
  SIPWSD_ASSERT(number(slot) < event_fds_.size(), "the supervisor made an eventfd for every process with a mailbox");
  return event_fds_[number(slot)];
}

LetterRing MailboxSet::ring(ProcessSlot from, ProcessSlot to) const noexcept {
  SIPWSD_ASSERT(number(from) < processes_ && number(to) < processes_, "only processes with a mailbox have rings");
  const std::size_t at = std::size_t{number(to)} * processes_ + number(from);
  return LetterRing{heads_[at], {bytes_ + at * ring_bytes_, ring_bytes_}};
}

// --- producer ----------------------------------------------------------------------------------------------------------

bool MailboxSet::wake_if_asleep(ProcessSlot to) noexcept {
  std::atomic_thread_fence(std::memory_order_seq_cst);  // between publishing and this look; see fall_asleep()
  if (!is_asleep(to)) return false;
  wake(to);
  return true;
}

void MailboxSet::wake(ProcessSlot to) noexcept {
  std::atomic_ref announced(sleep_[number(to)].epoch);
  std::uint32_t epoch = announced.load(std::memory_order_relaxed);
  kill_point(KillPoint::wake_decided);
  const std::uint64_t one = 1;  // 2^64 of them fit
  while (::write(event_fd(to), &one, sizeof one) < 0 && errno == EINTR) {
  }
  kill_point(KillPoint::wake_written);
  // Only now, and only the announcement that was seen: others need not write again.
  if ((epoch & 1) != 0) announced.compare_exchange_strong(epoch, epoch + 1);
}

void MailboxSet::wake_all() noexcept {
  for (std::size_t slot = 0; slot < event_fds_.size(); ++slot) wake(static_cast<ProcessSlot>(slot));
}

// --- consumer ----------------------------------------------------------------------------------------------------------

bool MailboxSet::fall_asleep(ProcessSlot self) noexcept {
  std::atomic_ref epoch(sleep_[number(self)].epoch);
  std::uint32_t seen = epoch.load(std::memory_order_relaxed);
  // The next odd number, also when a predecessor died asleep: a producer that still looks at its announcement must not
  // take back ours.
  std::uint32_t announced = 0;
  do {
    announced = (seen | 1) + ((seen & 1) != 0 ? 2 : 0);
  } while (!epoch.compare_exchange_weak(seen, announced));
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!has_letters(self)) return true;
  epoch.compare_exchange_strong(announced, announced + 1);
  return false;
}

void MailboxSet::wake_up(ProcessSlot self) noexcept {
  std::atomic_ref epoch(sleep_[number(self)].epoch);
  std::uint32_t seen = epoch.load(std::memory_order_relaxed);
  if ((seen & 1) != 0) epoch.compare_exchange_strong(seen, seen + 1);
}

bool MailboxSet::has_letters(ProcessSlot self) const noexcept {
  const LetterRingHead* heads = &heads_[std::size_t{number(self)} * processes_];
  for (std::uint16_t from = 0; from < processes_; ++from) {
    auto& head = const_cast<LetterRingHead&>(heads[from]);
    if (std::atomic_ref(head.taken).load(std::memory_order_relaxed) !=
        std::atomic_ref(head.tail).load(std::memory_order_acquire))
      return true;
  }
  return false;
}

bool MailboxSet::is_asleep(ProcessSlot slot) const noexcept {
  return (std::atomic_ref(sleep_[number(slot)].epoch).load(std::memory_order_relaxed) & 1) != 0;
}

}  // namespace sipwsd::shm
