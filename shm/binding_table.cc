#include "shm/binding_table.h"

#include "shm/kill_point.h"
#include "src/base/assert.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>

namespace sipwsd::shm {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

std::uint32_t buckets_for(const Limits& limits) {
  return std::clamp<std::uint32_t>(std::bit_ceil(limits.bindings()), 2048, 1u << 23) / 2;
}

// What stands in a block in front of the texts.
constexpr std::size_t text_count = 8;
struct BlockHead {
  std::int64_t updated_at;
  Endpoint remote, local;
  std::uint32_t reg_id, cseq, methods;
  std::int16_t q;
  std::uint16_t flags;
  std::uint16_t lengths[text_count];
};
static_assert(ShmSafe<BlockHead>);

constexpr std::array<std::string_view Binding::*, text_count> texts{
    &Binding::aor,     &Binding::contact,  &Binding::parameters, &Binding::instance,
    &Binding::call_id, &Binding::received, &Binding::path,       &Binding::user_agent};

std::size_t block_bytes(const Binding& binding) {
  std::size_t sum = sizeof(BlockHead);
  for (const auto text : texts) sum += (binding.*text).size();
  return sum;
}

void write_block(const Binding& binding, MutableBytes block) {
  BlockHead head{binding.updated_at, binding.to.remote, binding.to.local, binding.reg_id, binding.cseq,
                 binding.methods,    binding.q,         binding.flags,    {}};
  std::byte* at = block.data() + sizeof head;
  for (std::size_t i = 0; i < text_count; ++i) {
    const std::string_view text = binding.*texts[i];
    head.lengths[i] = static_cast<std::uint16_t>(text.size());
    at = reinterpret_cast<std::byte*>(std::copy(text.begin(), text.end(), reinterpret_cast<char*>(at)));
  }
  std::memcpy(block.data(), &head, sizeof head);
}

// The texts become views into `block`.
void read_block(const std::byte* block, Binding& out) {
  BlockHead head;
  std::memcpy(&head, block, sizeof head);
  out.updated_at = head.updated_at;
  out.to.remote = head.remote;
  out.to.local = head.local;
  out.reg_id = head.reg_id;
  out.cseq = head.cseq;
  out.methods = head.methods;
  out.q = head.q;
  out.flags = head.flags;
  const char* at = reinterpret_cast<const char*>(block + sizeof head);
  for (std::size_t i = 0; i < text_count; ++i) {
    out.*texts[i] = {at, head.lengths[i]};
    at += head.lengths[i];
  }
}

template <typename T>
T peek(T& word) {
  return std::atomic_ref(word).load(relaxed);
}
template <typename T>
void put(T& word, std::type_identity_t<T> value) {
  std::atomic_ref(word).store(value, relaxed);
}

}  // namespace

class BindingTable::Lock {
 public:
  Lock(const BindingTable& table, std::uint32_t stripe)
      : lock_(table.stripes_[stripe].head, [&] { table.repair(stripe); }) {}

 private:
  StripeLock lock_;
};

// --- carving -----------------------------------------------------------------------------------------------------------

std::size_t BindingTable::bytes_needed(const Limits& limits) {
  static_assert(ShmSafe<Entry> && ShmSafe<Stripe> && ShmSafe<Bucket>);
  return Segment::carved_array<Header>(1) + Segment::carved_array<Stripe>(stripe_count) +
         Segment::carved_array<Bucket>(buckets_for(limits)) + Segment::carved_array<Entry>(limits.bindings()) +
         FreeMap::bytes_needed(limits.bindings()) + SlabPool::bytes_needed(limits);
}

