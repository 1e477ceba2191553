#include "shm/ban_table.h"

#include "src/base/network.h"

#include "shm/kill_point.h"

#include <algorithm>
#include <atomic>
#include <bit>

namespace sipwsd::shm {

std::uint32_t BanTable::sets_for(const Limits& limits) noexcept {
  return std::max(stripe_count, std::bit_ceil((limits.max_bans + ways - 1) / ways));
}

std::size_t BanTable::bytes_needed(const Limits& limits) {
  return Segment::carved_array<Header>(1) + Segment::carved_array<Stripe>(stripe_count) +
         Segment::carved_array<Set>(sets_for(limits));
}

BanTable BanTable::construct(Segment& segment, const Limits& limits, const base::SipHashKey& key) {
  BanTable table;
  table.header_ = &segment.carve_one<Header>();
  table.header_->key = key;
  table.stripes_ = segment.carve_array<Stripe>(stripe_count);
  for (Stripe& stripe : table.stripes_) stripe.head.mutex.init();
  table.sets_ = segment.carve_array<Set>(sets_for(limits));
  return table;
}

template <typename Act>
auto BanTable::within(std::uint32_t at, Act&& act) const {
  StripeLock lock(stripes_[at % stripe_count].head, [] {});
  return act(sets_[at]);
}

BanTable::Struck BanTable::strike(const Endpoint& source, BanReason reason, std::uint32_t weight, std::int64_t now,
                                  const StrikeRules& rules) {
  const Endpoint subject = base::subject_of(source);
  return within(set_of(subject), [&](Set& set) -> Struck {
    Entry* entry = find_entry(set, subject);
    if (entry == nullptr) {
      entry = &make_room(set);
      free_entry(*entry);
      kill_point(KillPoint::strike_half_written);
      entry->window_start = now;
      name_entry(*entry, subject);
    } else if (now - entry->window_start >= rules.window) {
      entry->strikes = 0;
      entry->window_start = now;
    }
    entry->strikes += weight;
    kill_point(KillPoint::strike_written);
    if (entry->strikes < rules.strikes || rules.ban_time <= 0 || entry->until > now) return {entry->strikes, false};
    entry->reason = static_cast<std::uint8_t>(reason);
    entry->since = now;
    extend(now + rules.ban_time);
    kill_point(KillPoint::ban_half_written);
    std::atomic_ref(entry->until).store(now + rules.ban_time, std::memory_order_release);
    return {entry->strikes, true};
  });
}

void BanTable::ban(const Ban& ban) {
  const Endpoint subject = base::subject_of(ban.subject);
  extend(ban.until);
  within(set_of(subject), [&](Set& set) {
    Entry* entry = find_entry(set, subject);
    if (entry == nullptr) {
      entry = &make_room(set);
      free_entry(*entry);
      entry->window_start = ban.since;
    }
    if (ban.strikes != 0) entry->strikes = ban.strikes;
    entry->reason = static_cast<std::uint8_t>(ban.reason);
    entry->since = ban.since;
    entry->until = ban.until;
    kill_point(KillPoint::ban_unnamed);
    name_entry(*entry, subject);
  });
}

bool BanTable::lift(const Endpoint& source) {
  const Endpoint subject = base::subject_of(source);
  return within(set_of(subject), [&](Set& set) {
    Entry* entry = find_entry(set, subject);
    if (entry == nullptr) return false;
    free_entry(*entry);
    return true;
  });
}

std::uint32_t BanTable::lift_all() {
  std::uint32_t lifted = 0;
  for (std::uint32_t at = 0; at < sets_.size(); ++at)
    lifted += within(at, [](Set& set) {
      std::uint32_t here = 0;
      for (Entry& entry : set.entries) {
        if (entry.family == 0) continue;
        free_entry(entry);
        ++here;
      }
      return here;
    });
  return lifted;
}

bool BanTable::is_banned(const Endpoint& source, std::int64_t now) const { return find(source, now).has_value(); }

std::optional<Ban> BanTable::find(const Endpoint& source, std::int64_t now) const {
  if (none_lasts(now)) return std::nullopt;
  const Endpoint subject = base::subject_of(source);
  return within(set_of(subject), [&](Set& set) -> std::optional<Ban> {
    const Entry* entry = find_entry(set, subject);
    if (entry == nullptr || entry->until <= now) return std::nullopt;
    return ban_of(*entry);
  });
}

std::vector<Ban> BanTable::bans(std::int64_t now) const {
  std::vector<Ban> out;
  if (none_lasts(now)) return out;
  for (std::uint32_t at = 0; at < sets_.size(); ++at) {
    const Set copy = within(at, [](const Set& set) { return set; });
    for (const Entry& entry : copy.entries)
      if (entry.family != 0 && entry.until > now) out.push_back(ban_of(entry));
  }
  return out;
}

std::uint32_t BanTable::repairs() const noexcept {
  std::uint32_t sum = 0;
  for (const Stripe& stripe : stripes_)
    sum += std::atomic_ref(const_cast<std::uint32_t&>(stripe.head.repairs)).load(std::memory_order_relaxed);
  return sum;
}

// Before the ban itself: a ban beyond `latest_end` would be seen by nobody.
void BanTable::extend(std::int64_t until) const noexcept {
  std::atomic_ref latest(header_->latest_end);
  std::int64_t seen = latest.load();
  while (seen < until && !latest.compare_exchange_weak(seen, until)) {
  }
}

bool BanTable::none_lasts(std::int64_t now) const noexcept {
  return std::atomic_ref(header_->latest_end).load(std::memory_order_relaxed) <= now;
}

std::uint32_t BanTable::set_of(const Endpoint& subject) const noexcept {
  const std::string_view bytes{reinterpret_cast<const char*>(subject.address.data()), subject.address.size()};
  return static_cast<std::uint32_t>(base::siphash(header_->key, bytes)) & static_cast<std::uint32_t>(sets_.size() - 1);
}

BanTable::Entry* BanTable::find_entry(Set& set, const Endpoint& subject) noexcept {
  for (Entry& entry : set.entries)
    if (entry.family == static_cast<std::uint8_t>(subject.family) && entry.address == subject.address) return &entry;
  return nullptr;
}

BanTable::Entry& BanTable::make_room(Set& set) noexcept {
  return *std::min_element(set.entries, set.entries + ways, [](const Entry& a, const Entry& b) {
    const auto matters_until = [](const Entry& e) {
      return e.family == 0 ? std::int64_t{-1} : std::max(e.window_start, e.until);
    };
    return matters_until(a) < matters_until(b);
  });
}

// The two ends of an entry's life are one store each; what a killed process had done in between concerns nobody.
void BanTable::name_entry(Entry& entry, const Endpoint& subject) noexcept {
  entry.address = subject.address;
  std::atomic_ref(entry.family).store(static_cast<std::uint8_t>(subject.family), std::memory_order_release);
}

void BanTable::free_entry(Entry& entry) noexcept {
  std::atomic_ref(entry.family).store(0, std::memory_order_release);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  entry.strikes = 0;
  entry.reason = 0;
  entry.window_start = entry.since = entry.until = 0;
}

Ban BanTable::ban_of(const Entry& entry) noexcept {
  Ban ban;
  ban.subject.address = entry.address;
  ban.subject.family = static_cast<AddressFamily>(entry.family);
  ban.reason = static_cast<BanReason>(entry.reason);
  ban.strikes = entry.strikes;
  ban.since = entry.since;
  ban.until = entry.until;
  return ban;
}

}  // namespace sipwsd::shm
