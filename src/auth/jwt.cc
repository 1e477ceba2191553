#include "src/auth/jwt.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "sipwsd/bytes.h"
#include "src/base/base64.h"
#include "src/base/digest.h"

namespace sipwsd::auth {
namespace {

using nlohmann::json;

constexpr std::size_t least_secret = 32;       // RFC 7518 3.2
constexpr std::size_t most_key = 64 * 1024;
constexpr int least_rsa_bits = 2048;           // RFC 7518 3.3
constexpr std::size_t es256_half = 32;         // RFC 7518 3.4: R and S

template <auto free>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const noexcept {
    free(object);
  }
};
using Bio = std::unique_ptr<BIO, FreeWith<BIO_free>>;
using Certificate = std::unique_ptr<X509, FreeWith<X509_free>>;
using PublicKey = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, FreeWith<ECDSA_SIG_free>>;

const unsigned char* raw(std::string_view text) noexcept { return reinterpret_cast<const unsigned char*>(text.data()); }

constexpr std::string_view name_of(TokenAlgorithm algorithm) noexcept {
  switch (algorithm) {
    case TokenAlgorithm::hs256: return "HS256";
    case TokenAlgorithm::rs256: return "RS256";
    case TokenAlgorithm::es256: return "ES256";
  }
  return {};
}

PublicKey read_pem(std::string_view bytes) {
  const Bio bio{BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size()))};
  if (!bio) return nullptr;
  if (bytes.find("BEGIN CERTIFICATE") == std::string_view::npos) return PublicKey{PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr)};
  const Certificate certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)};
  return PublicKey{certificate ? X509_get_pubkey(certificate.get()) : nullptr};
}

// R and S one behind the other become what OpenSSL reads.
std::string as_der(std::string_view signature) {
  Number r{BN_bin2bn(raw(signature), es256_half, nullptr)};
  Number s{BN_bin2bn(raw(signature) + es256_half, es256_half, nullptr)};
  const Signature pair{ECDSA_SIG_new()};
  if (!r || !s || !pair || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) return {};
  static_cast<void>(r.release()), static_cast<void>(s.release());  // the pair's now
  std::array<unsigned char, 2 * es256_half + 16> der{};
  auto* end = der.data();
  const int size = i2d_ECDSA_SIG(pair.get(), nullptr);
  if (size <= 0 || static_cast<std::size_t>(size) > der.size() || i2d_ECDSA_SIG(pair.get(), &end) != size) return {};
  return {reinterpret_cast<const char*>(der.data()), static_cast<std::size_t>(size)};
}

std::optional<json> object_in(std::string_view part) {
  const auto text = base::unbase64url(part);
  if (!text) return std::nullopt;
  auto value = json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!value.is_object()) return std::nullopt;  // also what does not parse
  return value;
}

std::string_view text_of(const json& object, std::string_view name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? std::string_view{found->get_ref<const std::string&>()} : std::string_view{};
}

// NumericDate (RFC 7519 2): seconds, perhaps with a fraction. nullopt: there, but none.
std::optional<double> date_of(const json& claims, std::string_view name, double absent) {
  const auto found = claims.find(name);
  if (found == claims.end()) return absent;
  if (!found->is_number()) return std::nullopt;
  return found->get<double>();
}

bool names(const json& claims, std::string_view audience) {
  const auto found = claims.find("aud");
  if (found == claims.end()) return audience.empty();
  if (audience.empty()) return false;
  if (!found->is_array()) return text_of(claims, "aud") == audience;
  return std::any_of(found->begin(), found->end(), [&](const json& one) { return one.is_string() && one.get_ref<const std::string&>() == audience; });
}

Result<void> check_claims(const json& claims, const TokenRules& rules, std::int64_t unix_now) {
  const auto now = static_cast<double>(unix_now), leeway = static_cast<double>(rules.leeway.count());
  const auto expires = date_of(claims, "exp", NAN), begins = date_of(claims, "nbf", 0);
  if (!expires || std::isnan(*expires) || !begins) return Error{Errc::malformed, "a token without a readable exp, or with an nbf that is none"};
  if (now >= *expires + leeway) return Error{Errc::timed_out, "the token has expired"};
  if (now < *begins - leeway) return Error{Errc::timed_out, "the token is not valid yet"};
  if (!rules.issuer.empty() && text_of(claims, "iss") != rules.issuer) return Error{Errc::refused, "the token's iss is not jwt_issuer"};
  if (!names(claims, rules.audience)) return Error{Errc::refused, "the token's aud is not jwt_audience"};
  return {};
}

}  // namespace

// --- keys ----------------------------------------------------------------------------------------------------------

