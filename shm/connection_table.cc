#include "shm/connection_table.h"

#include "shm/kill_point.h"
#include "src/base/assert.h"

#include <algorithm>
#include <atomic>
#include <bit>

namespace sipwsd::shm {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

std::uint32_t buckets_for(const Limits& limits) {
  return std::clamp<std::uint32_t>(std::bit_ceil(limits.max_connections), 1024, 1u << 22);
}

std::atomic_ref<ConnectionIdentity> identity_of(ConnectionRecord& record) { return std::atomic_ref(record.identity); }

constexpr bool is_listed(ConnectionState state) {
  return state == ConnectionState::connecting || state == ConnectionState::open || state == ConnectionState::closing;
}
constexpr bool is_chained(ConnectionState state) { return is_listed(state) || state == ConnectionState::lost; }

constexpr std::uint16_t holder(WorkerSlot slot) { return static_cast<std::uint16_t>(number(slot) + 1); }

// Field by field, because the owner writes two of them without the lock.
ConnectionRecord copy(ConnectionRecord& record) {
  ConnectionRecord out;
  out.identity = identity_of(record).load();
  out.last_used = std::atomic_ref(record.last_used).load(relaxed);
  out.awaiting_pong = std::atomic_ref(record.awaiting_pong).load(relaxed);
  out.adopting = record.adopting;
  out.local = record.local;
  out.remote = record.remote;
  return out;
}

void add(std::uint32_t& count, std::uint32_t n) {
  std::atomic_ref word(count);  // one writer: the stripe's holder
  word.store(word.load(relaxed) + n, relaxed);
}
std::uint32_t read(const std::uint32_t& count) {
  return std::atomic_ref(const_cast<std::uint32_t&>(count)).load(relaxed);
}
void raise(std::uint32_t& mark, std::uint32_t value) {
  std::atomic_ref word(mark);
  std::uint32_t seen = word.load(relaxed);
  while (seen < value && !word.compare_exchange_weak(seen, value, relaxed)) {
  }
}
void clear(LiveConnections& live) {
  std::atomic_ref(live.all).store(0, relaxed);
  std::atomic_ref(live.websocket).store(0, relaxed);
  std::atomic_ref(live.sip).store(0, relaxed);
  std::atomic_ref(live.msrp).store(0, relaxed);
}

}  // namespace

class ConnectionTable::Lock {
 public:
  Lock(const ConnectionTable& table, std::uint32_t stripe)
      : lock_(table.stripes_[stripe].head, [&] { table.rebuild(stripe); }) {}

 private:
  StripeLock lock_;
};

// --- carving -----------------------------------------------------------------------------------------------------------

std::size_t ConnectionTable::bytes_needed(const Limits& limits) {
  return Segment::carved_array<Header>(1) + Segment::carved_array<Stripe>(stripe_count) +
         Segment::carved_array<ConnectionIndex>(buckets_for(limits)) +
         Segment::carved_array<ConnectionRecord>(limits.max_connections) +
         FreeMap::bytes_needed(limits.max_connections);
}

ConnectionTable ConnectionTable::construct(Segment& segment, const Limits& limits) {
  ConnectionTable table;
  table.header_ = &segment.carve_one<Header>();
  table.header_->bucket_mask = buckets_for(limits) - 1;
  table.stripes_ = segment.carve_array<Stripe>(stripe_count);
  for (Stripe& stripe : table.stripes_) stripe.head.mutex.init();
  table.heads_ = segment.carve_array<ConnectionIndex>(buckets_for(limits));
  table.records_ = segment.carve_array<ConnectionRecord>(limits.max_connections);
  table.free_map_ = FreeMap::construct(segment, limits.max_connections);
  return table;
}

// --- the owner ---------------------------------------------------------------------------------------------------------

Result<ConnectionIndex> ConnectionTable::insert(const NewConnection& connection) {
  SIPWSD_ASSERT(connection.owner != WorkerSlot::none && connection.id != ConnectionId::none && is_listed(connection.state),
                "a new connection has an id, an owner and a state that others may see");
  const ConnectionIdentity reserved{connection.id, holder(connection.owner), ConnectionState::reserved,
                                    connection.sub_protocol};
  const auto place = free_map_.claim(
      [&](std::uint32_t at) {
        ConnectionIdentity nobody{};
        return identity_of(records_[at]).compare_exchange_strong(nobody, reserved);
      },
      [&](std::uint32_t at) { return identity_of(records_[at]).load().state == ConnectionState::free; });
  if (!place) return Errc::full;
  kill_point(KillPoint::insert_claimed);
  const auto index = static_cast<ConnectionIndex>(*place + 1);
  ConnectionRecord& r = record(index);
  std::atomic_ref(r.last_used).store(connection.last_used, relaxed);
  std::atomic_ref(r.awaiting_pong).store(0, relaxed);
  r.adopting = 0;
  r.local = connection.local;
  r.remote = connection.remote;
  kill_point(KillPoint::insert_filled);
  {
    const std::uint32_t stripe = stripe_of(connection.id);
    Lock lock(*this, stripe);
    kill_point(KillPoint::insert_locked);
    if (link_to(connection.id) != nullptr) {
      give_back(r);
      return Errc::exists;
    }
    ConnectionIdentity listed = reserved;
    listed.state = connection.state;
    identity_of(r).store(listed);
    kill_point(KillPoint::insert_is_truth);
    ConnectionIndex& head = head_of(connection.id);
    r.next_in_bucket = head;
    kill_point(KillPoint::insert_next_set);
    head = index;
    kill_point(KillPoint::insert_linked);
    count_in(stripe, r);
    kill_point(KillPoint::insert_counted);
  }
  note_peak();
  return index;
}

