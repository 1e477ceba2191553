#include "src/dns/penalties.h"

#include <algorithm>

namespace sipwsd::dns {

void Penalties::add(const Endpoint& remote, base::TimePoint until) {
  const auto same = std::find_if(failed_.begin(), failed_.end(), [&](const Failed& one) { return one.remote == remote; });
  if (same != failed_.end()) {
    same->until = until;
    return;
  }
  if (failed_.size() == most)
    failed_.erase(std::min_element(failed_.begin(), failed_.end(),
                                   [](const Failed& a, const Failed& b) { return a.until < b.until; }));
  failed_.push_back({remote, until});
}

void Penalties::arrange(std::vector<Place>& places, base::TimePoint now) {
  if (failed_.empty() || places.size() < 2) return;
  std::erase_if(failed_, [&](const Failed& one) { return one.until <= now; });
  std::stable_partition(places.begin(), places.end(), [&](const Place& place) {
    return std::none_of(failed_.begin(), failed_.end(),
                        [&](const Failed& one) { return one.remote == place.remote; });
  });
}

}  // namespace sipwsd::dns
