#include "src/auth/digest_access.h"

#include <utility>

#include "sipwsd/bytes.h"
#include "src/base/digest.h"
#include "src/sip/auth_header.h"
#include "src/sip/params.h"

namespace sipwsd::auth {
namespace {

// Compared against when there is no such user: no hash is this, and it takes as long.
constexpr std::string_view nobody = "0000000000000000000000000000000000000000000000000000000000000000";

std::string_view or_nobody(std::string_view ha1, Algorithm algorithm) noexcept {
  return ha1.empty() ? nobody.substr(0, digits(algorithm)) : ha1;
}

}  // namespace

DigestAccess::DigestAccess(Parts parts) : parts_(std::move(parts)), nonces_(parts_.nonce_key, parts_.settings.nonce_expire) {}

DigestAccess::Finding DigestAccess::check(std::string_view credentials, const Request& request) {
  const auto parsed = sip::parse_auth_header(credentials);
  if (!parsed || !parsed->is_digest() || parsed->realm != request.realm) return {};
  if (!parsed->extended_username.empty()) return {Verdict::unsupported, {}};
  const auto with = algorithm(parsed->algorithm);
  if (!with || parsed->userhash || (!parsed->qop.empty() && !equals_nocase(parsed->qop, "auth"))) return {Verdict::wrong, {}};
  if (!parsed->qop.empty() && (!parsed->nonce_count() || parsed->cnonce.empty())) return {Verdict::wrong, {}};
  const auto now = parts_.clock.now();
  const auto nonce = nonces_.read(parsed->nonce, request.realm, now);
  if (nonce.verdict == Nonces::Verdict::forged) return {Verdict::wrong, {}};

  std::string user = sip::unquote("\"" + std::string(parsed->username) + "\"");
  const auto stored = parts_.credentials.ha1(user, request.realm, *with);
  const auto expected = response({.algorithm = *with,
                                  .ha1 = or_nobody(stored, *with),
                                  .method = request.method,
                                  .uri = parsed->uri,
                                  .nonce = parsed->nonce,
                                  .qop = parsed->qop,
                                  .nc = parsed->nc,
                                  .cnonce = parsed->cnonce});
  const bool right = base::equal_constant_time(expected, parsed->response);
  if (!right || stored.empty()) return {Verdict::wrong_password, {}};
  if (!request.uri.empty() && parsed->uri != request.uri) return {Verdict::wrong, {}};
  if (nonce.verdict == Nonces::Verdict::stale) return {Verdict::stale, {}};
  const auto use = parts_.used.use(parsed->nonce, parsed->qop.empty() ? 1 : *parsed->nonce_count(),
                                   nonce.expires_at.time_since_epoch().count(), now.time_since_epoch().count());
  if (use != shm::NonceUse::accepted) return {Verdict::stale, {}};
  return {Verdict::good, std::move(user)};
}

std::vector<std::string> DigestAccess::challenges(std::string_view realm, Stale stale) {
  const auto nonce = nonces_.make(realm, parts_.clock.now(), parts_.random);
  std::vector<std::string> values;
  const auto offer = [&](std::string_view algorithm) {
    std::string value = "Digest realm=" + sip::quote(std::string(realm)) + ", nonce=\"" + nonce + "\", qop=\"auth\", algorithm=";
    value += algorithm;
    if (stale == Stale::yes) value += ", stale=true";
    values.push_back(std::move(value));
  };
  for (const auto& name : parts_.settings.auth_algorithms)
    if (const auto known = algorithm(name); known && parts_.credentials.has(*known)) offer(name);
  // Nobody can answer it, but a request must be answered with something.
  if (values.empty()) offer(parts_.settings.auth_algorithms.front());
  return values;
}

bool DigestAccess::is_password(std::string_view user, std::string_view realm, std::string_view password) const {
  bool right = false;
  for (const auto algorithm : all_algorithms) {
    if (!parts_.credentials.has(algorithm)) continue;
    const auto stored = parts_.credentials.ha1(user, realm, algorithm);
    const bool same = base::equal_constant_time(ha1(algorithm, user, realm, password), or_nobody(stored, algorithm));
    right = right || (same && !stored.empty());
  }
  return right;
}

}  // namespace sipwsd::auth
