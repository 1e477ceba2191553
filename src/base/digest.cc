#include "src/base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "src/base/assert.h"

namespace sipwsd::base {
namespace {

// Fetched once a process: EVP_sha1() and friends make OpenSSL 3 look the algorithm up at every call.
const EVP_MD* fetched(const char* name) {
  const EVP_MD* md = EVP_MD_fetch(nullptr, name, nullptr);
  SIPWSD_ASSERT(md != nullptr, "OpenSSL's default provider has the usual hashes");
  return md;
}

template <std::size_t N>
std::array<std::uint8_t, N> digest(const EVP_MD* md, std::string_view bytes) {
  std::array<std::uint8_t, N> out{};
  unsigned int length = 0;
  SIPWSD_ASSERT(EVP_Digest(bytes.data(), bytes.size(), out.data(), &length, md, nullptr) == 1 && length == N,
                "a hash of memory can't fail");
  return out;
}

}  // namespace

std::array<std::uint8_t, 20> sha1(std::string_view bytes) {
  static const EVP_MD* md = fetched("SHA1");
  return digest<20>(md, bytes);
}
std::array<std::uint8_t, 32> sha256(std::string_view bytes) {
  static const EVP_MD* md = fetched("SHA256");
  return digest<32>(md, bytes);
}
std::array<std::uint8_t, 32> sha512_256(std::string_view bytes) {
  static const EVP_MD* md = fetched("SHA512-256");
  return digest<32>(md, bytes);
}
std::array<std::uint8_t, 16> md5(std::string_view bytes) {
  static const EVP_MD* md = fetched("MD5");
  return digest<16>(md, bytes);
}

std::array<std::uint8_t, 32> hmac_sha256(std::string_view key, std::string_view bytes) {
  static const EVP_MD* md = fetched("SHA256");
  std::array<std::uint8_t, 32> out{};
  unsigned int length = 0;
  SIPWSD_ASSERT(HMAC(md, key.data(), static_cast<int>(key.size()),
                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out.data(),
                     &length) != nullptr && length == out.size(),
                "a MAC of memory can't fail");
  return out;
}

bool equal_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace sipwsd::base
