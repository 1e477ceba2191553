#include "shm/nonce_table.h"

#include "shm/kill_point.h"

#include <algorithm>
#include <atomic>
#include <bit>

namespace sipwsd::shm {
namespace {

constexpr std::uint32_t entries_a_set = 8;
std::uint32_t sets_for(const Limits& limits) {
  return std::max(stripe_count, std::bit_ceil((limits.max_nonces + entries_a_set - 1) / entries_a_set));
}

}  // namespace

std::size_t NonceTable::bytes_needed(const Limits& limits) {
  return Segment::carved_array<Header>(1) + Segment::carved_array<Stripe>(stripe_count) +
         Segment::carved_array<Set>(sets_for(limits));
}

NonceTable NonceTable::construct(Segment& segment, const Limits& limits, const base::SipHashKey& key) {
  NonceTable table;
  table.header_ = &segment.carve_one<Header>();
  table.header_->key = key;
  table.stripes_ = segment.carve_array<Stripe>(stripe_count);
  for (Stripe& stripe : table.stripes_) stripe.head.mutex.init();
  table.sets_ = segment.carve_array<Set>(sets_for(limits));
  return table;
}

NonceUse NonceTable::use(std::string_view nonce, std::uint32_t count, std::int64_t expires_at, std::int64_t now) {
  if (expires_at <= now) return NonceUse::stale;
  const std::uint64_t key = base::siphash(header_->key, nonce) | 1;
  const auto at = static_cast<std::uint32_t>(key >> 32) & static_cast<std::uint32_t>(sets_.size() - 1);
  const std::uint32_t stripe = at % stripe_count;
  StripeLock lock(stripes_[stripe].head, [&] { forget(stripe); });
  Set& set = sets_[at];

  Entry* known = std::find_if(set.entries, set.entries + ways, [&](const Entry& e) { return e.key == key; });
  if (known != set.entries + ways) {
    if (count <= known->highest_count) return NonceUse::replayed;
    known->highest_count = count;
    return NonceUse::accepted;
  }
  if (expires_at <= set.forgotten_until) return NonceUse::stale;

  // Free ones have expired at 0, so the least expiry is the right victim in every case.
  Entry& victim = *std::min_element(set.entries, set.entries + ways,
                                    [](const Entry& a, const Entry& b) { return a.expires_at < b.expires_at; });
  if (victim.expires_at > now) set.forgotten_until = std::max(set.forgotten_until, victim.expires_at);
  // forget() looks at expires_at alone, so that is set first: a use that dies with its process is still remembered.
  victim.expires_at = expires_at;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  kill_point(KillPoint::nonce_half_written);
  victim.key = key;
  victim.highest_count = count;
  kill_point(KillPoint::nonce_written);
  return NonceUse::accepted;
}

std::uint32_t NonceTable::repairs() const noexcept {
  std::uint32_t sum = 0;
  for (const Stripe& stripe : stripes_)
    sum += std::atomic_ref(const_cast<std::uint32_t&>(stripe.head.repairs)).load(std::memory_order_relaxed);
  return sum;
}

void NonceTable::forget(std::uint32_t stripe) noexcept {
  for (std::size_t at = stripe; at < sets_.size(); at += stripe_count) {
    Set& set = sets_[at];
    for (const Entry& entry : set.entries) set.forgotten_until = std::max(set.forgotten_until, entry.expires_at);
    for (Entry& entry : set.entries) entry = Entry{};
  }
}

}  // namespace sipwsd::shm
