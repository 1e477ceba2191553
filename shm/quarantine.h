#pragma once
// Source addresses that are not served for a while: strikes (failed handshakes, crashes their input caused) and how
// long they are shut out. IPv6 addresses count by their /64, which is what one host can choose from freely.
// Bounded: an address that has been quiet longest makes room. Writers, locks: a stripe's holder. After a death: the
// stripe forgets.

#include "sipwsd/endpoint.h"

#include "src/base/siphash.h"

#include "shm/limits.h"
#include "shm/segment.h"
#include "shm/stripe.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace sipwsd::shm {

struct QuarantinedAddress {
  Endpoint address;  // port 0
  std::uint32_t strikes = 0;
  std::int64_t blocked_until = 0;  // 0: only watched
};

class Quarantine {
 public:
  static std::size_t bytes_needed(const Limits& limits);
  static Quarantine construct(Segment& segment, const Limits& limits, const base::SipHashKey& key);

  // One more strike; how many within the last `window` seconds of quiet. All times: monotonic seconds.
  std::uint32_t strike(const Endpoint& source, std::int64_t now, std::int64_t window);
  void block(const Endpoint& source, std::int64_t now, std::int64_t until);
  void lift(const Endpoint& source);

  [[nodiscard]] bool is_blocked(const Endpoint& source, std::int64_t now) const;
  [[nodiscard]] std::vector<QuarantinedAddress> blocked(std::int64_t now) const;
  std::uint32_t repairs() const noexcept;

 private:
  static constexpr std::uint32_t ways = 8;
  struct Entry {
    std::array<std::uint8_t, 16> address;
    std::uint8_t family;  // 0: free
    std::uint8_t unused[3];
    std::uint32_t strikes;
    std::int64_t last_strike;
    std::int64_t blocked_until;
  };
  struct Set {
    Entry entries[ways];
  };
  struct alignas(64) Stripe {
    StripeHead head;
  };
  struct Header {
    base::SipHashKey key;
    std::int64_t latest_block;  // no address is blocked beyond it: most questions end here, without a lock
  };
  void forget(std::uint32_t stripe) const noexcept;
  std::uint32_t set_of(const Entry& key) const noexcept;
  static Entry key_of(const Endpoint& source) noexcept;
  static Entry* find(Set& set, const Entry& key) noexcept;
  static Entry& make_room(Set& set) noexcept;

  Header* header_ = nullptr;
  std::span<Stripe> stripes_;
  std::span<Set> sets_;
};

}  // namespace sipwsd::shm
