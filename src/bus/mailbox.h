#pragma once
// One process's mailbox: posts letters to others, and takes those that came, at most a budget of them a turn. A letter
// counts as handled before its handler runs: one that kills its reader is not read again. A full ring is an answer:
// whoever posts must be able to say "no" to somebody. Receivers are woken at the end of the sender's turn, once each: who
// is woken for the first of ten letters sleeps again before the tenth, and a sleep costs more than a letter.

#include "sipwsd/result.h"

#include "shm/counters.h"
#include "shm/mailbox_set.h"
#include "shm/process_slot.h"

#include "src/bus/letters.h"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace sipwsd::bus {

class Mailbox {
 public:
  // After the fork, once; goes on where a predecessor in this slot stopped.
  Mailbox(shm::MailboxSet& set, shm::ProcessSlot self, shm::OwnCounters counters = {});
  ~Mailbox() { wake_receivers(); }
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // Errc::full: that process does not keep up; Errc::too_large: no ring takes such a letter; Errc::not_found: no such
  // process. To itself is allowed: the letter comes in a later turn. wake_receivers() must follow before this one waits.
  [[nodiscard]] Result<void> post(shm::ProcessSlot to, const Letter& letter);
  // Wakes those who sleep of those who were written to since the last time.
  void wake_receivers() noexcept;
  // Somebody does not keep up with us: better bring in less for a moment than be told full.
  [[nodiscard]] bool is_congested() noexcept;

  // Takes up to `budget` letters, a few from each sender in turn, and calls handler(ProcessSlot from, const Letter&),
  // whose views end with the call. How many were taken: `budget` means there may be more.
  template <std::invocable<shm::ProcessSlot, const Letter&> Handler>
  std::size_t drain(std::size_t budget, Handler&& handler) {
    std::size_t taken = 0;
    while (taken < budget) {
      const auto letter = next();
      if (!letter) break;
      ++taken;
      handler(letter->from, letter->letter);
    }
    release();
    return taken;
  }

  // Around the wait of the event loop: `if (mailbox.fall_asleep()) wait; mailbox.wake_up();`. False: letters are there.
  [[nodiscard]] bool fall_asleep() noexcept { return set_.fall_asleep(self_); }
  void wake_up() noexcept { set_.wake_up(self_); }

  int event_fd() const noexcept { return set_.event_fd(self_); }
  bool has_letters() const noexcept { return set_.has_letters(self_); }
  std::size_t largest_letter() const noexcept;
  shm::ProcessSlot self() const noexcept { return self_; }

 private:
  struct Received {
    shm::ProcessSlot from;
    Letter letter;
  };
  std::optional<Received> next();  // skips what it cannot read
  void release() noexcept;

  static constexpr std::uint32_t in_a_row = 16;  // letters of one sender before the next has its turn

  shm::MailboxSet& set_;
  shm::ProcessSlot self_;
  shm::OwnCounters counters_;
  std::vector<shm::LetterRing> in_, out_;  // by the other process
  std::vector<shm::ProcessSlot> written_to_;  // each once
  std::vector<bool> is_written_to_;           // by the other process
  std::size_t current_ = 0;
  std::uint32_t taken_in_a_row_ = 0;
};

}  // namespace sipwsd::bus
