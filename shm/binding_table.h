#pragma once
// The location service: which contacts an address of record has (RFC 3261 10.3, RFC 5626 flows). An entry (64 bytes)
// is the truth about a binding, its texts stand in a block of the slab pool; chains are the index, striped by a keyed
// hash of the address of record.
//
// A binding leads to where its REGISTER came from: along a flow, or to an address. When the flow is lost it may stay for a
// while, suspended: no target, but whoever asks for its client (ClientId) learns that it is expected back. The client's
// next REGISTER, over whatever flow, makes it active again.
//
// One REGISTER is one change: the caller takes a snapshot with its version, decides without any lock, and commits a list
// of changes that is applied as a whole or not at all, also when the committing process is killed in the middle: the
// stripe holds a note of what is being done, and the next taker of the lock completes it.
//
// Invariants
//  1. An entry whose claim says used is in the chain of its hash; a reserved one is in none and belongs to its holder.
//  2. Texts of a used entry never change; a refreshed binding is a new entry in place of the old one.
//  3. A used entry's claim changes only under its stripe's lock.
// Writers: a stripe's lock holder; a reserved entry's holder. Locks: the stripe. After a death: the noted change is
// completed, the chains rebuilt; what the dead process had reserved is freed by reap().

#include "sipwsd/bytes.h"
#include "sipwsd/connection_id.h"
#include "sipwsd/destination.h"
#include "sipwsd/result.h"

#include "src/base/siphash.h"

#include "shm/free_map.h"
#include "shm/limits.h"
#include "shm/process_slot.h"
#include "shm/segment.h"
#include "shm/slab_pool.h"
#include "shm/stripe.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace sipwsd::shm {

enum class BindingState : std::uint8_t {
  active = 0,
  suspended,  // its flow is lost; its client is expected back
};

// What a binding is; the texts are views of memory that outlives the call (or of a BindingSnapshot).
struct Binding {
  std::string_view aor;         // canonical: as the registrar compares it
  std::string_view contact;     // the contact URI, no brackets
  std::string_view parameters;  // contact parameters to give back, as written (";+sip.ice;audio"), without q, expires, instance, reg-id
  std::string_view instance;    // +sip.instance value with its brackets, without quotes
  std::string_view call_id;
  std::string_view received;    // URI of the source, when it differs from the contact
  std::string_view path;        // Path header values, comma separated (RFC 3327)
  std::string_view user_agent;
  std::uint32_t reg_id = 0;     // RFC 5626; 0: none
  std::uint32_t cseq = 0;
  std::int16_t q = -1;          // thousandths; -1: not given
  std::uint16_t flags = 0;      // the registrar's own
  std::uint32_t methods = 0;    // bit set; 0: not said
  std::int64_t expires_at = 0;  // monotonic seconds; 0: never
  std::int64_t updated_at = 0;  // monotonic seconds
  Destination to;               // where the REGISTER came from; not known: reached by its Path or its URI
  BindingState state = BindingState::active;
  std::int64_t suspended_until = 0;   // monotonic seconds; suspended: gone from then on, or when it expires before
  ClientId client = ClientId::none;   // given by commit(): of aor and instance or contact
  std::uint64_t serial = 0;     // names this very entry; given by commit(), never given again
};

// Copies of bindings, with one buffer for all texts. Reuse the object: its memory stays, so a lookup allocates nothing.
class BindingSnapshot {
 public:
  BindingSnapshot() = default;
  BindingSnapshot(BindingSnapshot&&) = default;  // not copied: the texts are views of the own buffer
  BindingSnapshot& operator=(BindingSnapshot&&) = default;

  std::span<const Binding> bindings() const noexcept { return bindings_; }
  auto begin() const noexcept { return bindings_.begin(); }
  auto end() const noexcept { return bindings_.end(); }
  bool empty() const noexcept { return bindings_.empty(); }
  std::size_t size() const noexcept { return bindings_.size(); }
  const Binding& operator[](std::size_t i) const { return bindings_[i]; }
  std::uint64_t version() const noexcept { return version_; }  // for commit()
  void clear() noexcept {
    bindings_.clear();
    used_ = 0;
  }

