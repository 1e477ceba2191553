#pragma once
// Whether a SIP request may go on (RFC 3261 22). REGISTER is challenged with 401 and must be for the user's own address of
// record (To); everything else that starts something with 407, and must come from it (From). ACK and CANCEL can't be
// challenged (22.1); what runs in a dialog carries our flow token instead and does not come here.
//
//   1. Over a connection whose user the handshake has shown: it must be his request (S22).
//   2. All others as auth_mode says: nobody is asked; digest; or nobody may.
//
// His request: To of a REGISTER, From, P-Asserted- and P-Preferred-Identity (RFC 3325) are his address of record, and a
// Contact at a name of ours (a GRUU, RFC 5627) has his name too.

#include <functional>
#include <string>

#include "src/auth/digest_access.h"
#include "src/auth/gatekeeper.h"

namespace sipwsd::auth {

class SipGatekeeper final : public Gatekeeper {
 public:
  struct Parts {
    const config::Settings& settings;  // may change between two requests: a reload
    DigestAccess digest;
    std::function<void(const Arrival&)> on_guess = {};  // a wrong password
  };
  explicit SipGatekeeper(Parts parts) : parts_(std::move(parts)) {}

  bool admits(RequestExchange& exchange) override;
  bool may_exist(std::string_view aor_uri) const override;

 private:
  enum class As : bool { registrar, proxy };
  // The user's name, or nothing: it has been answered.
  bool has_password(RequestExchange& exchange, As as, const std::string& realm, std::string& user);
  void challenge(RequestExchange& exchange, As as, std::string_view realm, DigestAccess::Stale stale);

  Parts parts_;
};

}  // namespace sipwsd::auth