BindingTable BindingTable::construct(Segment& segment, const Limits& limits, const base::SipHashKey& key) {
  BindingTable table;
  table.header_ = &segment.carve_one<Header>();
  table.header_->key = key;
  table.header_->bucket_mask = buckets_for(limits) - 1;
  table.stripes_ = segment.carve_array<Stripe>(stripe_count);
  for (Stripe& stripe : table.stripes_) stripe.head.mutex.init();
  table.buckets_ = segment.carve_array<Bucket>(buckets_for(limits));
  table.entries_ = segment.carve_array<Entry>(limits.bindings());
  table.free_map_ = FreeMap::construct(segment, limits.bindings());
  table.pool_ = SlabPool::construct(segment, limits);
  return table;
}

// --- one address of record ---------------------------------------------------------------------------------------------

void BindingTable::snapshot(std::string_view aor, BindingSnapshot& out) const {
  copy_chain(key_of(aor), out, [](const Entry&) { return true; });
}

void BindingTable::lookup(std::string_view aor, std::int64_t now, BindingSnapshot& out, Suspended suspended) const {
  copy_chain(key_of(aor), out, [now, suspended](const Entry& e) {
    return !is_over(e, now) && (e.state == BindingState::active || suspended == Suspended::included);
  });
}

Result<void> BindingTable::commit(ProcessSlot self, std::string_view aor, std::uint64_t version,
                                  std::span<const BindingChange> changes) {
  if (changes.size() > max_changes) return Errc::too_large;
  const Key key = key_of(aor);
  std::array<EntryIndex, max_changes> adds, removes;
  std::size_t add_count = 0, remove_count = 0;
  const auto discard_adds = [&] { std::for_each_n(adds.begin(), add_count, [&](EntryIndex i) { discard(i); }); };

  for (const BindingChange& change : changes) {
    if (change.kind == BindingChange::Kind::remove) continue;
    const auto prepared = prepare(self, key, change.binding);
    if (!prepared) {
      discard_adds();
      return prepared.error();
    }
    adds[add_count++] = *prepared;
  }
  kill_point(KillPoint::commit_prepared);

  Errc refused{};
  bool is_refused = false;
  {
    Lock lock(*this, key.stripe);
    kill_point(KillPoint::commit_locked);
    const auto refuse = [&](Errc why) {
      refused = why;
      is_refused = true;
    };
    if (bucket(key.bucket).version != version) refuse(Errc::exists);
    for (const BindingChange& change : changes) {
      if (is_refused) break;
      if (change.kind == BindingChange::Kind::add) continue;
      EntryIndex at = bucket(key.bucket).head;
      while (at != EntryIndex::none && entry(at).serial != change.serial) at = entry(at).next;
      const auto end = removes.begin() + static_cast<std::ptrdiff_t>(remove_count);
      if (at == EntryIndex::none || !is_of(entry(at), key)) {
        refuse(Errc::exists);
      } else if (std::find(removes.begin(), end, at) != end) {
        refuse(Errc::malformed);  // two changes for one binding
      } else {
        removes[remove_count++] = at;
      }
    }
    if (!is_refused && !changes.empty()) apply(self, key.bucket, {adds.data(), add_count}, {removes.data(), remove_count});
  }
  kill_point(KillPoint::commit_unlocked);
  if (is_refused) {
    discard_adds();
    return refused;
  }
  std::for_each_n(removes.begin(), remove_count, [&](EntryIndex i) { discard(i); });
  return {};
}

// --- clients -----------------------------------------------------------------------------------------------------------

ClientId BindingTable::client_id(std::string_view aor, std::string_view instance, std::string_view contact) const noexcept {
  return client_of(key_of(aor).hash, who(instance, contact));
}

