#pragma once
// The keys of TLS session tickets (RFC 5077 4, RFC 8446 4.6.1): what one worker has sealed another opens. Two are in use:
// the current one seals, the previous one still opens, so a ticket is good for at least one rotation.
// Three places take turns: a new key is written where no reader looks, then the generation is raised.
// Writers: the supervisor. Locks: none; a reader that was overtaken sees that the generation has changed and reads again.
// After a death: a half-written key was never shown.

#include "shm/limits.h"
#include "shm/segment.h"

#include <array>
#include <cstdint>

namespace sipwsd::base {
class Random;
}

namespace sipwsd::shm {

struct TicketKey {
  std::array<std::uint8_t, 16> name;        // in clear in each ticket
  std::array<std::uint8_t, 32> cipher_key;  // AES-256-CBC
  std::array<std::uint8_t, 32> mac_key;     // HMAC-SHA-256
  std::int64_t created;                     // Unix seconds; 0: no such key
};
static_assert(ShmSafe<TicketKey>);

class TicketKeys {
 public:
  static std::size_t bytes_needed(const Limits& limits);
  static TicketKeys construct(Segment& segment, std::int64_t unix_now, base::Random& random);

  // False for a handle of nothing: a process without shared memory.
  explicit operator bool() const noexcept { return table_ != nullptr; }

  struct Pair {
    TicketKey current, previous;
  };
  [[nodiscard]] Pair read() const noexcept;

  // The current key becomes the previous one; what was previous is overwritten.
  void rotate(std::int64_t unix_now, base::Random& random);
  [[nodiscard]] bool is_due(std::int64_t unix_now, std::int64_t every_seconds) const noexcept;
  [[nodiscard]] std::int64_t age(std::int64_t unix_now) const noexcept;  // seconds, of the current key

 private:
  static constexpr std::uint64_t places = 3;
  struct Table {
    std::uint64_t generation;
    TicketKey keys[places];
  };
  void write(std::uint64_t place, std::int64_t unix_now, base::Random& random);

  Table* table_ = nullptr;
};

}  // namespace sipwsd::shm