Result<void> ConnectionTable::set_state(ConnectionId id, WorkerSlot owner, ConnectionState state) {
  SIPWSD_ASSERT(is_listed(state), "free, reserved and lost are not states an owner gives");
  Lock lock(*this, stripe_of(id));
  kill_point(KillPoint::state_locked);
  ConnectionRecord* r = owned(id, owner);
  if (r == nullptr) return Errc::not_found;
  ConnectionIdentity changed = identity_of(*r).load();
  changed.state = state;
  identity_of(*r).store(changed);
  kill_point(KillPoint::state_changed);
  return {};
}

Result<void> ConnectionTable::upgrade(ConnectionId id, WorkerSlot owner, TransportProtocol protocol, SubProtocol sub) {
  {
    const std::uint32_t stripe = stripe_of(id);
    Lock lock(*this, stripe);
    ConnectionRecord* r = owned(id, owner);
    if (r == nullptr) return Errc::not_found;
    count_out(stripe, *r);
    kill_point(KillPoint::upgrade_uncounted);
    r->local.protocol = protocol;
    r->remote.protocol = protocol;
    kill_point(KillPoint::upgrade_half_changed);
    ConnectionIdentity changed = identity_of(*r).load();
    changed.state = ConnectionState::open;
    changed.sub_protocol = sub;
    identity_of(*r).store(changed);
    kill_point(KillPoint::upgrade_changed);
    count_in(stripe, *r);
  }
  note_peak();
  return {};
}

Result<void> ConnectionTable::retire(ConnectionId id, WorkerSlot owner) {
  const std::uint32_t stripe = stripe_of(id);
  Lock lock(*this, stripe);
  kill_point(KillPoint::retire_locked);
  if (owned(id, owner) == nullptr) return Errc::not_found;
  ConnectionIndex* link = link_to(id);
  ConnectionRecord& r = record(*link);
  *link = r.next_in_bucket;
  kill_point(KillPoint::retire_unlinked);
  count_out(stripe, r);
  kill_point(KillPoint::retire_uncounted);
  give_back(r);
  return {};
}

void ConnectionTable::touch(ConnectionIndex index, std::int64_t monotonic_seconds) noexcept {
  std::atomic_ref last_used(record(index).last_used);
  // Most frames come within the same second: then the line stays clean for its readers.
  if (last_used.load(relaxed) != monotonic_seconds) last_used.store(monotonic_seconds, relaxed);
}

void ConnectionTable::expect_pong(ConnectionIndex index) noexcept {
  std::atomic_ref(record(index).awaiting_pong).store(1, relaxed);
}

void ConnectionTable::pong_seen(ConnectionIndex index) noexcept {
  std::atomic_ref awaiting(record(index).awaiting_pong);
  if (awaiting.load(relaxed) != 0) awaiting.store(0, relaxed);
}

// --- anybody -----------------------------------------------------------------------------------------------------------

std::optional<ConnectionRecord> ConnectionTable::find(ConnectionId id) const {
  Lock lock(*this, stripe_of(id));
  kill_point(KillPoint::find_locked);
  ConnectionIndex* link = link_to(id);
  if (link == nullptr || !is_listed(record(*link).state())) return std::nullopt;
  return copy(record(*link));
}

bool ConnectionTable::contains(ConnectionId id) const {
  Lock lock(*this, stripe_of(id));
  return link_to(id) != nullptr;
}

std::optional<ConnectionRecord> ConnectionTable::find_by_remote(const Endpoint& remote) const {
  std::optional<ConnectionRecord> newest;
  for (std::uint32_t stripe = 0; stripe < stripe_count; ++stripe) {
    if (read(stripes_[stripe].live.all) == 0) continue;
    Lock lock(*this, stripe);
    for (ConnectionIndex index : heads_of(stripe))
      for (; index != ConnectionIndex::none; index = record(index).next_in_bucket) {
        ConnectionRecord& r = record(index);
        if (r.remote == remote && is_listed(r.state()) && (!newest || number(newest->id()) < number(r.id())))
          newest = copy(r);
      }
  }
  return newest;
}

