#pragma once
// JSON Web Tokens (RFC 7519) that somebody else signed: HS256, RS256, ES256 (RFC 7518 3.2-3.4), checked against keys that
// are ours to name. RFC 8725 is followed where it says what not to believe:
//
//   - A key has one algorithm, found in the key; the token must say the same (3.1). `none` is none of them.
//   - `crit` and encrypted tokens are refused; `jku`, `jwk`, `x5u` are not looked at (3.10).
//   - There must be an `exp`. An `aud` must name jwt_audience (RFC 7519 4.1.3), so must be absent when that is empty.
//
// Reads no file and no clock. What is wrong is a constant, so a token never gets into a log.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sipwsd/result.h"

struct evp_pkey_st;

namespace sipwsd::auth {

inline constexpr std::size_t max_token = 8192;

enum class TokenAlgorithm : std::uint8_t { hs256, rs256, es256 };

class TokenKey {
 public:
  // A public key or certificate in PEM, or else a secret (one line feed at its end is not part of it). refused: a private
  // key, which has no business here; too_small or of another kind: malformed.
  static Result<TokenKey> make(std::string id, std::string_view bytes);
  TokenKey(TokenKey&&) noexcept;
  TokenKey& operator=(TokenKey&&) noexcept;
  ~TokenKey();

  [[nodiscard]] const std::string& id() const noexcept { return id_; }  // `kid`; empty: for tokens without, or of any name
  [[nodiscard]] TokenAlgorithm algorithm() const noexcept { return algorithm_; }
  [[nodiscard]] bool has_signed(std::string_view text, std::string_view signature) const;

 private:
  TokenKey() = default;
  struct Free {
    void operator()(evp_pkey_st* key) const noexcept;
  };
  std::string id_;
  TokenAlgorithm algorithm_ = TokenAlgorithm::hs256;
  std::string secret_;
  std::unique_ptr<evp_pkey_st, Free> public_;
};

struct TokenRules {
  std::string_view issuer{}, audience{};  // empty: any issuer; no audience
  std::string_view claim = "sub";         // what is wanted of it
  std::chrono::seconds leeway{0};
};

// The claim's text. malformed: no token of ours; refused: signed by nobody we know, or for somebody else; timed_out: not
// valid yet, or no more; not_found: it has no such claim.
Result<std::string> claim_of_token(std::string_view token, const std::vector<TokenKey>& keys, const TokenRules& rules,
                                   std::int64_t unix_now);

}  // namespace sipwsd::auth
