#include "src/bus/mailbox.h"

#include <algorithm>

#include "src/bus/letter_codec.h"

namespace sipwsd::bus {

using shm::Counter;

Mailbox::Mailbox(shm::MailboxSet& set, shm::ProcessSlot self, shm::OwnCounters counters)
    : set_(set), self_(self), counters_(counters), is_written_to_(set.processes()) {
  in_.reserve(set.processes());
  written_to_.reserve(set.processes());
  out_.reserve(set.processes());
  for (std::uint16_t i = 0; i < set.processes(); ++i) {
    const auto other = static_cast<shm::ProcessSlot>(i);
    in_.push_back(set.ring(other, self));
    in_.back().resume();
    out_.push_back(set.ring(self, other));
  }
}

Result<void> Mailbox::post(shm::ProcessSlot to, const Letter& letter) {
  if (shm::number(to) >= out_.size()) return Errc::not_found;
  shm::LetterRing& ring = out_[shm::number(to)];
  const auto room = ring.reserve(encoded_size(letter));
  if (!room) {
    counters_.add(Counter::letters_refused);
    return room.error();
  }
  encode(letter, *room);
  ring.publish();
  counters_.add(Counter::letters_posted);
  if (!is_written_to_[shm::number(to)]) {
    is_written_to_[shm::number(to)] = true;
    written_to_.push_back(to);
  }
  return {};
}

void Mailbox::wake_receivers() noexcept {
  for (const shm::ProcessSlot to : written_to_) {
    is_written_to_[shm::number(to)] = false;
    if (set_.wake_if_asleep(to)) counters_.add(Counter::wake_ups);
  }
  written_to_.clear();
}

bool Mailbox::is_congested() noexcept {
  return std::any_of(out_.begin(), out_.end(), [](shm::LetterRing& ring) { return ring.is_half_full(); });
}

std::optional<Mailbox::Received> Mailbox::next() {
  for (std::size_t silent = 0; silent < in_.size();) {
    if (taken_in_a_row_ < in_a_row) {
      if (const auto bytes = in_[current_].take()) {
        ++taken_in_a_row_;
        silent = 0;
        auto letter = decode(*bytes);
        if (letter) {
          counters_.add(Counter::letters_handled);
          return Received{static_cast<shm::ProcessSlot>(current_), *std::move(letter)};
        }
        counters_.add(Counter::letters_malformed);
        continue;
      }
      ++silent;
    } else {
      in_[current_].release();
    }
    current_ = (current_ + 1) % in_.size();
    taken_in_a_row_ = 0;
  }
  return std::nullopt;
}

void Mailbox::release() noexcept {
  if (!in_.empty()) in_[current_].release();
}

std::size_t Mailbox::largest_letter() const noexcept { return out_.front().largest_letter(); }

}  // namespace sipwsd::bus
