#include "src/tls/secret.h"

#include <openssl/crypto.h>

#include <utility>

namespace sipwsd::tls {

void Secret::wipe(std::string& bytes) noexcept {
  bytes.resize(bytes.capacity());  // what a shorter value left behind counts too; allocates nothing
  OPENSSL_cleanse(bytes.data(), bytes.size());
  bytes.clear();
}

// A string that is moved from may keep a copy of a short value inside itself.
Secret::Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) { wipe(other.bytes_); }

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe(bytes_);
  bytes_ = std::move(other.bytes_);
  wipe(other.bytes_);
  return *this;
}

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) *this = Secret(other);
  return *this;
}

}  // namespace sipwsd::tls
