#pragma once
// What each worker thinks of each upstream server, for an operator to see: workers ask for themselves, so they may differ
// for a moment. In the order of the parameter.
// Writers: each worker its own row. Locks: none, a state is one byte. After a death: the replacement begins with unknown.

#include "sipwsd/connection_id.h"

#include "shm/limits.h"
#include "shm/segment.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sipwsd::shm {

enum class UpstreamState : std::uint8_t {
  unknown = 0,  // not found yet
  alive,
  away,
};

class UpstreamBoard {
 public:
  static constexpr std::size_t max_upstreams = 32;  // of more, these are shown
  static std::size_t bytes_needed(const Limits& limits);
  static UpstreamBoard construct(Segment& segment, const Limits& limits);

  void write(WorkerSlot worker, std::size_t upstream, UpstreamState state) noexcept;
  // How many workers think so.
  [[nodiscard]] std::size_t count(std::size_t upstream, UpstreamState state) const noexcept;

 private:
  using Row = std::array<std::uint8_t, max_upstreams>;
  std::span<Row> rows_;
};

}  // namespace sipwsd::shm
