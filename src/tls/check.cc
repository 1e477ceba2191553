// tls::check(): the contexts are made as a worker would make them, then the dates are looked at.
#include "src/base/clock.h"
#include "src/tls/context_state.h"
#include "src/tls/material.h"
#include "src/tls/pem.h"

#include <algorithm>

namespace sipwsd::tls {
namespace {

using config::TlsProfile;

// The server's own certificate and those that go with it; a root at the end is not sent for its dates.
Result<void> check_dates(const Certificate& certificate, const std::string& where, std::int64_t unix_now) {
  const auto from = unix_seconds(X509_get0_notBefore(certificate.get()));
  const auto until = unix_seconds(X509_get0_notAfter(certificate.get()));
  if (until <= unix_now)
    return Error{Errc::out_of_range, where + ": " + subject_of(certificate.get()) + " has ended on " + base::utc_text(until) +
                                         "; get a new one"};
  if (from > unix_now)
    return Error{Errc::out_of_range, where + ": " + subject_of(certificate.get()) + " is not valid before " + base::utc_text(from) +
                                         "; check the clock, or wait"};
  return {};
}

CertificateInfo describe(const TlsProfile& profile, const std::string& file, X509* leaf) {
  return {.profile = profile.name(),
          .file = file,
          .subject = subject_of(leaf),
          .names = names_of(leaf),
          .issuer = issuer_of(leaf),
          .key_type = key_type_of(leaf),
          .not_before = unix_seconds(X509_get0_notBefore(leaf)),
          .not_after = unix_seconds(X509_get0_notAfter(leaf))};
}

Result<CertificateInfo> check_identity(const ProfileMaterial& material, std::size_t i, std::int64_t unix_now) {
  const TlsProfile& profile = material.profile;
  const std::string& file = profile.certificate[i];
  const auto chain = read_certificates(material.identities[i].chain.view());
  if (!chain) return chain.error();
  const std::string where = profile.name() + ": certificate " + file;
  for (const Certificate& certificate : *chain)
    if (X509_self_signed(certificate.get(), 0) != 1 || certificate == chain->front())
      if (auto dated = check_dates(certificate, where, unix_now); !dated) return dated.error();
  X509* leaf = chain->front().get();
  CertificateInfo info = describe(profile, file, leaf);
  if (!material.identities[i].ocsp_response.empty()) {
    X509* issuer = chain->size() > 1 ? (*chain)[1].get() : nullptr;
    if (const auto staple = read_staple(material.identities[i].ocsp_response, leaf, issuer)) info.stapled_until = staple->until;
  }
  return info;
}

// One certificate may be several sections'; the client's often shows what the server's does.
bool add_to_known(std::vector<CertificateInfo>& all, const std::string& file, const TlsProfile& profile) {
  const auto known = std::find_if(all.begin(), all.end(), [&](const CertificateInfo& info) { return info.file == file; });
  if (known == all.end()) return false;
  known->profile += ", " + profile.name();
  return true;
}

Result<void> check_context(const ProfileMaterial& material, std::chrono::seconds ticket_lifetime) {
  if (material.profile.side == TlsProfile::Side::client) {
    const auto made = make_client_context(material);
    return made ? Result<void>{} : Result<void>{made.error()};
  }
  const auto made = make_server_context(material, ticket_lifetime);
  return made ? Result<void>{} : Result<void>{made.error()};
}

}  // namespace

Result<std::vector<CertificateInfo>> check(const Material& material, std::int64_t unix_now) {
  std::vector<CertificateInfo> all;
  for (const ProfileMaterial& profile : material.profiles) {
    if (auto sound = check_context(profile, material.ticket_lifetime); !sound) return sound.error();
    for (std::size_t i = 0; i < profile.identities.size(); ++i) {
      if (add_to_known(all, profile.profile.certificate[i], profile.profile)) continue;
      auto info = check_identity(profile, i, unix_now);
      if (!info) return info.error();
      all.push_back(*std::move(info));
    }
  }
  return all;
}

}  // namespace sipwsd::tls
