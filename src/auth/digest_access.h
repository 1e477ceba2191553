#pragma once
// Digest access (RFC 7616, RFC 8760) without a message: which challenges there are, and what credentials are worth. SIP
// requests and WebSocket handshakes are both asked with it.
//
//   - An unknown user takes the same path and time as a wrong password (S23).
//   - Each nonce and count is good once in the whole daemon.
//   - Offered is what auth_algorithms says, in its order, and only what there are users with.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shm/nonce_table.h"
#include "src/auth/credentials_file.h"
#include "src/auth/nonce.h"
#include "src/base/clock.h"
#include "src/base/random.h"
#include "src/config/settings.h"

namespace sipwsd::auth {

class DigestAccess {
 public:
  struct Parts {
    const CredentialsFile& credentials;  // these two may change between two questions: a reload
    const config::Settings& settings;
    std::string nonce_key;               // the same in every worker
    shm::NonceTable& used;
    const base::Clock& clock;
    base::Random& random;
  };
  explicit DigestAccess(Parts parts);

  // What the credentials must be for.
  struct Request {
    std::string_view method, uri, realm;  // no uri: any will do
  };
  enum class Verdict : std::uint8_t {
    good,
    not_for_us,      // no Digest, another realm, not readable: look at the next ones
    wrong,           // ask again
    wrong_password,  // the same, with a nonce of ours; not for one of the run before: after a restart everybody has one
    stale,           // ask again, but the password was right
    unsupported,     // `username*` (RFC 7616 3.4): asking again would not help
  };
  struct Finding {
    Verdict verdict = Verdict::not_for_us;
    std::string user;  // when good
  };
  // The value of one Authorization or Proxy-Authorization.
  Finding check(std::string_view credentials, const Request& request);

  enum class Stale : bool { no, yes };
  // The values of WWW-Authenticate or Proxy-Authenticate, one line each.
  std::vector<std::string> challenges(std::string_view realm, Stale stale);

  // Is this his password? (Basic, RFC 7617.) As long for a user who is not there.
  bool is_password(std::string_view user, std::string_view realm, std::string_view password) const;
  const CredentialsFile& credentials() const noexcept { return parts_.credentials; }

 private:
  Parts parts_;
  Nonces nonces_;
};

}  // namespace sipwsd::auth
