#pragma once
// What every process may know of a stream connection: 64 bytes, the truth of the connection table.
//
// Writers: `identity` by the worker that claimed the record (from all-zero, atomically), then by the owner under the
//          stripe's lock; by the reaper under the lock once the owner is dead. `last_used` and `awaiting_pong` by the
//          owner without a lock. `local`, `remote` by the owner before the record is linked, and under the lock when the
//          connection becomes a WebSocket. `adopter` by the reaper. `next_in_bucket` under the lock.
// Locks:   the stripe of the id. Readers copy the record out under it.
// After a death: everything but `next_in_bucket` stands; chains are rebuilt from `identity`.

#include "sipwsd/connection_id.h"
#include "sipwsd/endpoint.h"
#include "sipwsd/sub_protocol.h"

#include "shm/shm_safe.h"

#include <cstdint>
#include <string_view>

namespace sipwsd::shm {

// A record's place in the array; 0 is no record, because zero pages must be empty chains.
enum class ConnectionIndex : std::uint32_t { none = 0 };

enum class ConnectionState : std::uint8_t {
  free = 0,
  reserved,    // claimed, not yet in a chain: nobody can find it
  connecting,  // accepted, or being dialled: no WebSocket yet
  open,
  closing,     // our Close is out
  lost,        // its owner died; waits for its adopter
};
// As ws.dump prints it (reference/websocket.md 3).
constexpr std::string_view name(ConnectionState state) noexcept {
  switch (state) {
    case ConnectionState::free:
    case ConnectionState::lost: return "CLOSED";
    case ConnectionState::reserved:
    case ConnectionState::connecting: return "CONNECTING";
    case ConnectionState::open: return "OPEN";
    case ConnectionState::closing: return "CLOSING";
  }
  return "CLOSED";
}

using sipwsd::SubProtocol;

// Read and written as one atomic word, so that a record changes hands in one step.
struct alignas(8) ConnectionIdentity {
  ConnectionId id = ConnectionId::none;
  std::uint16_t holder = 0;  // owner's slot + 1; 0 only when free
  ConnectionState state = ConnectionState::free;
  SubProtocol sub_protocol = SubProtocol::none;
};
static_assert(ShmSafe<ConnectionIdentity> && sizeof(ConnectionIdentity) == 8);

struct ConnectionRecord {
  ConnectionIdentity identity;
  std::int64_t last_used = 0;  // monotonic seconds; std::atomic_ref
  ConnectionIndex next_in_bucket = ConnectionIndex::none;
  std::uint16_t adopting = 0;  // adopter's slot + 1 while lost
  std::uint8_t awaiting_pong = 0;  // std::atomic_ref
  std::uint8_t unused = 0;
  Endpoint local, remote;

  ConnectionId id() const noexcept { return identity.id; }
  WorkerSlot owner() const noexcept { return static_cast<WorkerSlot>(identity.holder - 1); }
  ConnectionState state() const noexcept { return identity.state; }
  SubProtocol sub_protocol() const noexcept { return identity.sub_protocol; }
  Flow flow() const noexcept { return {identity.id, owner()}; }
  WorkerSlot adopter() const noexcept { return static_cast<WorkerSlot>(adopting - 1); }
  bool is_websocket() const noexcept { return sipwsd::is_websocket(remote.protocol); }
  bool is_awaiting_pong() const noexcept { return awaiting_pong != 0; }
};
static_assert(ShmSafe<ConnectionRecord>);
static_assert(sizeof(ConnectionRecord) == 64);

}  // namespace sipwsd::shm