const Binding* BindingTable::find_client(ClientId client, std::int64_t now, BindingSnapshot& out) const {
  const std::uint32_t number_of_bucket = static_cast<std::uint32_t>(number(client)) & header_->bucket_mask;
  const auto better = [](const Entry& a, const Entry& b) {
    if (a.state != b.state) return a.state == BindingState::active;
    if (a.state == BindingState::suspended && a.suspended_until != b.suspended_until)
      return a.suspended_until > b.suspended_until;
    return a.serial > b.serial;
  };
  out.clear();
  // The largest block: whatever is found has room.
  if (out.bytes_.size() < SlabPool::sizes.back()) out.bytes_.resize(SlabPool::sizes.back());
  out.bindings_.reserve(1);
  Lock lock(*this, number_of_bucket % stripe_count);
  const Entry* found = nullptr;
  for (EntryIndex at = bucket(number_of_bucket).head; at != EntryIndex::none; at = entry(at).next) {
    const Entry& e = entry(at);
    if (client_of(e.aor_hash, e.who) != client || is_over(e, now)) continue;
    if (found == nullptr || better(e, *found)) found = &e;
  }
  if (found == nullptr || !copy_out(*found, out)) return nullptr;
  return &out.bindings_.front();
}

base::SipHashKey BindingTable::derived_key(std::string_view purpose) const noexcept {
  const base::SipHashKey inner{header_->key.k0 ^ 0x6465726976656431ULL, header_->key.k1};
  const base::SipHashKey outer{header_->key.k0 ^ 0x6465726976656432ULL, header_->key.k1};
  return {base::siphash(inner, purpose), base::siphash(outer, purpose)};
}

std::uint32_t BindingTable::who(std::string_view instance, std::string_view contact) const noexcept {
  const base::SipHashKey key{header_->key.k0 ^ 0x77686f2063616c6cULL, header_->key.k1};
  const auto hash = static_cast<std::uint32_t>(base::siphash(key, instance.empty() ? contact : instance) >> 40);
  return hash == 0 ? 1 : hash;
}

ClientId BindingTable::client_of(std::uint64_t aor_hash, std::uint32_t who) noexcept {
  constexpr std::uint64_t low = (std::uint64_t{1} << 40) - 1;  // more than a bucket's number needs
  return ClientId{std::uint64_t{who} << 40 | (aor_hash & low)};
}

bool BindingTable::is_over(const Entry& e, std::int64_t now) noexcept {
  return (e.expires_at != 0 && e.expires_at <= now) || (e.state == BindingState::suspended && e.suspended_until <= now);
}

// --- flows -------------------------------------------------------------------------------------------------------------

std::size_t BindingTable::drop_flow(ProcessSlot self, std::string_view aor, Flow flow, FlowLoss loss) {
  if (flow.connection == ConnectionId::none) return 0;
  const Key key = key_of(aor);
  std::size_t dropped = 0;
  for (;;) {
    std::array<EntryIndex, max_changes> removes;
    std::size_t remove_count = 0;
    {
      Lock lock(*this, key.stripe);
      kill_point(KillPoint::drop_locked);
      for (EntryIndex at = bucket(key.bucket).head; at != EntryIndex::none && remove_count < removes.size();
           at = entry(at).next) {
        Entry& e = entry(at);
        if (e.connection != flow.connection || e.owner != flow.owner || !is_of(e, key)) continue;
        if (loss.removes()) {
          removes[remove_count++] = at;
        } else if (e.state == BindingState::active) {
          put(e.suspended_until, loss.suspended_until);
          e.state = BindingState::suspended;
          kill_point(KillPoint::drop_suspended);
          ++bucket(key.bucket).version;
          ++dropped;
        }
      }
      if (remove_count != 0) apply(self, key.bucket, {}, {removes.data(), remove_count});
    }
    std::for_each_n(removes.begin(), remove_count, [&](EntryIndex i) { discard(i); });
    dropped += remove_count;
    if (remove_count < removes.size()) return dropped;
  }
}

std::size_t BindingTable::drop_flow(ProcessSlot self, Flow flow, FlowLoss loss) {
  if (flow.connection == ConnectionId::none) return 0;
  return drop_all(self, loss, [flow](Entry& e) {
    return peek(e.connection) == flow.connection && peek(e.owner) == flow.owner;
  });
}

std::size_t BindingTable::drop_owner(ProcessSlot self, WorkerSlot dead, FlowLoss loss) {
  return drop_all(self, loss, [dead](Entry& e) {
    return peek(e.owner) == dead && peek(e.connection) != ConnectionId::none;
  });
}