void ConnectionTable::copy_stripe(std::uint32_t stripe, std::vector<ConnectionRecord>& out) const {
  const std::size_t before = out.size();
  for (;;) {
    const std::uint32_t expected = read(stripes_[stripe].live.all);
    // A dead holder's count is not to be trusted, but then reap() repairs the stripe.
    if (expected == 0) return;
    out.reserve(before + expected + 8);
    bool is_complete = true;
    {
      Lock lock(*this, stripe);
      kill_point(KillPoint::copy_locked);
      for (ConnectionIndex index : heads_of(stripe))
        for (; index != ConnectionIndex::none; index = record(index).next_in_bucket) {
          if (!is_listed(record(index).state())) continue;
          if (out.size() == out.capacity()) {
            is_complete = false;
            break;
          }
          out.push_back(copy(record(index)));
        }
    }
    if (is_complete) return;
    out.resize(before);
  }
}

LiveConnections ConnectionTable::live() const noexcept {
  LiveConnections sum;
  for (const Stripe& stripe : stripes_) {
    sum.all += read(stripe.live.all);
    sum.websocket += read(stripe.live.websocket);
    sum.sip += read(stripe.live.sip);
    sum.msrp += read(stripe.live.msrp);
  }
  return sum;
}

LiveConnections ConnectionTable::peak() const noexcept {
  return {read(header_->peak.all), read(header_->peak.websocket), read(header_->peak.sip), read(header_->peak.msrp)};
}

std::uint32_t ConnectionTable::repairs() const noexcept {
  std::uint32_t sum = 0;
  for (const Stripe& stripe : stripes_) sum += read(stripe.head.repairs);
  return sum;
}

// --- reaper and adopter ------------------------------------------------------------------------------------------------

std::uint32_t ConnectionTable::mark_lost(WorkerSlot dead, WorkerSlot adopter) {
  std::uint32_t lost = 0;
  for (std::uint32_t stripe = 0; stripe < stripe_count; ++stripe) {
    Lock lock(*this, stripe);
    kill_point(KillPoint::lost_locked);
    // An empty stripe's heads were never written; reading them would make their pages resident.
    if (read(stripes_[stripe].live.all) == 0 && read(stripes_[stripe].lost) == 0) continue;
    for (ConnectionIndex index : heads_of(stripe))
      for (; index != ConnectionIndex::none; index = record(index).next_in_bucket) {
        ConnectionRecord& r = record(index);
        ConnectionIdentity identity = identity_of(r).load();
        if (identity.state == ConnectionState::lost) {
          if (r.adopting == holder(dead)) r.adopting = holder(adopter);
        } else if (identity.holder == holder(dead)) {
          r.adopting = holder(adopter);
          kill_point(KillPoint::lost_adopter_set);
          count_out(stripe, r);
          identity.state = ConnectionState::lost;
          identity_of(r).store(identity);
          kill_point(KillPoint::lost_marked);
          count_in(stripe, r);
          kill_point(KillPoint::lost_counted);
          ++lost;
        }
      }
  }
  free_reserved_by(dead);
  return lost;
}

void ConnectionTable::repair_stripes() {
  for (std::uint32_t stripe = 0; stripe < stripe_count; ++stripe) Lock lock(*this, stripe);
}

std::size_t ConnectionTable::take_lost(WorkerSlot adopter, std::span<ConnectionRecord> out) {
  std::size_t taken = 0;
  for (std::uint32_t stripe = 0; stripe < stripe_count && taken < out.size(); ++stripe) {
    if (read(stripes_[stripe].lost) == 0) continue;
    Lock lock(*this, stripe);
    kill_point(KillPoint::take_locked);
    for (ConnectionIndex& head : heads_of(stripe)) {
      for (ConnectionIndex* link = &head; *link != ConnectionIndex::none && taken < out.size();) {
        ConnectionRecord& r = record(*link);
        if (r.state() != ConnectionState::lost || r.adopting != holder(adopter)) {
          link = &r.next_in_bucket;
          continue;
        }
        out[taken++] = copy(r);
        *link = r.next_in_bucket;
        kill_point(KillPoint::take_unlinked);
        count_out(stripe, r);
        kill_point(KillPoint::take_counted);
        give_back(r);
        kill_point(KillPoint::take_freed);
      }
      if (taken == out.size()) break;
    }
  }
  return taken;
}

bool ConnectionTable::has_lost() const noexcept {
  return std::any_of(stripes_.begin(), stripes_.end(), [](const Stripe& stripe) { return read(stripe.lost) != 0; });
}

