#pragma once
// Nonces without state (S23): the time, something random, and an HMAC over both and the realm. Every worker has the key,
// so each accepts what another gave. That one is not used twice with the same count is shm::NonceTable's part.

#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/random.h"

namespace sipwsd::auth {

class Nonces {
 public:
  Nonces(std::string key, std::int64_t lifetime_seconds) : key_(std::move(key)), lifetime_(lifetime_seconds) {}

  std::string make(std::string_view realm, std::int64_t now, base::Random& random) const;

  enum class Verdict { good, stale, forged };
  struct Read {
    Verdict verdict = Verdict::forged;
    std::int64_t expires_at = 0;  // of a good one
  };
  Read read(std::string_view nonce, std::string_view realm, std::int64_t now) const;

 private:
  std::string mac(std::string_view payload, std::string_view realm) const;
  std::string key_;
  std::int64_t lifetime_;
};

}  // namespace sipwsd::auth
