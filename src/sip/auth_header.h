#pragma once
// WWW-Authenticate, Proxy-Authenticate (challenges) and Authorization, Proxy-Authorization (credentials):
// RFC 3261 20.7, 20.44, RFC 7616 3.3, 3.4, RFC 8760. Reads only; what the values mean is src/auth's business.
// Values are views without their quotes, escapes kept (a user name with `\"` is compared by unquote()).

#include <cstdint>
#include <optional>
#include <string_view>

#include "sipwsd/result.h"

namespace sipwsd::sip {

// Parameters a header may have more than once are refused: two readers could choose differently.
struct AuthHeader {
  std::string_view scheme;  // "Digest"; parameters of other schemes are not read
  std::string_view realm, nonce, opaque, algorithm;
  std::string_view username, uri, response, cnonce, nc;
  std::string_view qop;  // of a challenge: the list within the quotes
  std::string_view domain;
  std::string_view extended_username;  // `username*` (RFC 7616 3.4), as RFC 8187 encodes it
  bool stale = false;
  bool userhash = false;

  [[nodiscard]] bool is_digest() const noexcept;
  // nc as a number: exactly eight hexadecimal digits (RFC 7616 3.4).
  [[nodiscard]] std::optional<std::uint32_t> nonce_count() const noexcept;
};

[[nodiscard]] Result<AuthHeader> parse_auth_header(std::string_view value);

}  // namespace sipwsd::sip