 private:
  friend class BindingTable;
  std::vector<Binding> bindings_;
  std::vector<std::byte> bytes_;
  std::size_t used_ = 0;
  std::uint64_t version_ = 0;
};

struct BindingChange {
  enum class Kind : std::uint8_t { add, replace, remove } kind = Kind::add;
  std::uint64_t serial = 0;  // replace, remove: which
  Binding binding;           // add, replace: the new one (aor and serial are filled in)
};

// What becomes of bindings whose flow is lost.
struct FlowLoss {
  std::int64_t suspended_until = 0;  // monotonic seconds; 0: they are removed
  static const FlowLoss remove;
  static constexpr FlowLoss suspend(std::int64_t until) noexcept { return {until}; }
  constexpr bool removes() const noexcept { return suspended_until == 0; }
};
inline constexpr FlowLoss FlowLoss::remove{};

enum class Suspended : std::uint8_t { left_out, included };

class BindingTable {
 public:
  static constexpr std::size_t max_changes = 32;  // in one commit

  static std::size_t bytes_needed(const Limits& limits);
  static BindingTable construct(Segment& segment, const Limits& limits, const base::SipHashKey& key);

  // --- one address of record -----------------------------------------------------------------------------------------
  // All its bindings, expired and suspended ones too, newest first.
  void snapshot(std::string_view aor, BindingSnapshot& out) const;
  // Only those a request may be sent to: active and not expired; or also those whose client is expected back.
  void lookup(std::string_view aor, std::int64_t now, BindingSnapshot& out, Suspended suspended = Suspended::left_out) const;
  // All or nothing. Errc::exists: somebody changed the address of record since the snapshot, take another;
  // Errc::full: no room; Errc::too_large: more than max_changes, or texts above the largest block.
  [[nodiscard]] Result<void> commit(ProcessSlot self, std::string_view aor, std::uint64_t version,
                                    std::span<const BindingChange> changes);

  // --- clients -------------------------------------------------------------------------------------------------------
  // Who registers this contact, by the keyed hashes; instance empty: the contact itself. Never none.
  [[nodiscard]] ClientId client_id(std::string_view aor, std::string_view instance, std::string_view contact) const noexcept;
  // Where that client is now, copied into `out`: its newest active binding, else the suspended one with the most time
  // left; null when it has neither.
  const Binding* find_client(ClientId client, std::int64_t now, BindingSnapshot& out) const;
  // A secret that all processes of this segment have and nobody else, one for each purpose.
  [[nodiscard]] base::SipHashKey derived_key(std::string_view purpose) const noexcept;

  // --- flows ---------------------------------------------------------------------------------------------------------
  // The connection is gone; the owner knows which addresses of record registered over it. How many bindings changed.
  std::size_t drop_flow(ProcessSlot self, std::string_view aor, Flow flow, FlowLoss loss);
  // All bindings over that connection, by walking the table: for when the addresses are not known.
  std::size_t drop_flow(ProcessSlot self, Flow flow, FlowLoss loss);
  // The reaper: all bindings over connections of a dead worker.
  std::size_t drop_owner(ProcessSlot self, WorkerSlot dead, FlowLoss loss);

  // --- whole table ---------------------------------------------------------------------------------------------------
  // Looks at up to `budget` entries from `cursor` on (0 at first; comes back as 0 after the last) and removes the
  // expired and those that were suspended long enough; copies of them are in `removed`, which may end the call early when its buffer is full.
  std::size_t expire(ProcessSlot self, std::int64_t now, std::uint32_t& cursor, std::uint32_t budget,
                     BindingSnapshot& removed);
  // Copies of one stripe's bindings, replacing what `out` holds; in no order.
  void copy_stripe(std::uint32_t stripe, BindingSnapshot& out) const;
  static constexpr std::uint32_t stripes() noexcept { return stripe_count; }
  std::uint32_t contacts() const noexcept;
  std::uint32_t users() const noexcept;  // addresses of record that have one
  std::uint32_t capacity() const noexcept { return free_map_.places(); }
  std::uint32_t blocks_in_use() const noexcept { return pool_.in_use(); }  // walks the pool
  std::uint32_t repairs() const noexcept;

