#pragma once
// Every stream connection of the daemon, by id. The record array is the truth; buckets and counts are an index over it,
// one share of it (a stripe) under one robust lock. ws.dump's 1024 "id_hash" buckets are only an order to sort by:
// here there are about as many buckets as connections, so that a chain is one record long.
//
// Invariants
//  1. A record whose state is connecting, open, closing or lost is in exactly one chain: that of its id.
//  2. A reserved record is in no chain and is known to its holder only; if the holder dies the reaper frees it.
//  3. identity of a chained record changes only under the lock of its id's stripe.
//
// This object is a process's handle (a few addresses); copying it copies no table.

#include "sipwsd/connection_id.h"
#include "sipwsd/endpoint.h"
#include "sipwsd/result.h"

#include "shm/connection_record.h"
#include "shm/free_map.h"
#include "shm/limits.h"
#include "shm/process_slot.h"
#include "shm/segment.h"
#include "shm/stripe.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sipwsd::shm {

struct NewConnection {
  ConnectionId id = ConnectionId::none;
  Endpoint local, remote;
  WorkerSlot owner = WorkerSlot::none;
  ConnectionState state = ConnectionState::connecting;  // or open
  SubProtocol sub_protocol = SubProtocol::none;
  std::int64_t last_used = 0;
};

struct LiveConnections {
  std::uint32_t all = 0;
  std::uint32_t websocket = 0;
  std::uint32_t sip = 0;   // WebSocket connections that speak SIP
  std::uint32_t msrp = 0;
};
static_assert(ShmSafe<LiveConnections>);

class ConnectionTable {
 public:
  static std::size_t bytes_needed(const Limits& limits);
  static ConnectionTable construct(Segment& segment, const Limits& limits);

  // --- the owner ---------------------------------------------------------------------------------------------------
  // Errc::full when max_connections are there; Errc::exists when the id is.
  [[nodiscard]] Result<ConnectionIndex> insert(const NewConnection& connection);
  // The next three answer Errc::not_found when no such connection belongs to `owner`.
  [[nodiscard]] Result<void> set_state(ConnectionId id, WorkerSlot owner, ConnectionState state);
  // The 101 is about to leave: the endpoints' protocol becomes ws or wss, the state open.
  [[nodiscard]] Result<void> upgrade(ConnectionId id, WorkerSlot owner, TransportProtocol protocol, SubProtocol sub);
  [[nodiscard]] Result<void> retire(ConnectionId id, WorkerSlot owner);
  // Without a lock; the index is the one insert() gave, the connection still the caller's.
  void touch(ConnectionIndex index, std::int64_t monotonic_seconds) noexcept;
  void expect_pong(ConnectionIndex index) noexcept;  // before the Ping leaves
  void pong_seen(ConnectionIndex index) noexcept;

  // --- anybody -----------------------------------------------------------------------------------------------------
  [[nodiscard]] std::optional<ConnectionRecord> find(ConnectionId id) const;
  // Newest first. Walks the table: for rare questions (an alias parameter, an operator), not for every message.
  [[nodiscard]] std::optional<ConnectionRecord> find_by_remote(const Endpoint& remote) const;
  [[nodiscard]] bool contains(ConnectionId id) const;
  // Appends copies of the connecting, open and closing records of one stripe, in no order.
  void copy_stripe(std::uint32_t stripe, std::vector<ConnectionRecord>& out) const;
  static constexpr std::uint32_t stripes() noexcept { return stripe_count; }
  LiveConnections live() const noexcept;  // lost ones are not counted
  LiveConnections peak() const noexcept;  // highest live() since the start
  std::uint32_t capacity() const noexcept { return free_map_.places(); }
  std::uint32_t repairs() const noexcept;  // stripes rebuilt after a death

  // --- reaper and adopter ------------------------------------------------------------------------------------------
  // Enters every stripe once. Records of `dead` become lost, to be taken by `adopter`; lost ones that `dead` should have
  // adopted get the new adopter too; records it had only reserved become free. How many are lost.
  std::uint32_t mark_lost(WorkerSlot dead, WorkerSlot adopter);
  // Enters every stripe once and so repairs it.
  void repair_stripes();
  // Up to out.size() lost records of this adopter leave the table; how many. Each record comes once, whatever happens
  // to the adopter afterwards.
  [[nodiscard]] std::size_t take_lost(WorkerSlot adopter, std::span<ConnectionRecord> out);
  bool has_lost() const noexcept;  // cheap: any record waits for any adopter

 private:
  struct alignas(64) Stripe {
    StripeHead head;
    LiveConnections live;  // index: counts of this stripe
    std::uint32_t lost;
  };
  struct Header {
    LiveConnections peak;
    std::uint32_t bucket_mask;
  };
  class Lock;

  static std::uint32_t stripe_of(ConnectionId id) noexcept { return number(id) & (stripe_count - 1); }
  ConnectionIndex& head_of(ConnectionId id) const noexcept;
  std::span<ConnectionIndex> heads_of(std::uint32_t stripe) const noexcept;
  ConnectionRecord& record(ConnectionIndex index) const noexcept;
  // The link that leads to the record: a bucket's head or a `next_in_bucket`; nullptr when the id is not there.
  ConnectionIndex* link_to(ConnectionId id) const noexcept;
  ConnectionRecord* owned(ConnectionId id, WorkerSlot owner) const noexcept;
  void count_in(std::uint32_t stripe, const ConnectionRecord& record) const noexcept;
  void count_out(std::uint32_t stripe, const ConnectionRecord& record) const noexcept;
  void rebuild(std::uint32_t stripe) const noexcept;
  void give_back(ConnectionRecord& record) noexcept;
  void free_reserved_by(WorkerSlot dead) noexcept;
  void note_peak() noexcept;

  Header* header_ = nullptr;
  std::span<Stripe> stripes_;
  std::span<ConnectionIndex> heads_;  // grouped by stripe
  std::span<ConnectionRecord> records_;
  FreeMap free_map_;
};

}  // namespace sipwsd::shm
