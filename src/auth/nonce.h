#pragma once
// Nonces without state (S23): the time, something random, and an HMAC over both and the realm. Every worker has the key,
// so each accepts what another gave. That one is not used twice with the same count is shm::NonceTable's part, which tells
// old ones from new ones by their time: it is as fine as the clock, so that thousands may be given in one second.

#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/clock.h"
#include "src/base/random.h"

namespace sipwsd::auth {

class Nonces {
 public:
  Nonces(std::string key, base::Seconds lifetime) : key_(std::move(key)), lifetime_(lifetime) {}

  std::string make(std::string_view realm, base::TimePoint now, base::Random& random) const;

  enum class Verdict { good, stale, forged };
  struct Read {
    Verdict verdict = Verdict::forged;
    base::TimePoint expires_at{};  // of a good one
  };
  Read read(std::string_view nonce, std::string_view realm, base::TimePoint now) const;

 private:
  std::string mac(std::string_view payload, std::string_view realm) const;
  std::string key_;
  base::Seconds lifetime_;
};

}  // namespace sipwsd::auth
