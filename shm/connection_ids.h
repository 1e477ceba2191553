#pragma once
// Numbers for connections: one counter for the whole daemon, positive and within a signed 32-bit int (scripts print it
// with %d), starting at 1. After 2^31 - 1 connections it begins again at 1 and then skips those that still live.
// Writers: everyone, one fetch_add. After a death: at most a number is wasted.

#include "sipwsd/connection_id.h"

#include "shm/connection_table.h"
#include "shm/limits.h"
#include "shm/segment.h"

#include <cstdint>

namespace sipwsd::shm {

class ConnectionIds {
 public:
  static constexpr std::uint64_t range = 0x7fffffff;  // ids 1 .. range

  static std::size_t bytes_needed(const Limits& limits);
  static ConnectionIds construct(Segment& segment, const ConnectionTable& table);

  [[nodiscard]] ConnectionId next() noexcept;
  // How many were given out since the start.
  std::uint64_t given() const noexcept;
  // Before the first connection only: begin as if `count` had been given.
  void continue_after(std::uint64_t count) noexcept;

 private:
  std::uint64_t* given_ = nullptr;
  ConnectionTable table_;
};

}  // namespace sipwsd::shm
