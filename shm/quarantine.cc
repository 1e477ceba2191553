#include "shm/quarantine.h"

#include "shm/kill_point.h"

#include <algorithm>
#include <atomic>
#include <bit>

namespace sipwsd::shm {
namespace {

constexpr std::uint32_t entries_a_set = 8;
std::uint32_t sets_for(const Limits& limits) {
  return std::max(stripe_count, std::bit_ceil((limits.max_quarantined + entries_a_set - 1) / entries_a_set));
}

}  // namespace

std::size_t Quarantine::bytes_needed(const Limits& limits) {
  return Segment::carved_array<Header>(1) + Segment::carved_array<Stripe>(stripe_count) +
         Segment::carved_array<Set>(sets_for(limits));
}

Quarantine Quarantine::construct(Segment& segment, const Limits& limits, const base::SipHashKey& key) {
  Quarantine quarantine;
  quarantine.header_ = &segment.carve_one<Header>();
  quarantine.header_->key = key;
  quarantine.stripes_ = segment.carve_array<Stripe>(stripe_count);
  for (Stripe& stripe : quarantine.stripes_) stripe.head.mutex.init();
  quarantine.sets_ = segment.carve_array<Set>(sets_for(limits));
  return quarantine;
}

std::uint32_t Quarantine::strike(const Endpoint& source, std::int64_t now, std::int64_t window) {
  const Entry key = key_of(source);
  const std::uint32_t at = set_of(key);
  StripeLock lock(stripes_[at % stripe_count].head, [&] { forget(at % stripe_count); });
  Entry* entry = find(sets_[at], key);
  if (entry == nullptr) {
    entry = &make_room(sets_[at]);
    kill_point(KillPoint::strike_half_written);
    *entry = key;
  } else if (now - entry->last_strike > window) {
    entry->strikes = 0;
  }
  entry->last_strike = now;
  ++entry->strikes;
  kill_point(KillPoint::strike_written);
  return entry->strikes;
}

void Quarantine::block(const Endpoint& source, std::int64_t now, std::int64_t until) {
  const Entry key = key_of(source);
  const std::uint32_t at = set_of(key);
  StripeLock lock(stripes_[at % stripe_count].head, [&] { forget(at % stripe_count); });
  Entry* entry = find(sets_[at], key);
  if (entry == nullptr) {
    entry = &make_room(sets_[at]);
    *entry = key;
    entry->last_strike = now;
  }
  entry->blocked_until = until;
  std::atomic_ref latest(header_->latest_block);
  std::int64_t seen = latest.load();
  while (seen < until && !latest.compare_exchange_weak(seen, until)) {
  }
}

void Quarantine::lift(const Endpoint& source) {
  const Entry key = key_of(source);
  const std::uint32_t at = set_of(key);
  StripeLock lock(stripes_[at % stripe_count].head, [&] { forget(at % stripe_count); });
  if (Entry* entry = find(sets_[at], key)) *entry = Entry{};
}

bool Quarantine::is_blocked(const Endpoint& source, std::int64_t now) const {
  if (std::atomic_ref(header_->latest_block).load(std::memory_order_relaxed) <= now) return false;
  const Entry key = key_of(source);
  const std::uint32_t at = set_of(key);
  StripeLock lock(stripes_[at % stripe_count].head, [&] { forget(at % stripe_count); });
  const Entry* entry = find(sets_[at], key);
  return entry != nullptr && entry->blocked_until > now;
}

std::vector<QuarantinedAddress> Quarantine::blocked(std::int64_t now) const {
  std::vector<QuarantinedAddress> out;
  if (std::atomic_ref(header_->latest_block).load(std::memory_order_relaxed) <= now) return out;
  for (std::uint32_t at = 0; at < sets_.size(); ++at) {
    Set copy;
    {
      StripeLock lock(stripes_[at % stripe_count].head, [&] { forget(at % stripe_count); });
      copy = sets_[at];
    }
    for (const Entry& entry : copy.entries) {
      if (entry.family == 0 || entry.blocked_until <= now) continue;
      Endpoint address;
      address.address = entry.address;
      address.family = static_cast<AddressFamily>(entry.family);
      out.push_back({address, entry.strikes, entry.blocked_until});
    }
  }
  return out;
}

std::uint32_t Quarantine::repairs() const noexcept {
  std::uint32_t sum = 0;
  for (const Stripe& stripe : stripes_)
    sum += std::atomic_ref(const_cast<std::uint32_t&>(stripe.head.repairs)).load(std::memory_order_relaxed);
  return sum;
}

Quarantine::Entry Quarantine::key_of(const Endpoint& source) noexcept {
  Entry key{};
  key.family = static_cast<std::uint8_t>(source.family);
  const std::size_t significant = source.family == AddressFamily::ipv6 ? 8 : 4;
  std::copy_n(source.address.begin(), significant, key.address.begin());
  return key;
}

std::uint32_t Quarantine::set_of(const Entry& key) const noexcept {
  const std::string_view bytes{reinterpret_cast<const char*>(key.address.data()), key.address.size()};
  return static_cast<std::uint32_t>(base::siphash(header_->key, bytes)) & static_cast<std::uint32_t>(sets_.size() - 1);
}

Quarantine::Entry* Quarantine::find(Set& set, const Entry& key) noexcept {
  for (Entry& entry : set.entries)
    if (entry.family == key.family && entry.address == key.address) return &entry;
  return nullptr;
}

Quarantine::Entry& Quarantine::make_room(Set& set) noexcept {
  return *std::min_element(set.entries, set.entries + ways, [](const Entry& a, const Entry& b) {
    const auto matters_until = [](const Entry& e) {
      return e.family == 0 ? std::int64_t{-1} : std::max(e.last_strike, e.blocked_until);
    };
    return matters_until(a) < matters_until(b);
  });
}

void Quarantine::forget(std::uint32_t stripe) const noexcept {
  for (std::size_t at = stripe; at < sets_.size(); at += stripe_count) sets_[at] = Set{};
}

}  // namespace sipwsd::shm
