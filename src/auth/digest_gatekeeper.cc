#include "src/auth/digest_gatekeeper.h"

#include <utility>
#include <vector>

#include "sipwsd/bytes.h"
#include "src/base/digest.h"
#include "src/sip/auth_header.h"
#include "src/sip/name_addr.h"
#include "src/sip/params.h"
#include "src/sip/uri.h"

namespace sipwsd::auth {
namespace {

constexpr std::int64_t nonce_lifetime = 300;  // seconds, as Kamailio's nonce_expire
// Compared against when there is no such user: no hash is this, and it takes as long.
constexpr std::string_view nobody = "00000000000000000000000000000000";

std::string lower_host(const sip::Uri& uri) {
  std::string host(uri.host);
  for (char& c : host) c = ascii_lower(c);
  return host;
}

}  // namespace

DigestGatekeeper::DigestGatekeeper(Parts parts, shm::NonceTable& used, const base::Clock& clock, base::Random& random)
    : parts_(std::move(parts)), nonces_(parts_.nonce_key, nonce_lifetime), used_(used), clock_(clock), random_(random) {}

bool DigestGatekeeper::admits(RequestExchange& exchange) {
  const SipMessageView& message = exchange.message();
  if (message.method() == "ACK" || message.method() == "CANCEL") return true;
  const bool as_proxy = message.method() != "REGISTER";
  const auto identity = sip::parse_name_addr(message.header(as_proxy ? "From" : "To"));
  if (!identity || !identity->uri.is_sip()) {
    exchange.reply(400, "Bad Request");
    return false;
  }
  if (!exchange.is_ours(identity->uri.text)) {  // nobody of another domain has a password here
    exchange.reply(403, "Forbidden");
    return false;
  }
  const std::string realm = parts_.realm.empty() ? lower_host(identity->uri) : parts_.realm;
  std::string user;
  switch (check(message, as_proxy ? "Proxy-Authorization" : "Authorization", realm, user)) {
    case Outcome::wrong_password:
      if (parts_.on_wrong_password) parts_.on_wrong_password(exchange.arrival());
      [[fallthrough]];
    case Outcome::none:
    case Outcome::wrong: challenge(exchange, as_proxy, realm, false); return false;
    case Outcome::stale: challenge(exchange, as_proxy, realm, true); return false;
    case Outcome::good: break;
  }
  if (!sip::equal_unescaped(identity->uri.user, user)) {  // S22: a right password, but somebody else's name
    exchange.reply(403, "Forbidden");
    return false;
  }
  return true;
}

bool DigestGatekeeper::may_exist(std::string_view aor_uri) const {
  const auto uri = sip::parse_uri(aor_uri);
  if (!uri || !uri->is_sip()) return false;
  return parts_.credentials.knows(sip::unescape(uri->user), parts_.realm.empty() ? lower_host(*uri) : parts_.realm);
}

DigestGatekeeper::Outcome DigestGatekeeper::check(const SipMessageView& message, std::string_view header, std::string_view realm,
                                                  std::string& user) {
  for (std::size_t i = 0;; ++i) {
    const auto line = message.header(header, i);
    if (line.data() == nullptr) return Outcome::none;
    const auto parsed = sip::parse_auth_header(line);
    if (!parsed || !parsed->is_digest() || parsed->realm != realm) continue;  // for another proxy on the way
    const auto with = algorithm(parsed->algorithm);
    if (!with || (!parsed->qop.empty() && !equals_nocase(parsed->qop, "auth"))) return Outcome::wrong;
    if (!parsed->qop.empty() && (!parsed->nonce_count() || parsed->cnonce.empty())) return Outcome::wrong;
    user = sip::unquote("\"" + std::string(parsed->username) + "\"");
    const auto now = base::whole_seconds(clock_.now());
    const auto nonce = nonces_.read(parsed->nonce, realm, now);
    if (nonce.verdict == Nonces::Verdict::forged) return Outcome::wrong;

    const auto stored = parts_.credentials.ha1(user, realm, *with);
    const auto expected = response({.algorithm = *with,
                                    .ha1 = stored.empty() ? nobody : stored,
                                    .method = message.method(),
                                    .uri = parsed->uri,
                                    .nonce = parsed->nonce,
                                    .qop = parsed->qop,
                                    .nc = parsed->nc,
                                    .cnonce = parsed->cnonce});
    const bool right = base::equal_constant_time(expected, parsed->response) & !stored.empty();
    if (!right) return Outcome::wrong_password;
    if (parsed->uri != message.request_uri()) return Outcome::wrong;
    if (nonce.verdict == Nonces::Verdict::stale) return Outcome::stale;  // the password was right: no need to ask for it
    const auto use = used_.use(parsed->nonce, parsed->qop.empty() ? 1 : *parsed->nonce_count(), nonce.expires_at, now);
    return use == shm::NonceUse::accepted ? Outcome::good : Outcome::stale;
  }
}

void DigestGatekeeper::challenge(RequestExchange& exchange, bool as_proxy, std::string_view realm, bool stale) {
  const auto nonce = nonces_.make(realm, base::whole_seconds(clock_.now()), random_);
  std::vector<std::string> values;
  for (const auto a : {Algorithm::md5, Algorithm::sha256}) {
    if (!parts_.credentials.has(a) && (a != Algorithm::md5 || parts_.credentials.has(Algorithm::sha256))) continue;
    std::string value = "Digest realm=" + sip::quote(std::string(realm)) + ", nonce=\"" + nonce + "\", qop=\"auth\", algorithm=";
    value += name(a);
    if (stale) value += ", stale=true";
    values.push_back(std::move(value));
  }
  std::vector<HeaderLine> headers;
  for (const auto& value : values) headers.push_back({as_proxy ? "Proxy-Authenticate" : "WWW-Authenticate", value});
  exchange.reply(as_proxy ? 407 : 401, as_proxy ? "Proxy Authentication Required" : "Unauthorized", headers);
}

}  // namespace sipwsd::auth
