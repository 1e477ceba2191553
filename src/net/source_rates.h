#pragma once
// How fast datagrams come from each source address: a bucket each, in a table of fixed size. A source can be forged, so
// nothing worse follows from it than that its datagrams are dropped for a moment; and a flood of forged ones must not make
// room for itself by pushing out those that are above their rate. So only the bucket nearest to full is given away, and
// whoever is new finds a full one.
//
// Counted by subject (src/base/network.h): IPv6 by its /64. One table a worker: the kernel sends a source's datagrams from
// one port to the same worker.

#include <array>
#include <cstdint>
#include <vector>

#include "sipwsd/endpoint.h"
#include "src/base/siphash.h"
#include "src/base/token_bucket.h"

namespace sipwsd::net {

class SourceRates {
 public:
  explicit SourceRates(const base::SipHashKey& key) : key_(key), sets_(set_count) {}
  // One more from there: may it come in?
  [[nodiscard]] bool take(const Endpoint& source, base::TimePoint now, base::Rate rate) noexcept;

 private:
  static constexpr std::size_t ways = 4, set_count = 512;
  struct Entry {
    std::array<std::uint8_t, 16> address{};
    base::TokenBucket bucket;
    AddressFamily family = AddressFamily::none;  // none: free
  };
  using Set = std::array<Entry, ways>;

  base::SipHashKey key_;
  std::vector<Set> sets_;
};

}  // namespace sipwsd::net
