#include "src/auth/sip_gatekeeper.h"

#include <array>
#include <vector>

#include "sipwsd/bytes.h"
#include "src/sip/header_list.h"
#include "src/sip/name_addr.h"
#include "src/sip/uri.h"

namespace sipwsd::auth {
namespace {

std::string lower_host(const sip::Uri& uri) {
  std::string host(uri.host);
  for (char& c : host) c = ascii_lower(c);
  return host;
}

// Every value under `name`, until one does not fit.
template <typename Fits>
bool each_value(const SipMessageView& message, std::string_view name, Fits&& fits) {
  for (std::size_t i = 0;; ++i) {
    const auto line = message.header(name, i);
    if (line.data() == nullptr) return true;
    for (const auto& value : sip::values(line))
      if (!fits(sip::parse_name_addr(value.text))) return false;
  }
}

// S22. A temporary GRUU (`gr` without a value) names nobody, that is what it is for.
bool is_request_of(const RequestExchange& exchange, std::string_view aor) {
  const auto is_his = [&](const Result<sip::NameAddr>& address) {
    return address && address->uri.is_sip() && sip::canonical_aor(address->uri) == aor;
  };
  const auto message_header = [&](std::string_view name) { return sip::parse_name_addr(exchange.message().header(name)); };
  if (!is_his(message_header("From"))) return false;
  if (exchange.message().method() == "REGISTER" && !is_his(message_header("To"))) return false;
  for (const auto* name : {"P-Asserted-Identity", "P-Preferred-Identity"})
    if (!each_value(exchange.message(), name, is_his)) return false;
  const auto user = aor.substr(0, aor.rfind('@'));
  return each_value(exchange.message(), "Contact", [&](const Result<sip::NameAddr>& contact) {
    if (!contact || !contact->uri.is_sip() || !contact->uri.has_user || !exchange.is_ours(contact->uri.text)) return true;
    const auto gr = contact->uri.gr();
    return (gr && gr->empty()) || sip::unescape(contact->uri.user) == user;
  });
}

void forbid(RequestExchange& exchange) { exchange.reply(403, "Forbidden"); }

}  // namespace

bool SipGatekeeper::admits(RequestExchange& exchange) {
  const SipMessageView& message = exchange.message();
  if (message.method() == "ACK" || message.method() == "CANCEL") return true;
  const auto connected = exchange.authenticated_aor();
  if (connected.empty() && parts_.settings.auth_mode != config::AuthMode::digest) {
    if (parts_.settings.auth_mode != config::AuthMode::handshake) return true;
    forbid(exchange);
    return false;
  }

  const auto as = message.method() == "REGISTER" ? As::registrar : As::proxy;
  const auto identity = sip::parse_name_addr(message.header(as == As::proxy ? "From" : "To"));
  if (!identity || !identity->uri.is_sip()) {
    exchange.reply(400, "Bad Request");
    return false;
  }
  const std::string aor = sip::canonical_aor(identity->uri);
  if (connected.empty()) {
    if (!exchange.is_ours(identity->uri.text)) {  // nobody of another domain has a password here
      forbid(exchange);
      return false;
    }
    std::string user;
    const auto& realm = parts_.settings.auth_realm;
    if (!has_password(exchange, as, realm.empty() ? lower_host(identity->uri) : realm, user)) return false;
    // Some say user@domain (Kamailio's ha1b).
    if (user != aor && user != std::string_view(aor).substr(0, aor.rfind('@'))) {
      forbid(exchange);
      return false;
    }
  }
  if (is_request_of(exchange, connected.empty() ? std::string_view{aor} : connected)) return true;
  forbid(exchange);
  return false;
}

bool SipGatekeeper::may_exist(std::string_view aor_uri) const {
  const auto& settings = parts_.settings;
  if (settings.auth_mode != config::AuthMode::digest || settings.ws_auth.jwt) return true;  // who has a token is nobody's knowledge here
  const auto uri = sip::parse_uri(aor_uri);
  if (!uri || !uri->is_sip()) return false;
  return parts_.digest.credentials().knows(sip::unescape(uri->user), settings.auth_realm.empty() ? lower_host(*uri) : settings.auth_realm);
}

bool SipGatekeeper::has_password(RequestExchange& exchange, As as, const std::string& realm, std::string& user) {
  using enum DigestAccess::Verdict;
  const SipMessageView& message = exchange.message();
  for (std::size_t i = 0;; ++i) {
    const auto line = message.header(as == As::proxy ? "Proxy-Authorization" : "Authorization", i);
    if (line.data() == nullptr) break;
    // Not the Request-URI: proxies change it on the way, and phones write another spelling of it (RFC 3261 22.4).
    auto found = parts_.digest.check(line, {message.method(), {}, realm});
    switch (found.verdict) {
      case not_for_us: continue;  // for another proxy on the way
      case good: user = std::move(found.user); return true;
      case stale: challenge(exchange, as, realm, DigestAccess::Stale::yes); return false;
      case unsupported: exchange.reply(400, "Extended User Name Not Supported"); return false;
      case wrong_password:
        if (parts_.on_guess) parts_.on_guess(exchange.arrival());
        break;
      case wrong: break;
    }
    break;
  }
  challenge(exchange, as, realm, DigestAccess::Stale::no);
  return false;
}

void SipGatekeeper::challenge(RequestExchange& exchange, As as, std::string_view realm, DigestAccess::Stale stale) {
  const auto values = parts_.digest.challenges(realm, stale);
  std::vector<HeaderLine> headers;
  for (const auto& value : values) headers.push_back({as == As::proxy ? "Proxy-Authenticate" : "WWW-Authenticate", value});
  if (as == As::proxy)
    exchange.reply(407, "Proxy Authentication Required", headers);
  else
    exchange.reply(401, "Unauthorized", headers);
}

}  // namespace sipwsd::auth
