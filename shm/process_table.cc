#include "shm/process_table.h"

#include "src/base/assert.h"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace sipwsd::shm {
namespace {

template <typename T>
T load(const T& word) {
  return std::atomic_ref(const_cast<T&>(word)).load(std::memory_order_acquire);
}
template <typename T>
void store(T& word, std::type_identity_t<T> value) {
  std::atomic_ref(word).store(value, std::memory_order_release);
}
std::int64_t milliseconds(base::TimePoint at) {
  return std::chrono::duration_cast<base::Milliseconds>(at.time_since_epoch()).count();
}

}  // namespace

struct alignas(64) ProcessTable::Row {
  std::int64_t heartbeat_ms;  // own line: written every turn
  alignas(64) std::int64_t started_unix;
  std::int32_t pid;
  std::uint32_t generation;
  std::uint32_t deaths;
  std::uint32_t config_version;
  ProcessState state;
  std::array<char, 32> title;
  struct Exit {
    std::int64_t unix_seconds;
    std::int32_t wait_status;
    std::int32_t unused;
  } exits[8];
  std::uint32_t exit_count;
};

std::string_view name(ProcessState state) noexcept {
  switch (state) {
    case ProcessState::empty: return "empty";
    case ProcessState::starting: return "starting";
    case ProcessState::ready: return "ready";
    case ProcessState::draining: return "draining";
    case ProcessState::reaping: return "reaping";
    case ProcessState::throttled: return "throttled";
    case ProcessState::ended: return "ended";
  }
  return "empty";
}

std::size_t ProcessTable::bytes_needed(const Limits& limits) {
  static_assert(ShmSafe<Row>);
  return Segment::carved_array<Row>(process_rows(limits));
}

ProcessTable ProcessTable::construct(Segment& segment, const Limits& limits) {
  ProcessTable table;
  table.rows_ = segment.carve_array<Row>(process_rows(limits));
  return table;
}

ProcessTable::Row& ProcessTable::row(ProcessSlot slot) const noexcept {
  SIPWSD_ASSERT(number(slot) < rows_.size(), "every process slot has a row");
  return rows_[number(slot)];
}

std::uint32_t ProcessTable::begin(ProcessSlot slot, std::string_view title, base::TimePoint now,
                                  std::int64_t unix_seconds) noexcept {
  Row& r = row(slot);
  const std::size_t length = std::min(title.size(), r.title.size() - 1);
  std::memcpy(r.title.data(), title.data(), length);
  r.title[length] = '\0';
  store(r.pid, 0);
  store(r.started_unix, unix_seconds);
  store(r.heartbeat_ms, milliseconds(now));
  store(r.config_version, 0);
  store(r.state, ProcessState::starting);
  store(r.generation, r.generation + 1);
  return r.generation;
}

void ProcessTable::set_pid(ProcessSlot slot, std::int32_t pid) noexcept { store(row(slot).pid, pid); }

void ProcessTable::set_state(ProcessSlot slot, ProcessState state) noexcept { store(row(slot).state, state); }

void ProcessTable::record_exit(ProcessSlot slot, std::int32_t wait_status, std::int64_t unix_seconds,
                               bool was_death) noexcept {
  Row& r = row(slot);
  auto& exit = r.exits[r.exit_count % std::size(r.exits)];
  store(exit.wait_status, wait_status);
  store(exit.unix_seconds, unix_seconds);
  store(r.exit_count, r.exit_count + 1);
  if (was_death) store(r.deaths, r.deaths + 1);
  store(r.pid, 0);
}

void ProcessTable::mark_ready(ProcessSlot self) noexcept {
  // Not if the supervisor has meanwhile decided otherwise (draining).
  ProcessState starting = ProcessState::starting;
  std::atomic_ref(row(self).state).compare_exchange_strong(starting, ProcessState::ready);
}

void ProcessTable::beat(ProcessSlot self, base::TimePoint now) noexcept { store(row(self).heartbeat_ms, milliseconds(now)); }

void ProcessTable::set_config_version(ProcessSlot self, std::uint32_t version) noexcept {
  store(row(self).config_version, version);
}

ProcessView ProcessTable::read(ProcessSlot slot) const {
  const Row& r = row(slot);
  ProcessView view;
  view.slot = slot;
  view.pid = load(r.pid);
  view.generation = load(r.generation);
  view.state = load(r.state);
  view.heartbeat_ms = load(r.heartbeat_ms);
  view.started_unix = load(r.started_unix);
  view.deaths = load(r.deaths);
  view.config_version = load(r.config_version);
  const std::uint32_t exits = load(r.exit_count);
  for (std::uint32_t i = 0; i < std::min<std::uint32_t>(exits, std::size(r.exits)); ++i) {
    const auto& exit = r.exits[(exits - 1 - i) % std::size(r.exits)];
    view.exits[i] = {load(exit.unix_seconds), load(exit.wait_status)};
  }
  view.title.assign(r.title.data(), ::strnlen(r.title.data(), r.title.size()));
  return view;
}

ProcessState ProcessTable::state(ProcessSlot slot) const noexcept { return load(row(slot).state); }
std::int32_t ProcessTable::pid(ProcessSlot slot) const noexcept { return load(row(slot).pid); }
std::uint32_t ProcessTable::generation(ProcessSlot slot) const noexcept { return load(row(slot).generation); }
std::uint32_t ProcessTable::config_version(ProcessSlot slot) const noexcept { return load(row(slot).config_version); }

std::chrono::milliseconds ProcessTable::since_heartbeat(ProcessSlot slot, base::TimePoint now) const noexcept {
  return std::chrono::milliseconds{milliseconds(now) - load(row(slot).heartbeat_ms)};
}

}  // namespace sipwsd::shm
