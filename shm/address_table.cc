#include "shm/address_table.h"

#include "src/base/network.h"

#include "shm/kill_point.h"

#include <algorithm>
#include <atomic>
#include <bit>

namespace sipwsd::shm {
namespace {

// Half empty when every connection has an address of its own, so that hardly any set of sixteen runs over.
std::uint32_t entries_for(const Limits& limits) noexcept { return std::max(limits.max_connections, 512u) * 2; }

}  // namespace

std::uint32_t AddressTable::sets_for(const Limits& limits) noexcept {
  return std::max(stripe_count, std::bit_ceil((entries_for(limits) + ways - 1) / ways));
}

std::size_t AddressTable::bytes_needed(const Limits& limits) {
  const std::size_t sets = sets_for(limits);
  return Segment::carved_array<Header>(1) + Segment::carved_array<Stripe>(stripe_count) +
         Segment::carved_array<Set>(sets) + Segment::carved_array<std::uint32_t>(sets * ways * limits.workers);
}

AddressTable AddressTable::construct(Segment& segment, const Limits& limits, const base::SipHashKey& key) {
  AddressTable table;
  table.header_ = &segment.carve_one<Header>();
  table.header_->key = key;
  table.stripes_ = segment.carve_array<Stripe>(stripe_count);
  for (Stripe& stripe : table.stripes_) stripe.head.mutex.init();
  table.sets_ = segment.carve_array<Set>(sets_for(limits));
  table.workers_ = limits.workers;
  table.tallies_ = segment.carve_array<std::uint32_t>(table.capacity() * limits.workers);
  return table;
}

AddressTable::Answer AddressTable::arrive(const Endpoint& source, WorkerSlot self, base::TimePoint now,
                                          const AddressLimits& limits) {
  if (source.family == AddressFamily::none) return {};
  const Endpoint subject = base::subject_of(source);
  const std::uint32_t set = set_of(subject);
  StripeLock lock(stripes_[set % stripe_count].head, [] {});
  Entry* entry = find_entry(sets_[set], subject);
  if (entry == nullptr) {
    entry = make_room(set, now);
    if (entry == nullptr) return {};
    std::atomic_ref(entry->family).store(0, std::memory_order_release);
    kill_point(KillPoint::address_unnamed);
    entry->handshakes = {};
    entry->address = subject.address;
    std::atomic_ref(entry->family).store(static_cast<std::uint8_t>(subject.family), std::memory_order_release);
    kill_point(KillPoint::address_named);
  }
  // Refused attempts are not charged: who keeps trying gets in at the rate, not never.
  if (!entry->handshakes.take(1, now, limits.handshakes))
    return {Outcome::too_fast, AddressPlace::none, entry->handshakes.wait_for(1, now, limits.handshakes)};
  const std::uint32_t place = place_of(set, *entry);
  if (limits.max_connections != 0 && count(place) >= limits.max_connections) return {Outcome::too_many};
  std::atomic_ref(tally(place, number(self))).fetch_add(1, std::memory_order_relaxed);
  kill_point(KillPoint::address_counted);
  return {Outcome::counted, static_cast<AddressPlace>(place), {}};
}

void AddressTable::leave(AddressPlace place, WorkerSlot self) noexcept {
  if (place == AddressPlace::none) return;
  std::atomic_ref(tally(static_cast<std::uint32_t>(place), number(self))).fetch_sub(1, std::memory_order_relaxed);
}

std::uint32_t AddressTable::connections(const Endpoint& source) const {
  if (source.family == AddressFamily::none) return 0;
  const Endpoint subject = base::subject_of(source);
  const std::uint32_t set = set_of(subject);
  StripeLock lock(stripes_[set % stripe_count].head, [] {});
  const Entry* entry = find_entry(sets_[set], subject);
  return entry == nullptr ? 0 : count(place_of(set, *entry));
}

void AddressTable::forget_worker(WorkerSlot dead) noexcept {
  for (std::uint32_t place = 0; place < capacity(); ++place) {
    std::atomic_ref mine(tally(place, number(dead)));
    if (mine.load(std::memory_order_relaxed) != 0) mine.store(0, std::memory_order_relaxed);
  }
}

std::uint32_t AddressTable::repairs() const noexcept {
  std::uint32_t sum = 0;
  for (const Stripe& stripe : stripes_)
    sum += std::atomic_ref(const_cast<std::uint32_t&>(stripe.head.repairs)).load(std::memory_order_relaxed);
  return sum;
}

std::uint32_t AddressTable::set_of(const Endpoint& subject) const noexcept {
  const std::string_view bytes{reinterpret_cast<const char*>(subject.address.data()), subject.address.size()};
  return static_cast<std::uint32_t>(base::siphash(header_->key, bytes)) & static_cast<std::uint32_t>(sets_.size() - 1);
}

AddressTable::Entry* AddressTable::find_entry(Set& set, const Endpoint& subject) noexcept {
  for (Entry& entry : set.entries)
    if (entry.family == static_cast<std::uint8_t>(subject.family) && entry.address == subject.address) return &entry;
  return nullptr;
}

// Free, or nobody's any more. No connection can come to it meanwhile: the caller has the stripe.
AddressTable::Entry* AddressTable::make_room(std::uint32_t set, base::TimePoint now) const noexcept {
  for (Entry& entry : sets_[set].entries)
    if (entry.family == 0) return &entry;
  for (Entry& entry : sets_[set].entries)
    if (entry.handshakes.is_full(now) && count(place_of(set, entry)) == 0) return &entry;
  return nullptr;
}

std::uint32_t AddressTable::place_of(std::uint32_t set, const Entry& entry) const noexcept {
  return set * ways + static_cast<std::uint32_t>(&entry - sets_[set].entries);
}

std::uint32_t AddressTable::count(std::uint32_t place) const noexcept {
  std::uint32_t sum = 0;
  for (std::uint16_t worker = 0; worker < workers_; ++worker)
    sum += std::atomic_ref(tally(place, worker)).load(std::memory_order_relaxed);
  return sum;
}

}  // namespace sipwsd::shm
