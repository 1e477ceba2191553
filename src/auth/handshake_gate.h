#pragma once
// Who opens a WebSocket (core.ws_auth): Digest (RFC 7616), Basic (RFC 7617, over TLS only), or a token somebody else signed
// (RFC 7519), as Bearer (RFC 6750), as a parameter of the query, or in a cookie. Who shows nothing, or what is wrong, is
// asked with everything that would do.
//
// What has been sent is looked at in this order, and the first that is there decides: Authorization, query, cookie. A
// browser sends its cookie by itself; the others somebody has chosen.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sipwsd/exchange.h"
#include "src/auth/digest_access.h"
#include "src/auth/jwt.h"

namespace sipwsd::auth {

class HandshakeGate {
 public:
  struct Parts {
    const config::Settings& settings;  // these two may change between two handshakes: a reload
    const std::vector<TokenKey>& keys;
    DigestAccess digest;               // also for Basic
    const base::Clock& clock;
    // A wrong password, or a token that none of our keys signed.
    std::function<void(const Arrival&)> on_guess = {};
  };
  explicit HandshakeGate(Parts parts) : parts_(std::move(parts)) {}

  struct Decision {
    std::string aor;                      // alice@example.org, canonical: let in. Empty: refused with the rest
    int status = 401;
    std::string_view why;                 // for the log: a constant
    std::vector<std::string> challenges;  // WWW-Authenticate
    bool accepted() const noexcept { return !aor.empty(); }
  };
  Decision check(const HttpExchange& exchange);

 private:
  Decision check_digest(const HttpExchange& exchange, std::string_view credentials);
  Decision check_basic(const HttpExchange& exchange, std::string_view credentials);
  Decision check_token(const HttpExchange& exchange, std::string_view token);
  Decision let_in(std::string_view user, std::string_view domain) const;
  Decision ask(const HttpExchange& exchange, std::string_view why, DigestAccess::Stale stale = DigestAccess::Stale::no);
  void guessed(const HttpExchange& exchange) const;
  bool takes_basic(const HttpExchange& exchange) const;
  std::string domain_of(const HttpExchange& exchange) const;
  std::string realm_of(const HttpExchange& exchange) const;

  Parts parts_;
};

// The address of record that a name means: a sip: or sips: URI, user@domain, or a user of `domain`. Empty: none.
std::string aor_named(std::string_view name, std::string_view domain);

}  // namespace sipwsd::auth
