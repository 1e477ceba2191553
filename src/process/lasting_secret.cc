#include "src/process/lasting_secret.h"

#include <cstring>

#include "src/base/digest.h"

namespace sipwsd::process {

std::optional<base::SipHashKey> lasting_key(const config::Settings& settings, std::string_view purpose) {
  if (settings.flow_token_secret.empty()) return std::nullopt;
  const auto hash = base::hmac_sha256(settings.flow_token_secret, purpose);
  base::SipHashKey key{};
  static_assert(sizeof key <= std::tuple_size_v<decltype(hash)>);
  std::memcpy(&key, hash.data(), sizeof key);
  return key;
}

}  // namespace sipwsd::process
