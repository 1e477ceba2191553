#include "src/net/source_rates.h"

#include <algorithm>
#include <string_view>

#include "src/base/network.h"

namespace sipwsd::net {

bool SourceRates::take(const Endpoint& source, base::TimePoint now, base::Rate rate) noexcept {
  if (rate.is_any()) return true;
  const Endpoint subject = base::subject_of(source);
  const std::string_view bytes(reinterpret_cast<const char*>(subject.address.data()), subject.address.size());
  Set& set = sets_[base::siphash(key_, bytes) % set_count];
  Entry* entry = nullptr;
  for (Entry& one : set)
    if (one.family == subject.family && one.address == subject.address) entry = &one;
  if (entry == nullptr) {
    entry = &*std::min_element(set.begin(), set.end(), [&](const Entry& a, const Entry& b) {
      return a.bucket.wait_for(rate.burst, now, rate) < b.bucket.wait_for(rate.burst, now, rate);
    });
    *entry = {.address = subject.address, .bucket = {}, .family = subject.family};
  }
  return entry->bucket.take(1, now, rate);
}

}  // namespace sipwsd::net
