#include "shm/last_input.h"

#include <atomic>
#include <functional>

namespace sipwsd::shm {

struct alignas(64) LastInputs::Note {
  std::uint64_t hash;  // 0: at work on nothing
  Endpoint source;
};

namespace {

// Whoever wants to kill us twice under one hash may: it is his ban.
std::uint64_t hash_of(std::string_view message) noexcept { return std::hash<std::string_view>{}(message) | 1; }

// The other side reads after our death: the order of our own stores is all that matters.
void set(std::uint64_t& word, std::uint64_t value) noexcept { std::atomic_ref(word).store(value, std::memory_order_release); }

}  // namespace

std::size_t LastInputs::bytes_needed(const Limits& limits) {
  static_assert(ShmSafe<Note> && ShmSafe<Record>);
  return Segment::carved_array<Note>(limits.workers) + Segment::carved_array<Record>(1);
}

LastInputs LastInputs::construct(Segment& segment, const Limits& limits) {
  LastInputs inputs;
  inputs.notes_ = segment.carve_array<Note>(limits.workers);
  inputs.record_ = &segment.carve_one<Record>();
  return inputs;
}

LastInputs::Work::Work(const LastInputs& inputs, WorkerSlot worker, const Endpoint& source, std::string_view message) noexcept
    : note_(&inputs.notes_[number(worker)]) {
  note_->source = source;
  set(note_->hash, hash_of(message));
}

LastInputs::Work::~Work() { set(note_->hash, 0); }

std::optional<LastInputs::Accused> LastInputs::accuse(WorkerSlot dead) noexcept {
  Note& note = notes_[number(dead)];
  Accused accused{.hash = note.hash, .source = note.source, .deaths = 1};
  if (accused.hash == 0) return std::nullopt;
  set(note.hash, 0);
  for (Crime& crime : record_->crimes)
    if (crime.hash == accused.hash) {
      accused.deaths = ++crime.deaths;
      return accused;
    }
  record_->crimes[record_->next++ % Record::remembered] = {.hash = accused.hash, .deaths = 1, .unused = 0};
  return accused;
}

}  // namespace sipwsd::shm
