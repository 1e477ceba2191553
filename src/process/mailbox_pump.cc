#include "src/process/mailbox_pump.h"

#include <sched.h>

#include <stdexcept>

namespace sipwsd::process {

MailboxPump::MailboxPump(os::EventLoop& loop, bus::Mailbox& mailbox, OnLetter on_letter)
    : loop_(loop), mailbox_(mailbox), on_letter_(std::move(on_letter)) {
  if (auto added = loop_.add(mailbox_.event_fd(), os::readable, *this, os::Trigger::edge); !added)
    throw std::runtime_error(added.error().why);
  loop_.set_sleep_hook(this);
}

MailboxPump::~MailboxPump() {
  loop_.set_sleep_hook(nullptr);
  loop_.remove(mailbox_.event_fd(), *this);
}

// Who has just had letters will have more: where several workers share a processor, the one that writes them waits for it
// right now. To let it run costs a fraction of being woken by it; when nobody waits, a few hundred nanoseconds.
bool MailboxPump::may_sleep() noexcept {
  if (brought_letters_ && !mailbox_.has_letters()) ::sched_yield();
  return mailbox_.fall_asleep();
}

void MailboxPump::woke() {
  mailbox_.wake_up();
  // What is over the budget makes the next may_sleep() answer no.
  brought_letters_ = mailbox_.drain(letters_a_turn, on_letter_) != 0;
}

}  // namespace sipwsd::process
