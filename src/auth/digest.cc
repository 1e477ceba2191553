#include "src/auth/digest.h"

#include "sipwsd/bytes.h"
#include "src/base/digest.h"
#include "src/base/hex.h"

namespace sipwsd::auth {

std::optional<Algorithm> algorithm(std::string_view text) noexcept {
  if (text.empty()) return Algorithm::md5;
  for (const auto a : all_algorithms)
    if (equals_nocase(text, name(a))) return a;
  return std::nullopt;
}

std::string hash_hex(Algorithm algorithm, std::string_view bytes) {
  switch (algorithm) {
    case Algorithm::md5: return base::hex(base::md5(bytes));
    case Algorithm::sha256: return base::hex(base::sha256(bytes));
    case Algorithm::sha512_256: return base::hex(base::sha512_256(bytes));
  }
  return {};
}

std::string ha1(Algorithm algorithm, std::string_view username, std::string_view realm, std::string_view password) {
  std::string text;
  text.append(username).append(":").append(realm).append(":").append(password);
  return hash_hex(algorithm, text);
}

std::string response(const ResponseInput& in) {
  std::string text;
  text.append(in.method).append(":").append(in.uri);
  const std::string ha2 = hash_hex(in.algorithm, text);
  text.assign(in.ha1).append(":").append(in.nonce).append(":");
  if (!in.qop.empty()) text.append(in.nc).append(":").append(in.cnonce).append(":").append(in.qop).append(":");
  text.append(ha2);
  return hash_hex(in.algorithm, text);
}

}  // namespace sipwsd::auth
