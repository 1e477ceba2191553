#pragma once
// Who a request comes from, and whether he may (RFC 3261 22). A routing stage asks; no gatekeeper means everybody may.

#include <string_view>

#include "sipwsd/exchange.h"

namespace sipwsd::auth {

class Gatekeeper {
 public:
  virtual ~Gatekeeper() = default;
  // False: the request has been answered (401, 407, 403, 400).
  virtual bool admits(RequestExchange& exchange) = 0;
  // Could this user ever register?
  virtual bool may_exist(std::string_view aor_uri) const = 0;
};

}  // namespace sipwsd::auth
