#include "tests/support/signer.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <stdexcept>

namespace sipwsd::test {
namespace {

std::string base64url(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(bytes.data()),
                                static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(n));
  while (out.ends_with('=')) out.pop_back();
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

std::string content(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return out;
}

std::string signing_input(std::string_view header, std::string_view claims) { return base64url(header) + "." + base64url(claims); }

}  // namespace

void Signer::Free::operator()(evp_pkey_st* key) const noexcept { EVP_PKEY_free(key); }

Signer Signer::rsa(unsigned bits) { return Signer(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{bits})); }
Signer Signer::ec(const char* curve) { return Signer(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve)); }

std::string Signer::public_pem() const {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(bio, key_.get());
  return content(bio);
}

std::string Signer::private_pem() const {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return content(bio);
}

std::string Signer::certificate_pem() const {
  X509* certificate = X509_new();
  X509_set_pubkey(certificate, key_.get());
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_sign(certificate, key_.get(), EVP_sha256());
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  X509_free(certificate);
  return content(bio);
}

std::string Signer::token(std::string_view header, std::string_view claims) const {
  const auto input = signing_input(header, claims);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  std::string signature(1024, '\0');
  std::size_t size = signature.size();
  const bool done = EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
                    EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size,
                                   reinterpret_cast<const unsigned char*>(input.data()), input.size()) == 1;
  EVP_MD_CTX_free(context);
  if (!done) throw std::runtime_error("the test's own key does not sign");
  signature.resize(size);
  if (EVP_PKEY_is_a(key_.get(), "EC") == 1) {  // RFC 7518 3.4: R and S instead of DER
    const auto* der = reinterpret_cast<const unsigned char*>(signature.data());
    ECDSA_SIG* pair = d2i_ECDSA_SIG(nullptr, &der, static_cast<long>(size));
    const BIGNUM *r = nullptr, *s = nullptr;
    ECDSA_SIG_get0(pair, &r, &s);
    const int half = (EVP_PKEY_get_bits(key_.get()) + 7) / 8;
    std::string raw(2 * static_cast<std::size_t>(half), '\0');
    BN_bn2binpad(r, reinterpret_cast<unsigned char*>(raw.data()), half);
    BN_bn2binpad(s, reinterpret_cast<unsigned char*>(raw.data()) + half, half);
    ECDSA_SIG_free(pair);
    signature = raw;
  }
  return input + "." + base64url(signature);
}

std::string hs256_token(std::string_view secret, std::string_view header, std::string_view claims) {
  const auto input = signing_input(header, claims);
  unsigned char mac[32];
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char*>(input.data()), input.size(), mac, &size);
  return input + "." + base64url({reinterpret_cast<const char*>(mac), size});
}

}  // namespace sipwsd::test
