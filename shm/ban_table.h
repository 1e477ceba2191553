#pragma once
// Source addresses with strikes against them, and those that are not served for a while because of it (S44). Counted by
// subject: IPv6 by its /64 (src/base/network.h). Bounded: whoever has been quiet longest makes room, so a flood of new
// addresses pushes out watched ones before banned ones. All times: monotonic seconds.
//
// Writers: any process, for any address. Locks: the stripe's. After a death: nothing is half there, because an entry is
// filled before it is named as somebody's; so bans outlive whoever was writing beside them.

#include "sipwsd/endpoint.h"

#include "src/base/siphash.h"

#include "shm/ban_reason.h"
#include "shm/limits.h"
#include "shm/segment.h"
#include "shm/stripe.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sipwsd::shm {

struct Ban {
  Endpoint subject;  // base::subject_text() prints it
  BanReason reason = BanReason::none;
  std::uint32_t strikes = 0;  // that led to it
  std::int64_t since = 0;
  std::int64_t until = 0;
};

struct StrikeRules {
  std::uint32_t strikes = 10;  // so many ...
  std::int64_t window = 60;    // ... within so long ...
  std::int64_t ban_time = 600;  // ... are a ban of so long; 0: strikes are counted, nobody is banned
};

class BanTable {
 public:
  static std::size_t bytes_needed(const Limits& limits);
  static BanTable construct(Segment& segment, const Limits& limits, const base::SipHashKey& key);

  struct Struck {
    std::uint32_t strikes = 0;  // in the window so far
    bool banned = false;        // by this one: true once a ban
  };
  Struck strike(const Endpoint& source, BanReason reason, std::uint32_t weight, std::int64_t now, const StrikeRules& rules);
  // Whatever was known before. The strikes stay as they are unless given.
  void ban(const Ban& ban);
  bool lift(const Endpoint& source);  // false: it was neither banned nor watched
  std::uint32_t lift_all();           // how many were banned or watched

  [[nodiscard]] bool is_banned(const Endpoint& source, std::int64_t now) const;
  [[nodiscard]] std::optional<Ban> find(const Endpoint& source, std::int64_t now) const;
  [[nodiscard]] std::vector<Ban> bans(std::int64_t now) const;
  std::uint32_t repairs() const noexcept;

 private:
  static constexpr std::uint32_t ways = 8;
  struct Entry {
    std::array<std::uint8_t, 16> address;  // of the subject
    std::uint8_t family;                   // 0: free. Written last: whoever reads it under the lock sees the rest
    std::uint8_t reason;
    std::uint8_t unused[2];
    std::uint32_t strikes;
    std::int64_t window_start;
    std::int64_t since;
    std::int64_t until;  // 0: only watched
  };
  struct Set {
    Entry entries[ways];
  };
  struct alignas(64) Stripe {
    StripeHead head;
  };
  struct Header {
    base::SipHashKey key;
    std::int64_t latest_end;  // no ban lasts beyond it: most questions end here, without a lock
  };
  static std::uint32_t sets_for(const Limits& limits) noexcept;
  std::uint32_t set_of(const Endpoint& subject) const noexcept;
  static Entry* find_entry(Set& set, const Endpoint& subject) noexcept;
  static Entry& make_room(Set& set) noexcept;
  static void name_entry(Entry& entry, const Endpoint& subject) noexcept;
  static void free_entry(Entry& entry) noexcept;
  static Ban ban_of(const Entry& entry) noexcept;
  void extend(std::int64_t until) const noexcept;
  bool none_lasts(std::int64_t now) const noexcept;
  template <typename Act>
  auto within(std::uint32_t at, Act&& act) const;

  Header* header_ = nullptr;
  std::span<Stripe> stripes_;
  std::span<Set> sets_;
};

}  // namespace sipwsd::shm
