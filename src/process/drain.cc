#include "src/process/drain.h"

#include <algorithm>
#include <utility>

namespace sipwsd::process {

Drain::Drain(std::vector<ConnectionId> connections, base::TimePoint start, base::Milliseconds spread, base::Random& random,
             Close close)
    : connections_(std::move(connections)), start_(start), spread_(spread), close_(std::move(close)) {
  for (std::size_t i = connections_.size(); i > 1; --i) std::swap(connections_[i - 1], connections_[random.next() % i]);
}

// How many should have had their turn by now.
std::size_t Drain::due(base::TimePoint now) const noexcept {
  const auto passed = std::chrono::duration_cast<base::Milliseconds>(now - start_);
  if (passed >= spread_) return connections_.size();
  const auto share = static_cast<double>(passed.count()) / static_cast<double>(spread_.count());
  return static_cast<std::size_t>(share * static_cast<double>(connections_.size()));
}

std::size_t Drain::run(base::TimePoint now) {
  std::size_t closed = 0;
  std::erase_if(busy_, [&](ConnectionId id) {
    const Found found = close_(id);
    closed += found == Found::closed ? 1 : 0;
    return found != Found::busy;
  });
  for (const std::size_t end = due(now); next_ < end; ++next_) {
    const Found found = close_(connections_[next_]);
    if (found == Found::busy) busy_.push_back(connections_[next_]);
    closed += found == Found::closed ? 1 : 0;
  }
  return closed;
}

}  // namespace sipwsd::process
