#include "shm/counters.h"

#include "src/base/assert.h"

namespace sipwsd::shm {
namespace {

constexpr std::size_t row_words = (counter_count + 7) / 8 * 8;  // whole cache lines: no two processes share one

std::uint64_t load(const std::uint64_t& word) {
  return std::atomic_ref(const_cast<std::uint64_t&>(word)).load(std::memory_order_relaxed);
}

}  // namespace

std::optional<Counter> find_counter(std::string_view name) noexcept {
  for (const CounterRow& row : counter_table)
    if (row.name == name) return row.counter;
  return std::nullopt;
}

std::size_t Counters::bytes_needed(const Limits& limits) {
  return Segment::carved_array<std::uint64_t>(row_words * process_rows(limits)) +
         Segment::carved_array<std::uint64_t>(row_words);
}

Counters Counters::construct(Segment& segment, const Limits& limits) {
  Counters counters;
  counters.rows_ = process_rows(limits);
  counters.words_ = segment.carve_array<std::uint64_t>(row_words * counters.rows_);
  counters.zero_points_ = segment.carve_array<std::uint64_t>(row_words);
  return counters;
}

OwnCounters Counters::row(ProcessSlot slot) const noexcept {
  SIPWSD_ASSERT(number(slot) < rows_, "every process slot has a row");
  return OwnCounters{words_.subspan(number(slot) * row_words, row_words)};
}

std::uint64_t Counters::of(ProcessSlot slot, Counter counter) const noexcept {
  SIPWSD_ASSERT(number(slot) < rows_, "every process slot has a row");
  return load(words_[number(slot) * row_words + static_cast<std::size_t>(counter)]);
}

std::uint64_t Counters::sum(Counter counter) const noexcept {
  std::uint64_t sum = 0;
  for (std::uint16_t row = 0; row < rows_; ++row) sum += of(static_cast<ProcessSlot>(row), counter);
  return sum - load(zero_points_[static_cast<std::size_t>(counter)]);
}

void Counters::reset(Counter counter) noexcept {
  if (row_of(counter).kind != CounterKind::sum) return;
  std::atomic_ref zero(zero_points_[static_cast<std::size_t>(counter)]);
  zero.store(zero.load(std::memory_order_relaxed) + sum(counter), std::memory_order_relaxed);
}

void Counters::forget_gauges(ProcessSlot dead) noexcept {
  OwnCounters counters = row(dead);
  for (const CounterRow& row : counter_table)
    if (row.kind == CounterKind::gauge) counters.set(row.counter, 0);
}

}  // namespace sipwsd::shm
