#pragma once
// Which places failed a moment ago (RFC 3263 4.3, what Kamailio calls the destination blacklist): they stand behind the
// others of their answer for a while, so that not each call waits for the dead server first. Nobody is refused: where all
// have failed, all are tried, in their order.

#include "src/base/clock.h"
#include "src/dns/place.h"

#include <cstddef>
#include <vector>

namespace sipwsd::dns {

class Penalties {
 public:
  // A handful at any time; the table is looked through one by one, so it is small, and a full one forgets who would be
  // forgiven first.
  static constexpr std::size_t most = 128;

  void add(const Endpoint& remote, base::TimePoint until);
  void arrange(std::vector<Place>& places, base::TimePoint now);
  [[nodiscard]] std::size_t size() const noexcept { return failed_.size(); }

 private:
  struct Failed {
    Endpoint remote;
    base::TimePoint until;
  };
  std::vector<Failed> failed_;
};

}  // namespace sipwsd::dns
