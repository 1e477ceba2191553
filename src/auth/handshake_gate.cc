#include "src/auth/handshake_gate.h"

#include <algorithm>

#include "sipwsd/bytes.h"
#include "src/base/base64.h"
#include "src/base/text.h"
#include "src/http/authority.h"
#include "src/sip/params.h"
#include "src/sip/uri.h"

namespace sipwsd::auth {
namespace {

using Decision = HandshakeGate::Decision;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = ascii_lower(c);
  return out;
}

// What follows `scheme` and its space (RFC 9110 11.4); nothing when it is another one.
std::string_view of_scheme(std::string_view authorization, std::string_view scheme) noexcept {
  if (!starts_with_nocase(authorization, scheme) || authorization.size() <= scheme.size() || authorization[scheme.size()] != ' ') return {};
  return base::trim(authorization.substr(scheme.size()));
}

// The value in `list` under `name`; a name that is not wanted is empty.
std::string_view value_in(std::string_view list, char separator, std::string_view name) {
  if (name.empty()) return {};
  for (auto part : base::split(list, separator)) {
    part = base::trim(part);
    if (part.size() > name.size() && part.starts_with(name) && part[name.size()] == '=') return part.substr(name.size() + 1);
  }
  return {};
}

std::string_view query_of(std::string_view target) noexcept {
  const auto mark = target.find('?');
  return mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
}

bool is_secure(TransportProtocol protocol) noexcept { return protocol == TransportProtocol::wss || protocol == TransportProtocol::tls; }

}  // namespace

