#pragma once
// How one worker lets go of its connections while the daemon drains: idle ones get Close 1012 (Service Restart, IANA's
// registry of RFC 6455 close codes), spread evenly over drain_spread so that their clients don't come back all at once
// somewhere else. One with a call waits until the call has ended, one that has just been used until it is quiet.

#include <cstddef>
#include <functional>
#include <vector>

#include "sipwsd/connection_id.h"
#include "src/base/clock.h"
#include "src/base/random.h"

namespace sipwsd::process {

class Drain {
 public:
  enum class Found { closed, busy, gone };
  // Closes the connection if it may.
  using Close = std::function<Found(ConnectionId id)>;
  // `connections` in any order: they are shuffled, so that those who came together do not leave together.
  Drain(std::vector<ConnectionId> connections, base::TimePoint start, base::Milliseconds spread, base::Random& random,
        Close close);

  // Now and then, for as long as the drain lasts. How many it has closed.
  std::size_t run(base::TimePoint now);
  // How many have had no turn yet, or were busy.
  [[nodiscard]] std::size_t left() const noexcept { return connections_.size() - next_ + busy_.size(); }

 private:
  [[nodiscard]] std::size_t due(base::TimePoint now) const noexcept;

  std::vector<ConnectionId> connections_;
  std::size_t next_ = 0;
  std::vector<ConnectionId> busy_;
  base::TimePoint start_;
  base::Milliseconds spread_;
  Close close_;
};

}  // namespace sipwsd::process