// --- whole table -------------------------------------------------------------------------------------------------------

std::size_t BindingTable::expire(ProcessSlot self, std::int64_t now, std::uint32_t& cursor, std::uint32_t budget,
                                 BindingSnapshot& removed) {
  removed.clear();
  if (removed.bytes_.size() < 16 * SlabPool::sizes.back()) removed.bytes_.resize(16 * SlabPool::sizes.back());
  removed.bindings_.reserve(64);
  const std::uint32_t used = free_map_.high_water();
  const std::uint32_t end = budget < used - std::min(cursor, used) ? cursor + budget : used;
  std::size_t count = 0;
  for (; cursor < end; ++cursor) {
    const Dropped dropped = drop_one(self, cursor, FlowLoss::remove, &removed, [now](Entry& e) {
      const std::int64_t expires_at = peek(e.expires_at), suspended_until = peek(e.suspended_until);
      return (expires_at != 0 && expires_at <= now) || (suspended_until != 0 && suspended_until <= now);
    });
    if (dropped == Dropped::no_room) return count;
    if (dropped == Dropped::one) ++count;
  }
  if (cursor >= used) cursor = 0;
  return count;
}

void BindingTable::copy_stripe(std::uint32_t stripe, BindingSnapshot& out) const {
  for (;;) {
    out.clear();
    std::size_t bytes = 0, count = 0;
    bool is_complete = true;
    // An empty stripe's buckets were perhaps never written; reading them would make their pages resident.
    if (peek(stripes_[stripe].contacts) == 0) return;
    {
      Lock lock(*this, stripe);
      for (const Bucket& chain : buckets_of(stripe))
        for (EntryIndex at = chain.head; at != EntryIndex::none; at = entry(at).next) {
          ++count;
          bytes += entry(at).text_bytes;
          is_complete = is_complete && copy_out(entry(at), out);
        }
    }
    if (is_complete) return;
    out.bytes_.resize(bytes + SlabPool::sizes.back());
    out.bindings_.reserve(count + 8);
  }
}

std::uint32_t BindingTable::contacts() const noexcept {
  std::uint32_t sum = 0;
  for (Stripe& stripe : stripes_) sum += peek(stripe.contacts);
  return sum;
}

std::uint32_t BindingTable::users() const noexcept {
  std::uint32_t sum = 0;
  for (Stripe& stripe : stripes_) sum += peek(stripe.users);
  return sum;
}

std::uint32_t BindingTable::repairs() const noexcept {
  std::uint32_t sum = 0;
  for (Stripe& stripe : stripes_) sum += peek(stripe.head.repairs);
  return sum;
}

// --- after a death -----------------------------------------------------------------------------------------------------

void BindingTable::repair_stripes() {
  for (std::uint32_t stripe = 0; stripe < stripe_count; ++stripe) Lock lock(*this, stripe);
}

std::uint32_t BindingTable::release_of(ProcessSlot dead) noexcept {
  std::uint32_t released = pool_.release_of(dead);
  const auto holder = static_cast<std::uint16_t>(number(dead) + 1);
  const std::uint32_t end = free_map_.high_water();
  for (std::uint32_t place = 0; place < end; ++place) {
    std::atomic_ref claim(entries_[place].claim);
    const Claim seen = claim.load();
    if (seen.state == ClaimState::reserved && seen.holder == holder) {
      claim.store(Claim{});
      free_map_.mark_free(place);
      ++released;
    } else if (seen.state == ClaimState::free && free_map_.is_marked(place)) {
      free_map_.mark_free(place);
    }
  }
  return released;
}

// --- entries -----------------------------------------------------------------------------------------------------------

BindingTable::Key BindingTable::key_of(std::string_view aor) const noexcept {
  const std::uint64_t hash = base::siphash(header_->key, aor);
  const std::uint32_t bucket = static_cast<std::uint32_t>(hash) & header_->bucket_mask;
  return {aor, hash, bucket, bucket % stripe_count};
}

