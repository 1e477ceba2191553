#pragma once
// Names that mean the same thing in every process of the daemon.

#include <cstdint>
#include <functional>

namespace sipwsd {

// A connection's number: positive, shown by ws.dump, never given again while the connection lives.
// One counter serves every stream connection of the daemon. 0 names no connection.
enum class ConnectionId : std::uint32_t { none = 0 };
constexpr std::uint32_t number(ConnectionId id) noexcept { return static_cast<std::uint32_t>(id); }

// A worker's place in the process table; stays the same when the process in it is replaced.
enum class WorkerSlot : std::uint16_t { none = 0xffff };
constexpr std::uint16_t number(WorkerSlot slot) noexcept { return static_cast<std::uint16_t>(slot); }

// Who is at the end of a flow: a registered contact, by a keyed hash of its address of record (the low 40 bits) and of
// its +sip.instance or, without one, of its contact URI (the high 24). The same over another connection. 0 names nobody.
enum class ClientId : std::uint64_t { none = 0 };
constexpr std::uint64_t number(ClientId id) noexcept { return static_cast<std::uint64_t>(id); }

// A flow in the sense of RFC 5626 3: the connection and the worker that owns it for life.
struct Flow {
  ConnectionId connection = ConnectionId::none;
  WorkerSlot owner = WorkerSlot::none;
  friend bool operator==(const Flow&, const Flow&) = default;
};

}  // namespace sipwsd

template <>
struct std::hash<sipwsd::ClientId> {
  std::size_t operator()(sipwsd::ClientId id) const noexcept { return std::hash<std::uint64_t>{}(number(id)); }
};
template <>
struct std::hash<sipwsd::ConnectionId> {
  std::size_t operator()(sipwsd::ConnectionId id) const noexcept { return std::hash<std::uint32_t>{}(number(id)); }
};
