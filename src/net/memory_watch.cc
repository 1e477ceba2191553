#include "src/net/memory_watch.h"

#include "src/base/log.h"

namespace sipwsd::net {
namespace {

using namespace std::chrono_literals;

constexpr auto look_interval = 1s;
constexpr std::uint64_t mib = 1024 * 1024;
// Of the limit. What lies between keeps the switch from flapping.
constexpr std::uint64_t short_from(std::uint64_t limit) noexcept { return limit / 10 * 9; }
constexpr std::uint64_t enough_below(std::uint64_t limit) noexcept { return limit / 20 * 17; }

}  // namespace

std::uint64_t memory_limit(const config::Settings& settings, std::uint64_t there_is) noexcept {
  return settings.memory_limit != 0 ? settings.memory_limit * mib : there_is / 10 * 9;
}

MemoryWatch::MemoryWatch(const config::Settings& settings, shm::SharedState& shared, shm::OwnCounters counters,
                         std::uint64_t there_is)
    : settings_(settings), shared_(shared), counters_(counters), there_is_(there_is) {
  if (auto use = os::MemoryUse::open())
    use_ = std::move(*use);
  else
    log::warning("memory_limit is not watched: {}", use.error().why);
}

bool MemoryWatch::look(base::TimePoint now) {
  if (now < next_look_) return false;
  next_look_ = now + look_interval;
  return look_now();
}

bool MemoryWatch::look_now() {
  if (!use_) return false;
  const auto held = use_->read();
  if (!held) return false;
  counters_.set(shm::Counter::memory_private, held->private_bytes);
  shared_.memory->saw_segment_bytes(held->shared_bytes);

  const std::uint64_t used = shared_.value(shm::Counter::memory_used);
  const std::uint64_t limit = memory_limit(settings_, there_is_);
  const bool was_short = shared_.memory->is_short();
  const bool is_short = used >= (was_short ? enough_below(limit) : short_from(limit));
  if (is_short == was_short) return false;
  shared_.memory->set_short(is_short);
  if (is_short)
    log::warning("memory is short: {} of {} MiB are used; new connections and requests are refused", used / mib, limit / mib);
  else
    log::notice("memory is enough again: {} of {} MiB are used", used / mib, limit / mib);
  return true;
}

}  // namespace sipwsd::net