BindingTable::Entry& BindingTable::entry(EntryIndex index) const noexcept {
  return entries_[static_cast<std::uint32_t>(index) - 1];
}

std::span<BindingTable::Bucket> BindingTable::buckets_of(std::uint32_t stripe) const noexcept {
  const std::size_t each = buckets_.size() / stripe_count;
  return buckets_.subspan(stripe * each, each);
}

BindingTable::Bucket& BindingTable::bucket(std::uint32_t number) const noexcept {
  return buckets_of(number % stripe_count)[number / stripe_count];
}

ByteView BindingTable::texts_of(const Entry& e) const noexcept { return pool_.bytes(e.block).first(e.text_bytes); }

bool BindingTable::is_of(const Entry& e, const Key& key) const noexcept {
  if (e.aor_hash != key.hash) return false;
  Binding binding;
  read_block(texts_of(e).data(), binding);
  return binding.aor == key.aor;
}

Result<BindingTable::EntryIndex> BindingTable::prepare(ProcessSlot self, const Key& key, const Binding& binding) {
  Binding full = binding;
  full.aor = key.aor;
  const std::size_t bytes = block_bytes(full);
  if (bytes > SlabPool::sizes.back()) return Errc::too_large;
  const Claim reserved{key.bucket, static_cast<std::uint16_t>(number(self) + 1), ClaimState::reserved};
  const auto place = free_map_.claim(
      [&](std::uint32_t at) {
        Claim free{};
        return std::atomic_ref(entries_[at].claim).compare_exchange_strong(free, reserved);
      },
      [&](std::uint32_t at) { return std::atomic_ref(entries_[at].claim).load().state == ClaimState::free; });
  if (!place) return Errc::full;
  kill_point(KillPoint::commit_entry_claimed);
  Entry& e = entries_[*place];
  const auto block = pool_.reserve(self, bytes);
  if (!block) {
    std::atomic_ref(e.claim).store(Claim{});
    free_map_.mark_free(*place);
    return block.error();
  }
  kill_point(KillPoint::commit_block_reserved);
  write_block(full, pool_.bytes(*block));
  kill_point(KillPoint::commit_texts_written);
  e.serial = std::atomic_ref(header_->serials).fetch_add(1, relaxed) + 1;
  e.aor_hash = key.hash;
  // Walkers of the table look at these four without the lock, before they take it.
  put(e.expires_at, binding.expires_at);
  put(e.suspended_until, binding.state == BindingState::suspended ? binding.suspended_until : 0);
  put(e.connection, binding.to.flow.connection);
  put(e.owner, binding.to.flow.owner);
  e.who = who(binding.instance, binding.contact);
  e.state = binding.state;
  e.block = *block;
  e.text_bytes = static_cast<std::uint32_t>(bytes);
  e.next = EntryIndex::none;
  return static_cast<EntryIndex>(*place + 1);
}

// Of an entry that this process has reserved.
void BindingTable::discard(EntryIndex index) noexcept {
  pool_.release(entry(index).block);
  kill_point(KillPoint::commit_block_released);
  std::atomic_ref(entry(index).claim).store(Claim{});
  free_map_.mark_free(static_cast<std::uint32_t>(index) - 1);
}

// --- changes under the lock --------------------------------------------------------------------------------------------

