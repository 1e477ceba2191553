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

// A flow in the sense of RFC 5626 3: the connection and the worker that owns it for life.
struct Flow {
  ConnectionId connection = ConnectionId::none;
  WorkerSlot owner = WorkerSlot::none;
  friend bool operator==(const Flow&, const Flow&) = default;
};

}  // namespace sipwsd

template <>
struct std::hash<sipwsd::ConnectionId> {
  std::size_t operator()(sipwsd::ConnectionId id) const noexcept { return std::hash<std::uint32_t>{}(number(id)); }
};
