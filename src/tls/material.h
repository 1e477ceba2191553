#pragma once
// Everything TLS needs from files, as bytes. The supervisor reads it while it may still read private keys, checks it,
// and hands it to the workers packed; nobody opens a file after that. A reload makes a new Material, and only one that
// check() finds good replaces the old (S59).

#include "sipwsd/result.h"

#include "src/config/settings.h"
#include "src/tls/secret.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sipwsd::tls {

// One certificate of a profile, with its key and what is stapled to it.
struct Identity {
  Secret chain;               // PEM; the file may hold the key too
  Secret private_key;         // PEM
  std::string ocsp_response;  // DER; may be empty
};

struct ProfileMaterial {
  config::TlsProfile profile;  // the names of its files are for messages
  std::vector<Identity> identities;
  std::string ca_list;  // PEM
  std::string crl;      // PEM
};

struct Material {
  std::vector<ProfileMaterial> profiles;
  std::chrono::seconds ticket_lifetime{};  // 0: no tickets

  // No listener can speak TLS.
  bool has_server() const noexcept;
};

// What an operator wants to know of one certificate we show to others.
struct CertificateInfo {
  std::string profile;              // server:default
  std::string file;
  std::string subject;              // RFC 2253
  std::vector<std::string> names;   // subjectAltName: DNS names and addresses
  std::string issuer;
  std::string key_type;             // ECDSA P-256, RSA 2048
  std::int64_t not_before = 0;      // Unix seconds
  std::int64_t not_after = 0;
  std::int64_t stapled_until = 0;   // next update of its OCSP response; 0: none. What is over is not stapled

  std::int64_t days_left(std::int64_t unix_now) const noexcept;  // whole days; negative when it has expired
};

// Reads the files of settings.tls_profiles. Errors name the file, the parameter and what to do.
[[nodiscard]] Result<Material> load(const config::Settings& settings);

// Whether the daemon could serve with it: keys match certificates, chains, CA lists, CRLs, OCSP responses and cipher
// lists parse, certificates are valid now. The certificates of all profiles, in order, each file once.
[[nodiscard]] Result<std::vector<CertificateInfo>> check(const Material& material, std::int64_t unix_now);

// For a memory file between the supervisor and its workers. Both wipe what they no longer need; the caller wipes the
// packed bytes (Secret does).
[[nodiscard]] Secret pack(const Material& material);
[[nodiscard]] Result<Material> unpack(std::string_view packed);

}  // namespace sipwsd::tls