void BindingTable::apply(ProcessSlot self, std::uint32_t number_of_bucket, std::span<const EntryIndex> adds,
                         std::span<const EntryIndex> removes) const noexcept {
  Stripe& stripe = stripes_[number_of_bucket % stripe_count];
  Note& note = stripe.note;
  note.holder = number(self);
  note.bucket = number_of_bucket;
  note.adds = static_cast<std::uint8_t>(adds.size());
  note.removes = static_cast<std::uint8_t>(removes.size());
  std::copy(adds.begin(), adds.end(), note.add);
  kill_point(KillPoint::commit_half_noted);
  std::copy(removes.begin(), removes.end(), note.remove);
  std::atomic_ref(note.active).store(1);
  kill_point(KillPoint::commit_noted);
  carry_out(note);

  Bucket& chain = bucket(number_of_bucket);
  const auto same_aor = [&](std::uint64_t hash) {
    std::uint32_t count = 0;
    for (EntryIndex at = chain.head; at != EntryIndex::none; at = entry(at).next) count += entry(at).aor_hash == hash;
    return count;
  };
  // One change is about one address of record.
  const std::uint64_t hash = entry(adds.empty() ? removes.front() : adds.front()).aor_hash;
  const bool was_user = same_aor(hash) != 0;
  for (const EntryIndex removed : removes) {
    EntryIndex* link = &chain.head;
    while (*link != removed) link = &entry(*link).next;
    *link = entry(removed).next;
  }
  for (const EntryIndex added : adds) {
    entry(added).next = chain.head;
    chain.head = added;
  }
  const bool is_user = same_aor(hash) != 0;
  put(stripe.contacts, static_cast<std::uint32_t>(stripe.contacts + adds.size() - removes.size()));
  put(stripe.users, stripe.users + (is_user ? 1u : 0u) - (was_user ? 1u : 0u));
  ++chain.version;
  kill_point(KillPoint::commit_linked);
  std::atomic_ref(note.active).store(0);
  kill_point(KillPoint::commit_done);
}

// May be repeated: by the next taker of the lock, as often as takers die.
void BindingTable::carry_out(const Note& note) const noexcept {
  const auto holder = static_cast<ProcessSlot>(note.holder);
  for (std::uint32_t i = 0; i < note.adds; ++i) {
    Entry& e = entry(note.add[i]);
    pool_.keep(e.block);
    std::atomic_ref(e.claim).store(Claim{note.bucket, 0, ClaimState::used});
    kill_point(KillPoint::commit_added);
  }
  for (std::uint32_t i = 0; i < note.removes; ++i) {
    Entry& e = entry(note.remove[i]);
    pool_.give_up(e.block, holder);
    std::atomic_ref(e.claim).store(
        Claim{note.bucket, static_cast<std::uint16_t>(note.holder + 1), ClaimState::reserved});
    kill_point(KillPoint::commit_removed);
  }
}

void BindingTable::repair(std::uint32_t stripe) const noexcept {
  Note& note = stripes_[stripe].note;
  if (std::atomic_ref(note.active).load() != 0) carry_out(note);
  kill_point(KillPoint::repair_carried_out);
  rebuild(stripe);
  std::atomic_ref(note.active).store(0);
  kill_point(KillPoint::repair_done);
}

void BindingTable::rebuild(std::uint32_t number_of_stripe) const noexcept {
  Stripe& stripe = stripes_[number_of_stripe];
  for (Bucket& chain : buckets_of(number_of_stripe)) {
    chain.head = EntryIndex::none;
    ++chain.version;  // whoever has a snapshot from before takes another
  }
  put(stripe.contacts, 0);
  put(stripe.users, 0);
  kill_point(KillPoint::repair_cleared);
  const std::uint32_t end = free_map_.high_water();
  for (std::uint32_t place = 0; place < end; ++place) {
    const Claim claim = std::atomic_ref(entries_[place].claim).load();
    if (claim.state != ClaimState::used || claim.bucket % stripe_count != number_of_stripe) continue;
    Bucket& chain = bucket(claim.bucket);
    Entry& e = entries_[place];
    bool is_known = false;
    for (EntryIndex at = chain.head; at != EntryIndex::none; at = entry(at).next)
      is_known = is_known || entry(at).aor_hash == e.aor_hash;
    e.next = chain.head;
    chain.head = static_cast<EntryIndex>(place + 1);
    put(stripe.contacts, stripe.contacts + 1);
    if (!is_known) put(stripe.users, stripe.users + 1);
    kill_point(KillPoint::repair_half);
  }
}

