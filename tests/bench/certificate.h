#pragma once
// A self-signed certificate for loopback, made by the `openssl` command. The key is good for a test and nothing else.

#include <string>

namespace sipwsd::bench {

struct Certificate {
  std::string certificate_file, key_file;
};
enum class KeyKind { ecdsa_p256, rsa_2048 };

// In `folder`; throws when there is no openssl.
Certificate make_certificate(const std::string& folder, KeyKind kind);

}  // namespace sipwsd::bench
