#pragma once
// Digest access (RFC 3261 22, RFC 7616, RFC 8760) against a credentials file. REGISTER is challenged with 401 and must be
// for the user's own address of record (To); everything else that starts something with 407, and must come from it
// (From). ACK and CANCEL can't be challenged (22.1); what runs in a dialog carries our flow token instead.
//
//   - An unknown user takes the same path and time as a wrong password (S23).
//   - Each nonce and count is good once in the whole daemon.
//   - MD5 is offered first when the file has MD5 lines: JsSIP and SIP.js read the first challenge and know no other.

#include <functional>
#include <string>

#include "shm/nonce_table.h"
#include "src/auth/credentials_file.h"
#include "src/auth/gatekeeper.h"
#include "src/auth/nonce.h"
#include "src/base/clock.h"
#include "src/base/random.h"

namespace sipwsd::auth {

class DigestGatekeeper final : public Gatekeeper {
 public:
  struct Parts {
    const CredentialsFile& credentials;  // these two may change between two requests: a reload
    const std::string& realm;            // empty: the domain of the address of record
    std::string nonce_key;               // the same in every worker
    // A nonce of ours with a wrong password. Not for a nonce of the run before this one: after a restart everybody has one.
    std::function<void(const Arrival&)> on_wrong_password = {};
  };
  DigestGatekeeper(Parts parts, shm::NonceTable& used, const base::Clock& clock, base::Random& random);

  bool admits(RequestExchange& exchange) override;
  bool may_exist(std::string_view aor_uri) const override;

 private:
  enum class Outcome { good, none, wrong, wrong_password, stale };
  Outcome check(const SipMessageView& message, std::string_view header, std::string_view realm, std::string& user);
  void challenge(RequestExchange& exchange, bool as_proxy, std::string_view realm, bool stale);

  Parts parts_;
  Nonces nonces_;
  shm::NonceTable& used_;
  const base::Clock& clock_;
  base::Random& random_;
};

}  // namespace sipwsd::auth
