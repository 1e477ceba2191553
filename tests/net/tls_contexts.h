#pragma once
// Both ends of TLS, with certificates of one authority.

#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "src/config/settings.h"
#include "src/tls/contexts.h"
#include "src/tls/material.h"
#include "tests/support/certificates.h"

namespace sipwsd::net {

inline const test::CertificateAuthority& authority() {
  static const test::CertificateAuthority only;
  return only;
}

inline tls::Contexts contexts_of(std::vector<config::TlsProfile> profiles, shm::TicketKeys tickets = {}) {
  config::Settings settings;
  settings.tls_profiles = std::move(profiles);
  auto material = tls::load(settings);
  if (!material) throw std::runtime_error(material.error().why);
  auto contexts = tls::Contexts::make(*material, tickets);
  if (!contexts) throw std::runtime_error(contexts.error().why);
  return std::move(*contexts);
}

// Shows a certificate of localhost.
inline config::TlsProfile server_profile() {
  static const test::IssuedCertificate issued = authority().issue();
  config::TlsProfile profile;
  profile.certificate = {issued.file};
  profile.private_key = {issued.key_file};
  return profile;
}

// Checks the server's.
inline config::TlsProfile client_profile() {
  config::TlsProfile profile;
  profile.side = config::TlsProfile::Side::client;
  profile.ca_list = authority().file();
  profile.verify_certificate = true;
  return profile;
}

inline tls::Contexts server_contexts(shm::TicketKeys tickets, std::optional<Endpoint> address = {}) {
  config::TlsProfile profile = server_profile();
  profile.address = address;
  return contexts_of({profile}, tickets);
}
inline tls::Contexts client_contexts() { return contexts_of({client_profile()}); }

}  // namespace sipwsd::net