void TokenKey::Free::operator()(evp_pkey_st* key) const noexcept { EVP_PKEY_free(key); }
TokenKey::TokenKey(TokenKey&&) noexcept = default;
TokenKey& TokenKey::operator=(TokenKey&&) noexcept = default;
TokenKey::~TokenKey() { OPENSSL_cleanse(secret_.data(), secret_.size()); }

Result<TokenKey> TokenKey::make(std::string id, std::string_view bytes) {
  if (bytes.size() > most_key) return Error{Errc::too_large, "is too large for a key"};
  TokenKey key;
  key.id_ = std::move(id);
  if (bytes.find("-----BEGIN ") == std::string_view::npos) {
    if (bytes.ends_with('\n')) bytes.remove_suffix(1);
    if (bytes.ends_with('\r')) bytes.remove_suffix(1);
    if (bytes.size() < least_secret) return Error{Errc::malformed, "holds less than 32 bytes; a secret for HS256 needs as many"};
    key.secret_ = bytes;
    return key;
  }
  if (bytes.find("PRIVATE KEY-----") != std::string_view::npos)
    return Error{Errc::refused, "holds a private key; give the public one, `openssl pkey -pubout` makes it"};
  key.public_.reset(read_pem(bytes).release());
  if (!key.public_) return Error{Errc::malformed, "holds no public key that can be read; write PEM"};
  if (EVP_PKEY_is_a(key.public_.get(), "RSA") == 1) {
    if (EVP_PKEY_get_bits(key.public_.get()) < least_rsa_bits) return Error{Errc::malformed, "holds an RSA key of less than 2048 bits"};
    key.algorithm_ = TokenAlgorithm::rs256;
    return key;
  }
  char group[32] = "";
  std::size_t size = 0;
  if (EVP_PKEY_is_a(key.public_.get(), "EC") != 1 || EVP_PKEY_get_group_name(key.public_.get(), group, sizeof group, &size) != 1 ||
      std::string_view(group, size) != "prime256v1")
    return Error{Errc::malformed, "holds neither an RSA nor a P-256 key"};
  key.algorithm_ = TokenAlgorithm::es256;
  return key;
}

bool TokenKey::has_signed(std::string_view text, std::string_view signature) const {
  std::string der;
  switch (algorithm_) {
    case TokenAlgorithm::hs256: return base::equal_constant_time(base::as_text(base::hmac_sha256(secret_, text)), signature);
    case TokenAlgorithm::rs256: break;
    case TokenAlgorithm::es256:
      if (signature.size() != 2 * es256_half) return false;
      der = as_der(signature);
      signature = der;
      break;
  }
  const DigestContext context{EVP_MD_CTX_new()};
  return context && EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, public_.get()) == 1 &&
         EVP_DigestVerify(context.get(), raw(signature), signature.size(), raw(text), text.size()) == 1;
}

// --- tokens --------------------------------------------------------------------------------------------------------

Result<std::string> claim_of_token(std::string_view token, const std::vector<TokenKey>& keys, const TokenRules& rules,
                                   std::int64_t unix_now) {
  const auto first = token.find('.'), last = token.rfind('.');
  if (token.size() > max_token || first == std::string_view::npos || first == last || token.find('.', first + 1) != last)
    return Error{Errc::malformed, "this is no signed token"};
  const auto header = object_in(token.substr(0, first));
  const auto signature = base::unbase64url(token.substr(last + 1));
  if (!header || !signature || header->contains("crit")) return Error{Errc::malformed, "a token with a header that is not understood"};

  const auto algorithm = text_of(*header, "alg"), id = text_of(*header, "kid");
  const bool is_known = std::any_of(keys.begin(), keys.end(), [&](const TokenKey& key) { return !id.empty() && key.id() == id; });
  const bool is_signed = std::any_of(keys.begin(), keys.end(), [&](const TokenKey& key) {
    return name_of(key.algorithm()) == algorithm && (id.empty() || (is_known ? key.id() == id : key.id().empty())) &&
           key.has_signed(token.substr(0, last), *signature);
  });
  if (!is_signed) return Error{Errc::refused, "no key of ours has signed the token"};

  const auto claims = object_in(token.substr(first + 1, last - first - 1));
  if (!claims) return Error{Errc::malformed, "a token without claims"};
  if (auto checked = check_claims(*claims, rules, unix_now); !checked) return checked.error();
  const auto wanted = text_of(*claims, rules.claim);
  if (wanted.empty()) return Error{Errc::not_found, "the token has no jwt_aor_claim"};
  return std::string(wanted);
}

}  // namespace sipwsd::auth