// Reserved records stand in no chain, so they are found by walking the array. A marked place whose record is free is
// what a process leaves that died between the two steps of give_back().
void ConnectionTable::free_reserved_by(WorkerSlot dead) noexcept {
  const std::uint32_t end = free_map_.high_water();
  for (std::uint32_t place = 0; place < end; ++place) {
    ConnectionIdentity seen = identity_of(records_[place]).load();
    if (seen.state == ConnectionState::reserved && seen.holder == holder(dead)) {
      give_back(records_[place]);
    } else if (seen.state == ConnectionState::free && free_map_.is_marked(place)) {
      free_map_.mark_free(place);
    }
  }
}

// --- index -------------------------------------------------------------------------------------------------------------

std::span<ConnectionIndex> ConnectionTable::heads_of(std::uint32_t stripe) const noexcept {
  const std::size_t each = heads_.size() / stripe_count;
  return heads_.subspan(stripe * each, each);
}

ConnectionIndex& ConnectionTable::head_of(ConnectionId id) const noexcept {
  return heads_of(stripe_of(id))[(number(id) & header_->bucket_mask) / stripe_count];
}

ConnectionRecord& ConnectionTable::record(ConnectionIndex index) const noexcept {
  return records_[static_cast<std::uint32_t>(index) - 1];
}

ConnectionIndex* ConnectionTable::link_to(ConnectionId id) const noexcept {
  ConnectionIndex* link = &head_of(id);
  while (*link != ConnectionIndex::none) {
    if (record(*link).id() == id) return link;
    link = &record(*link).next_in_bucket;
  }
  return nullptr;
}

ConnectionRecord* ConnectionTable::owned(ConnectionId id, WorkerSlot owner) const noexcept {
  ConnectionIndex* link = link_to(id);
  if (link == nullptr) return nullptr;
  ConnectionRecord& r = record(*link);
  return r.identity.holder == holder(owner) && is_listed(r.state()) ? &r : nullptr;
}

void ConnectionTable::count_in(std::uint32_t stripe, const ConnectionRecord& r) const noexcept {
  Stripe& counts = stripes_[stripe];
  if (r.state() == ConnectionState::lost) return add(counts.lost, 1);
  add(counts.live.all, 1);
  if (!r.is_websocket()) return;
  add(counts.live.websocket, 1);
  if (r.sub_protocol() == SubProtocol::sip) add(counts.live.sip, 1);
  if (r.sub_protocol() == SubProtocol::msrp) add(counts.live.msrp, 1);
}

void ConnectionTable::count_out(std::uint32_t stripe, const ConnectionRecord& r) const noexcept {
  constexpr std::uint32_t minus_one = ~std::uint32_t{0};
  Stripe& counts = stripes_[stripe];
  if (r.state() == ConnectionState::lost) return add(counts.lost, minus_one);
  add(counts.live.all, minus_one);
  if (!r.is_websocket()) return;
  add(counts.live.websocket, minus_one);
  if (r.sub_protocol() == SubProtocol::sip) add(counts.live.sip, minus_one);
  if (r.sub_protocol() == SubProtocol::msrp) add(counts.live.msrp, minus_one);
}

// The array is the truth. Records of other stripes change while this runs, but none can come into this stripe or leave
// it without its lock: the identity is one word.
void ConnectionTable::rebuild(std::uint32_t stripe) const noexcept {
  for (ConnectionIndex& head : heads_of(stripe)) head = ConnectionIndex::none;
  clear(stripes_[stripe].live);
  std::atomic_ref(stripes_[stripe].lost).store(0, relaxed);
  kill_point(KillPoint::rebuild_cleared);
  const std::uint32_t end = free_map_.high_water();
  for (std::uint32_t place = 0; place < end; ++place) {
    const ConnectionIdentity identity = identity_of(records_[place]).load();
    if (!is_chained(identity.state) || stripe_of(identity.id) != stripe) continue;
    ConnectionIndex& head = head_of(identity.id);
    records_[place].next_in_bucket = head;
    head = static_cast<ConnectionIndex>(place + 1);
    count_in(stripe, records_[place]);
    kill_point(KillPoint::rebuild_half);
  }
  kill_point(KillPoint::rebuild_done);
}

void ConnectionTable::give_back(ConnectionRecord& r) noexcept {
  identity_of(r).store(ConnectionIdentity{});
  kill_point(KillPoint::retire_freed);
  free_map_.mark_free(static_cast<std::uint32_t>(&r - records_.data()));
  kill_point(KillPoint::retire_unmarked);
}

void ConnectionTable::note_peak() noexcept {
  const LiveConnections now = live();
  raise(header_->peak.all, now.all);
  raise(header_->peak.websocket, now.websocket);
  raise(header_->peak.sip, now.sip);
  raise(header_->peak.msrp, now.msrp);
}

}  // namespace sipwsd::shm
