#pragma once
// Keys that sign JSON Web Tokens, for tests: OpenSSL called directly, so that a mistake in ours does not agree with itself.

#include <memory>
#include <string>
#include <string_view>

struct evp_pkey_st;

namespace sipwsd::test {

class Signer {
 public:
  static Signer rsa(unsigned bits);
  static Signer ec(const char* curve);  // "P-256"
  [[nodiscard]] std::string public_pem() const;
  [[nodiscard]] std::string private_pem() const;
  [[nodiscard]] std::string certificate_pem() const;  // of its own key, signed by itself
  // RS256 or ES256 by the kind of key, whatever the header says.
  [[nodiscard]] std::string token(std::string_view header, std::string_view claims) const;

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const noexcept;
  };
  explicit Signer(evp_pkey_st* key) : key_(key) {}
  std::unique_ptr<evp_pkey_st, Free> key_;
};

std::string hs256_token(std::string_view secret, std::string_view header, std::string_view claims);

}  // namespace sipwsd::test
