#pragma once
// What the transaction layer counts. It says `count(...)`; where the numbers live (a shared-memory row, a test's
// array) is the listener's matter.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sipwsd::transaction {

enum class Count : std::uint8_t {
  server_transactions,    // requests that were given state
  client_transactions,    // branches that were sent
  retransmissions,        // requests absorbed: their transaction has them already
  acks_absorbed,          // to our non-2xx
  cancels_received,
  cancels_sent,
  replies_received,       // responses that found their transaction
  replies_relayed,
  replies_generated,      // made here
  final_2xx,              // final responses sent upstream, by class
  final_3xx,
  final_4xx,
  final_5xx,
  final_6xx,
  foreign_responses,      // topmost Via is not ours: dropped
  misdirected_responses,  // ours, but another worker's or a predecessor's: dropped
  stray_responses,        // ours, but the transaction has ended (RFC 6026 7.3): dropped
  malformed_responses,    // our Via, but nothing to send on: dropped
  table_full,             // 503 with Retry-After: the worker has too many
  connection_full,        // the same: one connection has too many
  memory_short,           // the same: User::is_short_of_memory
  loops,                  // 482
  timeouts,               // B, F or C fired
  flows_lost,             // a branch ended because its connection did
  callers_lost,           // a server transaction whose connection ended before its final response
  replies_unsent,         // the transport would not take a response
  acks_unsent,            // nor an ACK
};
inline constexpr std::size_t count_kinds = static_cast<std::size_t>(Count::acks_unsent) + 1;

class Counters {
 public:
  virtual void count(Count what) noexcept = 0;

 protected:
  ~Counters() = default;
};

}  // namespace sipwsd::transaction