// --- copying and dropping ----------------------------------------------------------------------------------------------

template <typename Wanted>
void BindingTable::copy_chain(const Key& key, BindingSnapshot& out, Wanted wanted) const {
  for (;;) {
    out.clear();
    std::size_t bytes = 0, count = 0;
    bool is_complete = true;
    {
      Lock lock(*this, key.stripe);
      const Bucket& chain = bucket(key.bucket);
      out.version_ = chain.version;
      for (EntryIndex at = chain.head; at != EntryIndex::none; at = entry(at).next) {
        const Entry& e = entry(at);
        if (!is_of(e, key) || !wanted(e)) continue;
        ++count;
        bytes += e.text_bytes;
        is_complete = is_complete && copy_out(e, out);
      }
    }
    if (is_complete) break;
    out.bytes_.resize(bytes + SlabPool::sizes.back());
    out.bindings_.reserve(count + 8);
  }
  // Chains are newest first until a repair links them anew.
  const auto newer = [](const Binding& a, const Binding& b) { return a.serial > b.serial; };
  if (!std::is_sorted(out.bindings_.begin(), out.bindings_.end(), newer))
    std::sort(out.bindings_.begin(), out.bindings_.end(), newer);
}

// False when `out` has no room; it never allocates.
bool BindingTable::copy_out(const Entry& e, BindingSnapshot& out) const noexcept {
  if (out.bytes_.size() - out.used_ < e.text_bytes || out.bindings_.size() == out.bindings_.capacity()) return false;
  std::byte* copy = out.bytes_.data() + out.used_;
  std::memcpy(copy, texts_of(e).data(), e.text_bytes);
  out.used_ += e.text_bytes;
  Binding& binding = out.bindings_.emplace_back();
  read_block(copy, binding);
  binding.expires_at = e.expires_at;
  binding.to.flow = {e.connection, e.owner};
  binding.state = e.state;
  binding.suspended_until = e.suspended_until;
  binding.client = client_of(e.aor_hash, e.who);
  binding.serial = e.serial;
  return true;
}

// `matches` is asked twice: without the lock, to pass over most entries quickly, and under it.
template <typename Matches>
BindingTable::Dropped BindingTable::drop_one(ProcessSlot self, std::uint32_t place, FlowLoss loss,
                                             BindingSnapshot* removed, Matches matches) {
  Entry& e = entries_[place];
  const auto index = static_cast<EntryIndex>(place + 1);
  const Claim claim = std::atomic_ref(e.claim).load();
  if (claim.state != ClaimState::used || !matches(e)) return Dropped::nothing;
  {
    Lock lock(*this, claim.bucket % stripe_count);
    kill_point(KillPoint::drop_locked);
    const Claim now = std::atomic_ref(e.claim).load();
    if (now.state != ClaimState::used || now.bucket != claim.bucket || !matches(e)) return Dropped::nothing;
    if (!loss.removes()) {
      if (e.state == BindingState::suspended) return Dropped::nothing;
      put(e.suspended_until, loss.suspended_until);
      e.state = BindingState::suspended;
      kill_point(KillPoint::drop_suspended);
      ++bucket(claim.bucket).version;
      return Dropped::one;
    }
    if (removed != nullptr && !copy_out(e, *removed)) return Dropped::no_room;
    kill_point(KillPoint::drop_noted);
    apply(self, claim.bucket, {}, {&index, 1});
  }
  discard(index);
  return Dropped::one;
}

template <typename Matches>
std::size_t BindingTable::drop_all(ProcessSlot self, FlowLoss loss, Matches matches) {
  std::size_t count = 0;
  const std::uint32_t end = free_map_.high_water();
  for (std::uint32_t place = 0; place < end; ++place)
    if (drop_one(self, place, loss, nullptr, matches) == Dropped::one) ++count;
  return count;
}

}  // namespace sipwsd::shm