  // --- after a death -------------------------------------------------------------------------------------------------
  void repair_stripes();
  std::uint32_t release_of(ProcessSlot dead) noexcept;  // frees what it had reserved; after repair_stripes()

 private:
  enum class EntryIndex : std::uint32_t { none = 0 };
  enum class ClaimState : std::uint8_t { free = 0, reserved, used };
  struct alignas(8) Claim {
    std::uint32_t bucket = 0;
    std::uint16_t holder = 0;  // slot + 1 while reserved
    ClaimState state = ClaimState::free;
    std::uint8_t unused = 0;
  };
  struct Entry {
    Claim claim;  // std::atomic_ref
    std::uint64_t serial;
    std::uint64_t aor_hash;
    std::int64_t expires_at;
    std::int64_t suspended_until;
    ConnectionId connection;
    WorkerSlot owner;
    BindingState state;
    std::uint8_t unused;
    BlockIndex block;
    std::uint32_t text_bytes;
    EntryIndex next;
    std::uint32_t who;  // of the client: the high bits of its ClientId
  };
  static_assert(sizeof(Entry) == 64);
  struct Bucket {
    EntryIndex head;
    std::uint32_t version;  // of all addresses of record in it
  };
  // What a commit is doing: valid while `active`, written before the first change.
  struct Note {
    std::uint32_t active;
    std::uint16_t holder;
    std::uint8_t adds, removes;
    std::uint32_t bucket;
    EntryIndex add[max_changes], remove[max_changes];
  };
  struct alignas(64) Stripe {
    StripeHead head;
    std::uint32_t contacts, users;  // index
    Note note;
  };
  struct Header {
    std::uint64_t serials;
    base::SipHashKey key;
    std::uint32_t bucket_mask;
  };
  struct Key {
    std::string_view aor;
    std::uint64_t hash;
    std::uint32_t bucket;
    std::uint32_t stripe;
  };
  enum class Dropped { nothing, one, no_room };
  class Lock;

  Key key_of(std::string_view aor) const noexcept;
  Entry& entry(EntryIndex index) const noexcept;
  Bucket& bucket(std::uint32_t number) const noexcept;
  std::span<Bucket> buckets_of(std::uint32_t stripe) const noexcept;
  ByteView texts_of(const Entry& entry) const noexcept;
  bool is_of(const Entry& entry, const Key& key) const noexcept;
  std::uint32_t who(std::string_view instance, std::string_view contact) const noexcept;
  static ClientId client_of(std::uint64_t aor_hash, std::uint32_t who) noexcept;
  static bool is_over(const Entry& entry, std::int64_t now) noexcept;

  Result<EntryIndex> prepare(ProcessSlot self, const Key& key, const Binding& binding);
  void discard(EntryIndex index) noexcept;
  // Under the lock of the bucket's stripe, all or nothing.
  void apply(ProcessSlot self, std::uint32_t bucket, std::span<const EntryIndex> adds,
             std::span<const EntryIndex> removes) const noexcept;
  void carry_out(const Note& note) const noexcept;
  void repair(std::uint32_t stripe) const noexcept;
  void rebuild(std::uint32_t stripe) const noexcept;

  template <typename Wanted>
  void copy_chain(const Key& key, BindingSnapshot& out, Wanted wanted) const;
  bool copy_out(const Entry& entry, BindingSnapshot& out) const noexcept;
  template <typename Matches>
  Dropped drop_one(ProcessSlot self, std::uint32_t place, FlowLoss loss, BindingSnapshot* removed, Matches matches);
  template <typename Matches>
  std::size_t drop_all(ProcessSlot self, FlowLoss loss, Matches matches);

  Header* header_ = nullptr;
  std::span<Stripe> stripes_;
  std::span<Bucket> buckets_;  // grouped by stripe
  std::span<Entry> entries_;
  FreeMap free_map_;
  mutable SlabPool pool_;
};

}  // namespace sipwsd::shm
