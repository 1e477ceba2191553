#pragma once
// Connects a process's mailbox with its loop: letters are drained once a turn with a budget, those who were written to are
// woken at its end, and the eventfd interrupts the wait of a loop that said it sleeps.

#include <functional>

#include "src/bus/mailbox.h"
#include "src/os/event_loop.h"

namespace sipwsd::process {

class MailboxPump final : private os::SleepHook, private os::Watcher {
 public:
  using OnLetter = std::function<void(shm::ProcessSlot from, const bus::Letter& letter)>;
  static constexpr std::size_t letters_a_turn = 256;

  // Throws std::runtime_error (start-up).
  MailboxPump(os::EventLoop& loop, bus::Mailbox& mailbox, OnLetter on_letter);
  ~MailboxPump();
  MailboxPump(const MailboxPump&) = delete;
  MailboxPump& operator=(const MailboxPump&) = delete;

 private:
  bool may_sleep() noexcept override;
  void woke() override;
  void turn_ended() noexcept override { mailbox_.wake_receivers(); }
  void on_ready(std::uint32_t) override {}  // woke() has emptied the rings

  os::EventLoop& loop_;
  bus::Mailbox& mailbox_;
  OnLetter on_letter_;
  bool brought_letters_ = false;  // the last turn
};

}  // namespace sipwsd::process
