#include "src/os/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace sipwsd::os {
namespace {

constexpr std::uint64_t longest_delay = (std::uint64_t{1} << 32) - 1;  // ticks; 49 days

}  // namespace

TimerWheel::TimerWheel(const base::Clock& clock) : clock_(clock), origin_(clock.now()) {}

std::uint64_t TimerWheel::present_tick() const noexcept {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<base::Milliseconds>(clock_.now() - origin_).count());
}

TimerId TimerWheel::add(base::Milliseconds delay, TimerHandler& handler, std::uint64_t key) {
  const std::uint32_t index = take_free_entry();
  Entry& entry = entries_[index];
  entry.handler = &handler;
  entry.key = key;
  ++size_;
  if (delay <= base::Milliseconds::zero()) {
    entry.tick = advances_;
    link(index, late_list);
  } else {
    const auto deadline = clock_.now() + delay - origin_;
    const auto tick = static_cast<std::uint64_t>(std::chrono::ceil<base::Milliseconds>(deadline).count());
    entry.tick = std::clamp(tick, current_ + 1, current_ + longest_delay);
    link(index, list_for(entry.tick));
  }
  return static_cast<TimerId>(std::uint64_t{entry.generation} << 32 | index);
}

bool TimerWheel::cancel(TimerId id) noexcept {
  const auto index = index_of(id);
  if (!index) return false;
  unlink(*index);
  Entry& entry = entries_[*index];
  entry.handler = nullptr;
  entry.next = free_;
  ++entry.generation;
  free_ = *index;
  --size_;
  return true;
}

bool TimerWheel::is_armed(TimerId id) const noexcept { return index_of(id).has_value(); }

void TimerWheel::advance() {
  const std::uint64_t serial = ++advances_;
  while (lists_[late_list].first != nobody && entries_[lists_[late_list].first].tick < serial)
    fire(lists_[late_list].first);

  const std::uint64_t target = present_tick();
  while (const auto busy = next_busy_tick()) {
    if (*busy > target) break;
    current_ = *busy;
    for (std::size_t level = levels - 1; level > 0; --level)
      if ((current_ & ((std::uint64_t{1} << (bits * level)) - 1)) == 0) cascade(level);
    // What a callback adds now has a later tick, less than one round away: it never lands in this slot.
    const auto slot = static_cast<std::uint32_t>(current_ % slots);
    while (lists_[slot].first != nobody) fire(lists_[slot].first);
  }
  current_ = std::max(current_, target);
}

std::optional<base::Milliseconds> TimerWheel::until_next() const noexcept {
  if (size_ == 0) return std::nullopt;
  if (lists_[late_list].first != nobody) return base::Milliseconds{0};
  const auto busy = next_busy_tick();
  if (!busy) return std::nullopt;
  const std::uint64_t present = present_tick();
  return base::Milliseconds{*busy > present ? static_cast<std::int64_t>(*busy - present) : 0};
}

void TimerWheel::fire(std::uint32_t index) {
  const Entry& entry = entries_[index];
  TimerHandler& handler = *entry.handler;
  const std::uint64_t key = entry.key;
  const auto id = static_cast<TimerId>(std::uint64_t{entry.generation} << 32 | index);
  cancel(id);  // before the call: the callback may reuse the entry, or throw the handler's table upside down
  handler.on_timer(id, key);
}

// Entries of one slot of an upper wheel spread over the wheels below; the slot's time has come.
void TimerWheel::cascade(std::size_t level) noexcept {
  const auto list = static_cast<std::uint32_t>(level * slots + ((current_ >> (bits * level)) % slots));
  List waiting = lists_[list];
  lists_[list] = {};
  busy_[level][list % slots / 64] &= ~(std::uint64_t{1} << (list % 64));
  while (waiting.first != nobody) {
    const std::uint32_t index = waiting.first;
    waiting.first = entries_[index].next;
    link(index, list_for(entries_[index].tick));
  }
}

std::uint32_t TimerWheel::list_for(std::uint64_t tick) const noexcept {
  const std::uint64_t delta = tick - current_;
  std::size_t level = 0;
  while (level + 1 < levels && delta >> (bits * (level + 1)) != 0) ++level;
  return static_cast<std::uint32_t>(level * slots + ((tick >> (bits * level)) % slots));
}

// The next tick at which something fires or moves down; ticks between are skipped however many they are.
std::optional<std::uint64_t> TimerWheel::next_busy_tick() const noexcept {
  std::optional<std::uint64_t> nearest;
  for (std::size_t level = 0; level < levels; ++level) {
    const std::uint64_t next = (current_ >> (bits * level)) + 1;  // in units of this wheel
    const auto distance = next_busy_slot(level, static_cast<std::uint32_t>(next % slots));
    if (!distance) continue;
    const std::uint64_t tick = (next + *distance) << (bits * level);
    nearest = nearest ? std::min(*nearest, tick) : tick;
  }
  return nearest;
}

// How many slots after `from`, going round, the next one with timers is.
std::optional<std::uint32_t> TimerWheel::next_busy_slot(std::size_t level, std::uint32_t from) const noexcept {
  const auto& words = busy_[level];
  const std::uint32_t first_word = from / 64;
  for (std::uint32_t step = 0; step <= words.size(); ++step) {  // the first word twice: its tail, then its head
    const auto at = static_cast<std::uint32_t>((first_word + step) % words.size());
    std::uint64_t word = words[at];
    if (step == 0) word &= ~std::uint64_t{0} << (from % 64);
    if (step == words.size()) word &= ~(~std::uint64_t{0} << (from % 64));
    if (word == 0) continue;
    const auto slot = at * 64 + static_cast<std::uint32_t>(std::countr_zero(word));
    return (slot + slots - from) % slots;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> TimerWheel::index_of(TimerId id) const noexcept {
  const auto raw = static_cast<std::uint64_t>(id);
  const auto index = static_cast<std::uint32_t>(raw);
  if (index >= entries_.size()) return std::nullopt;
  const Entry& entry = entries_[index];
  if (entry.handler == nullptr || entry.generation != raw >> 32) return std::nullopt;
  return index;
}

std::uint32_t TimerWheel::take_free_entry() {
  if (free_ == nobody) {
    entries_.emplace_back();
    return static_cast<std::uint32_t>(entries_.size() - 1);
  }
  const std::uint32_t index = free_;
  free_ = entries_[index].next;
  return index;
}

void TimerWheel::link(std::uint32_t index, std::uint32_t list) noexcept {
  Entry& entry = entries_[index];
  entry.list = list;
  entry.next = nobody;
  entry.previous = lists_[list].last;
  if (entry.previous == nobody)
    lists_[list].first = index;
  else
    entries_[entry.previous].next = index;
  lists_[list].last = index;
  if (list != late_list) busy_[list / slots][list % slots / 64] |= std::uint64_t{1} << (list % 64);
}

void TimerWheel::unlink(std::uint32_t index) noexcept {
  const Entry& entry = entries_[index];
  List& list = lists_[entry.list];
  (entry.previous == nobody ? list.first : entries_[entry.previous].next) = entry.next;
  (entry.next == nobody ? list.last : entries_[entry.next].previous) = entry.previous;
  if (list.first == nobody && entry.list != late_list)
    busy_[entry.list / slots][entry.list % slots / 64] &= ~(std::uint64_t{1} << (entry.list % 64));
}

}  // namespace sipwsd::os
