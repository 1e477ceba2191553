// links: auth base
// Any bytes as a token, and as header (the first line) and claims of a token that is signed as it should be. Nobody gets in
// with what he has not had signed, nor with another algorithm than the key's, nor for ever.

#include "src/auth/jwt.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "src/base/base64.h"
#include "src/base/digest.h"

namespace {

using namespace sipwsd;

constexpr std::string_view secret = "what nobody who writes tokens here knows";
constexpr std::string_view public_key =
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9\n"
    "q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==\n-----END PUBLIC KEY-----\n";
constexpr std::int64_t now = 1'800'000'000;

const std::vector<auth::TokenKey>& keys() {
  static const auto made = [] {
    std::vector<auth::TokenKey> out;
    for (const auto bytes : {secret, public_key}) {
      auto key = auth::TokenKey::make(out.empty() ? "" : "k", bytes);
      if (!key) std::abort();
      out.push_back(*std::move(key));
    }
    return out;
  }();
  return made;
}

std::string signed_token(std::string_view header, std::string_view claims) {
  const std::string input = base::base64url(header) + "." + base::base64url(claims);
  return input + "." + base::base64url(base::as_text(base::hmac_sha256(secret, input)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view in{reinterpret_cast<const char*>(data), size};
  if (auth::claim_of_token(in, keys(), {}, now)) std::abort();

  const auto line = in.find('\n');
  const auto header = in.substr(0, line), claims = line == in.npos ? std::string_view{} : in.substr(line + 1);
  const auto claim = auth::claim_of_token(signed_token(header, claims), keys(), {}, now);
  if (!claim) return 0;
  if (claim->empty() || header.find("HS256") == header.npos || claims.find("exp") == claims.npos) std::abort();
  return 0;
}
