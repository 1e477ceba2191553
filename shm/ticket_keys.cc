#include "shm/ticket_keys.h"

#include "shm/kill_point.h"
#include "src/base/random.h"

#include <atomic>
#include <bit>
#include <cstddef>

namespace sipwsd::shm {
namespace {

std::uint64_t load(const std::uint64_t& word, std::memory_order order) noexcept {
  return std::atomic_ref(const_cast<std::uint64_t&>(word)).load(order);
}

// A key is copied word by word, because the writer may be two rotations ahead and at this very place: the bytes may
// then be mixed, which the generation shows, but no word tears.
constexpr std::size_t words = sizeof(TicketKey) / sizeof(std::uint64_t);
static_assert(sizeof(TicketKey) % sizeof(std::uint64_t) == 0);
using Words = std::array<std::uint64_t, words>;

TicketKey copy_out(const TicketKey& shared) noexcept {
  Words copy;
  auto* from = const_cast<std::uint64_t*>(reinterpret_cast<const std::uint64_t*>(&shared));
  for (std::size_t i = 0; i < words; ++i) copy[i] = std::atomic_ref(from[i]).load(std::memory_order_relaxed);
  return std::bit_cast<TicketKey>(copy);
}

void copy_in(TicketKey& shared, const TicketKey& key) noexcept {
  const auto from = std::bit_cast<Words>(key);
  auto* to = reinterpret_cast<std::uint64_t*>(&shared);
  for (std::size_t i = 0; i < words; ++i) std::atomic_ref(to[i]).store(from[i], std::memory_order_relaxed);
}

}  // namespace

std::size_t TicketKeys::bytes_needed(const Limits&) { return Segment::carved_array<Table>(1); }

TicketKeys TicketKeys::construct(Segment& segment, std::int64_t unix_now, base::Random& random) {
  TicketKeys keys;
  keys.table_ = &segment.carve_one<Table>();
  keys.write(0, unix_now, random);
  return keys;
}

TicketKeys::Pair TicketKeys::read() const noexcept {
  for (;;) {
    const std::uint64_t generation = load(table_->generation, std::memory_order_acquire);
    const Pair pair{copy_out(table_->keys[generation % places]),
                    copy_out(table_->keys[(generation + places - 1) % places])};
    std::atomic_thread_fence(std::memory_order_acquire);
    if (load(table_->generation, std::memory_order_relaxed) == generation) return pair;
  }
}

void TicketKeys::rotate(std::int64_t unix_now, base::Random& random) {
  const std::uint64_t next = load(table_->generation, std::memory_order_relaxed) + 1;
  // Whoever sees a word of the new key also sees at least the generation before it.
  std::atomic_thread_fence(std::memory_order_release);
  write(next % places, unix_now, random);
  kill_point(KillPoint::ticket_key_written);
  std::atomic_ref(table_->generation).store(next, std::memory_order_release);
}

bool TicketKeys::is_due(std::int64_t unix_now, std::int64_t every_seconds) const noexcept {
  return age(unix_now) >= every_seconds;
}

std::int64_t TicketKeys::age(std::int64_t unix_now) const noexcept { return unix_now - read().current.created; }

void TicketKeys::write(std::uint64_t place, std::int64_t unix_now, base::Random& random) {
  TicketKey key{};
  random.fill(key.name);
  random.fill(key.cipher_key);
  random.fill(key.mac_key);
  key.created = unix_now;
  copy_in(table_->keys[place], key);
}

}  // namespace sipwsd::shm
