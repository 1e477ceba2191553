#pragma once
// Which nonce counts a digest nonce has been used with (RFC 7616 3.4, nc): a captured Authorization cannot be played
// again. Only nonces that were used with a right password are here, so a flood of challenges costs nothing.
// The table is small and forgets; what it forgot it treats as stale, never as new: each set keeps the latest expiry it
// has thrown out, and a nonce that is not here and expires no later than that gets a new challenge. So expiries must be
// finer than the time in which a set fills: of whole seconds, all nonces of the present one would be forgotten together
// when everybody comes back at once.
// Writers, locks: a stripe's holder. After a death: the stripe forgets all it knew, in the same safe sense.

#include "src/base/siphash.h"

#include "shm/limits.h"
#include "shm/segment.h"
#include "shm/stripe.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace sipwsd::shm {

enum class NonceUse {
  accepted,
  replayed,  // this nonce was used with this or a higher count already
  stale,     // can't be told any more: challenge again with stale=true
};

class NonceTable {
 public:
  static std::size_t bytes_needed(const Limits& limits);
  static NonceTable construct(Segment& segment, const Limits& limits, const base::SipHashKey& key);

  // After the response was found right. `expires_at` belongs to the nonce and is the same on every use; of the same
  // clock as `now`, and as fine as it is. A nonce without a count (no qop, RFC 2069) counts as 1 and so is good once.
  [[nodiscard]] NonceUse use(std::string_view nonce, std::uint32_t count, std::int64_t expires_at, std::int64_t now);

  std::uint32_t repairs() const noexcept;

 private:
  static constexpr std::uint32_t ways = 8;
  struct Entry {
    std::uint64_t key;  // hash of the nonce, never 0; 0: free
    std::int64_t expires_at;
    std::uint32_t highest_count;
    std::uint32_t unused;
  };
  struct Set {
    std::int64_t forgotten_until;
    Entry entries[ways];
  };
  struct alignas(64) Stripe {
    StripeHead head;
  };
  struct Header {
    base::SipHashKey key;
  };
  void forget(std::uint32_t stripe) noexcept;

  Header* header_ = nullptr;
  std::span<Stripe> stripes_;
  std::span<Set> sets_;
};

}  // namespace sipwsd::shm
