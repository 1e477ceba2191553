#include "src/process/mailbox_pump.h"

#include <stdexcept>

namespace sipwsd::process {

MailboxPump::MailboxPump(os::EventLoop& loop, bus::Mailbox& mailbox, OnLetter on_letter)
    : loop_(loop), mailbox_(mailbox), on_letter_(std::move(on_letter)) {
  if (auto added = loop_.add(mailbox_.event_fd(), os::readable, *this); !added)
    throw std::runtime_error(added.error().why);
  loop_.set_sleep_hook(this);
}

MailboxPump::~MailboxPump() {
  loop_.set_sleep_hook(nullptr);
  loop_.remove(mailbox_.event_fd(), *this);
}

void MailboxPump::woke() {
  mailbox_.wake_up();
  // What is over the budget makes the next may_sleep() answer no.
  mailbox_.drain(letters_a_turn, on_letter_);
}

}  // namespace sipwsd::process
