#pragma once
// What only workers may know: the users' passwords (HA1), the keys of tokens, and the private keys. The supervisor reads the files while it
// may, and checks them; workers get the bytes and make of them what they need.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sipwsd/result.h"
#include "src/config/settings.h"
#include "src/tls/material.h"
#include "src/tls/secret.h"

namespace sipwsd::process {

struct Secrets {
  tls::Secret credentials;  // auth_file, and the subscriber table as lines of such a file; empty when nobody is asked for a password
  tls::Secret tokens;       // auth::read_token_keys()
  tls::Secret tls;          // tls::pack()
};

struct LoadedSecrets {
  Secrets secrets;
  std::vector<tls::CertificateInfo> certificates;
};

// From the files that the settings name. What is wrong with them is one line that names the file.
Result<LoadedSecrets> load_secrets(const config::Settings& settings, std::int64_t unix_now);
// Only the TLS part; the others of `secrets` stay as they are.
Result<LoadedSecrets> load_tls_secrets(const config::Settings& settings, Secrets secrets, std::int64_t unix_now);

tls::Secret pack(const Secrets& secrets);
Result<Secrets> unpack_secrets(const tls::Secret& packed);

}  // namespace sipwsd::process