std::string aor_named(std::string_view name, std::string_view domain) {
  if (starts_with_nocase(name, "sip:") || starts_with_nocase(name, "sips:")) {
    const auto uri = sip::parse_uri(name);
    return uri && uri->has_user ? sip::canonical_aor(*uri) : std::string{};
  }
  auto user = name;
  if (const auto at = name.rfind('@'); at != std::string_view::npos) {
    user = name.substr(0, at);
    domain = name.substr(at + 1);
  }
  const bool is_plain = std::none_of(user.begin(), user.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (user.empty() || !is_plain || !sip::is_host(domain)) return {};
  return std::string(user) + "@" + lower(domain);
}

Decision HandshakeGate::check(const HttpExchange& exchange) {
  const auto& ways = parts_.settings.ws_auth;
  const auto authorization = exchange.header("Authorization");
  if (const auto digest = of_scheme(authorization, "Digest"); ways.digest && !digest.empty()) return check_digest(exchange, authorization);
  if (const auto basic = of_scheme(authorization, "Basic"); ways.basic && !basic.empty()) return check_basic(exchange, basic);
  if (!ways.jwt) return ask(exchange, "no credentials");
  if (const auto bearer = of_scheme(authorization, "Bearer"); !bearer.empty()) return check_token(exchange, bearer);
  if (const auto token = value_in(query_of(exchange.target()), '&', parts_.settings.jwt_query); !token.empty())
    return check_token(exchange, token);
  if (const auto token = value_in(exchange.header("Cookie"), ';', parts_.settings.jwt_cookie); !token.empty())
    return check_token(exchange, sip::strip_quotes(token));  // RFC 6265 4.1.1 allows them
  return ask(exchange, "no credentials");
}

Decision HandshakeGate::check_digest(const HttpExchange& exchange, std::string_view credentials) {
  using enum DigestAccess::Verdict;
  const auto found = parts_.digest.check(credentials, {exchange.method(), exchange.target(), realm_of(exchange)});
  switch (found.verdict) {
    case good: return let_in(found.user, domain_of(exchange));
    case stale: return ask(exchange, "an old nonce", DigestAccess::Stale::yes);
    case unsupported: return {{}, 400, "username* is not taken", {}};
    case wrong_password: guessed(exchange); return ask(exchange, "a wrong password");
    case wrong:
    case not_for_us: break;
  }
  return ask(exchange, "credentials that answer no challenge of ours");
}

Decision HandshakeGate::check_basic(const HttpExchange& exchange, std::string_view credentials) {
  if (!takes_basic(exchange)) return ask(exchange, "Basic without TLS");
  const auto pair = base::unbase64(credentials);
  const auto colon = pair ? pair->find(':') : std::string::npos;
  if (colon == std::string::npos) return ask(exchange, "Basic that can't be read");
  const auto name = std::string_view(*pair).substr(0, colon);
  // Somebody who writes his domain too has the same password.
  const auto realm = realm_of(exchange);
  const auto at = name.rfind('@');
  const auto user = at != std::string_view::npos && lower(name.substr(at + 1)) == domain_of(exchange) ? name.substr(0, at) : name;
  if (!parts_.digest.is_password(user, realm, std::string_view(*pair).substr(colon + 1))) {
    guessed(exchange);
    return ask(exchange, "a wrong password");
  }
  return let_in(user, domain_of(exchange));
}

Decision HandshakeGate::check_token(const HttpExchange& exchange, std::string_view token) {
  const auto& settings = parts_.settings;
  const auto claim = claim_of_token(token, parts_.keys,
                                    {.issuer = settings.jwt_issuer,
                                     .audience = settings.jwt_audience,
                                     .claim = settings.jwt_aor_claim,
                                     .leeway = settings.jwt_leeway},
                                    parts_.clock.unix_seconds());
  if (claim) return let_in(*claim, domain_of(exchange));
  if (claim.is(Errc::not_found)) return {{}, 403, "the token has no jwt_aor_claim", {}};
  if (claim.is(Errc::timed_out)) return ask(exchange, "a token that is not valid now");
  if (claim.is(Errc::malformed)) return ask(exchange, "a token that can't be read");
  guessed(exchange);
  return ask(exchange, "a token signed by nobody we know, or for somebody else");
}

Decision HandshakeGate::let_in(std::string_view user, std::string_view domain) const {
  auto aor = aor_named(user, domain);
  if (aor.empty()) return {{}, 403, "a user who can't have an address of record", {}};
  return {std::move(aor), 101, {}, {}};
}

Decision HandshakeGate::ask(const HttpExchange& exchange, std::string_view why, DigestAccess::Stale stale) {
  const auto& ways = parts_.settings.ws_auth;
  const auto realm = realm_of(exchange);
  Decision out{{}, 401, why, {}};
  if (ways.digest) out.challenges = parts_.digest.challenges(realm, stale);
  if (takes_basic(exchange)) out.challenges.push_back("Basic realm=" + sip::quote(realm) + ", charset=\"UTF-8\"");
  if (ways.jwt) out.challenges.push_back("Bearer realm=" + sip::quote(realm));
  return out;
}

void HandshakeGate::guessed(const HttpExchange& exchange) const {
  if (parts_.on_guess) parts_.on_guess(exchange.arrival());
}

bool HandshakeGate::takes_basic(const HttpExchange& exchange) const {
  return parts_.settings.ws_auth.basic && (is_secure(exchange.arrival().local.protocol) || parts_.settings.basic_without_tls);
}

// The served domain the client has named, or else the first; where none is configured, whatever it has named: whether
// that is ours is asked of each SIP request.
std::string HandshakeGate::domain_of(const HttpExchange& exchange) const {
  const auto named = http::parse_authority(exchange.header("Host"));
  std::string_view first;
  for (const std::string_view alias : parts_.settings.alias) {
    const auto served = http::parse_authority(alias);
    const auto host = served ? served->host : alias;
    if (named && http::same_host(host, named->host)) return lower(host);
    if (first.empty()) first = host;
  }
  if (!first.empty()) return lower(first);
  return named ? lower(named->host) : std::string{};
}

std::string HandshakeGate::realm_of(const HttpExchange& exchange) const {
  return parts_.settings.auth_realm.empty() ? domain_of(exchange) : parts_.settings.auth_realm;
}

}  // namespace sipwsd::auth
