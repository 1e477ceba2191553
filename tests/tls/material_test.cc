#include "src/tls/material.h"

#include "tests/tls/tls_world.h"

#include <cstdlib>
#include <ctime>

namespace sipwsd::tls {
namespace {

constexpr std::int64_t day = 86'400;

class MaterialTest : public ::testing::Test {
 protected:
  CertificateAuthority authority;
  IssuedCertificate certificate = authority.issue({.common_name = "sip.example.org", .names = {"sip.example.org", "192.0.2.1", "2001:db8::1"}});
  std::int64_t now = std::time(nullptr);

  std::string file(const std::string& bytes) const {
    return authority.folder().write("file-" + std::to_string(++files_), bytes);
  }
  // load() and check(); the words of whoever complains first, with the folder's name left out.
  std::string complaint(TlsProfile profile, std::int64_t at = 0) const {
    config::Settings settings;
    settings.tls_profiles = {std::move(profile)};
    std::string why;
    const auto material = load(settings);
    if (!material)
      why = material.error().why;
    else if (const auto checked = check(*material, at == 0 ? now : at); !checked)
      why = checked.error().why;
    const std::string folder = authority.folder().path() + "/";
    for (auto i = why.find(folder); i != std::string::npos; i = why.find(folder)) why.erase(i, folder.size());
    return why;
  }
  TlsProfile changed(std::function<void(TlsProfile&)> change) const {
    TlsProfile profile = server_profile(certificate);
    change(profile);
    return profile;
  }

 private:
  mutable int files_ = 0;
};

TEST_F(MaterialTest, DescribesItsCertificates) {
  const auto rsa = authority.issue({.common_name = "rsa", .key = test::KeyType::rsa, .valid_until = 10 * day + 60});
  TlsProfile profile = server_profile(certificate);
  profile.certificate.push_back(rsa.chain_file);
  profile.private_key.push_back(rsa.key_file);
  profile.ocsp_response = {authority.ocsp_file(certificate)};
  const auto checked = check(material_of({profile}), now);
  ASSERT_TRUE(checked) << checked.error().why;
  ASSERT_EQ(checked->size(), 2u);
  const CertificateInfo& first = checked->front();
  EXPECT_EQ(first.profile, "server:default");
  EXPECT_EQ(first.file, certificate.chain_file);
  EXPECT_EQ(first.subject, "CN=sip.example.org");
  EXPECT_EQ(first.issuer, "CN=Test CA");
  EXPECT_EQ(first.names, (std::vector<std::string>{"sip.example.org", "192.0.2.1", "2001:db8::1"}));
  EXPECT_EQ(first.key_type, "ECDSA P-256");
  EXPECT_NEAR(static_cast<double>(first.not_before), static_cast<double>(now - 3600), 5);
  EXPECT_NEAR(static_cast<double>(first.stapled_until), static_cast<double>(now + day), 5);
  EXPECT_EQ((*checked)[1].key_type, "RSA 2048");
  EXPECT_EQ((*checked)[1].days_left(now), 10);
  EXPECT_EQ((*checked)[1].days_left(now + 20 * day), -10);
}

TEST_F(MaterialTest, ShowsACertificateOfTwoProfilesOnce) {
  TlsProfile client = server_profile(certificate);
  client.side = TlsProfile::Side::client;
  client.ca_list = authority.file();
  const auto checked = check(material_of({server_profile(certificate), client}), now);
  ASSERT_TRUE(checked);
  ASSERT_EQ(checked->size(), 1u);
  EXPECT_EQ(checked->front().profile, "server:default, client:default");
}

TEST_F(MaterialTest, TakesTheKeyFromTheFileOfTheCertificate) {
  EXPECT_EQ(complaint(changed([&](TlsProfile& p) {
              p.certificate = {file(certificate.pem + certificate.key_pem)};
              p.private_key.clear();
            })),
            "");
}

TEST_F(MaterialTest, SaysWhichFileIsWrongAndWhatToDo) {
  const auto other = authority.issue({.common_name = "other"});
  const auto old = authority.issue({.common_name = "old", .valid_from = -20 * day, .valid_until = -10 * day});
  const auto young = authority.issue({.common_name = "young", .valid_from = 10 * day});
  const auto weak_chain = file(certificate.pem + other.pem);
  struct Row {
    TlsProfile profile;
    std::string complaint;  // up to a `*`
  };
  const Row rows[] = {
      {changed([](TlsProfile& p) { p.certificate = {"/proc/nonexistent"}; }),
       "server:default: can't read certificate /proc/nonexistent: No such file or directory; name a file that user can read"},
      {changed([](TlsProfile& p) { p.private_key = {"/tmp"}; }), "server:default: can't read private_key /tmp: it is no plain file; *"},
      {changed([&](TlsProfile& p) { p.private_key = {other.key_file}; }),
       "server:default: private_key key-5.pem: it is not the key of certificate chain-3.pem; name the key it was made with"},
      {changed([&](TlsProfile& p) { p.certificate = {file("nothing")}; }),
       "server:default: certificate file-2: it holds no certificate in PEM form; name a file that does, or make one: openssl x509 "
       "-inform DER -in FILE -out NEW"},
      {changed([&](TlsProfile& p) { p.certificate = {file(certificate.pem.substr(0, 300))}; }),
       "server:default: certificate file-3: number 1 in it is broken: *"},
      {changed([&](TlsProfile& p) { p.certificate = {file(certificate.pem + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")}; }),
       "server:default: certificate file-4: number 2 in it is broken: *"},
      {changed([&](TlsProfile& p) { p.private_key = {file("nothing")}; }),
       "server:default: private_key file-5: it holds no private key in PEM form; name a file that does, or make one: openssl pkey "
       "-inform DER -in FILE -out NEW"},
      {changed([&](TlsProfile& p) { p.private_key = {}; }),
       "server:default: certificate chain-3.pem: its private key is not in this file; name the key's file in private_key"},
      {changed([&](TlsProfile& p) {
         p.private_key = {file("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")};
       }),
       "server:default: private_key file-6: the key has a passphrase; write it without one: openssl pkey -in FILE -out NEW"},
      {changed([&](TlsProfile& p) { p.certificate = {weak_chain}; }),
       "server:default: certificate file-1: its second certificate (CN=other) did not issue the first "
       "(CN=sip.example.org); write the server's own first, then the one that issued it"},
      {server_profile(old), "server:default: certificate chain-9.pem: CN=old has ended on *"},
      {server_profile(young), "server:default: certificate chain-12.pem: CN=young is not valid before *"},
      {changed([&](TlsProfile& p) { p.ca_list = file("x"); }),
       "server:default: ca_list file-7: it holds no certificate in PEM form; *"},
      {changed([&](TlsProfile& p) { p.crl = file(authority.pem()); }),
       "server:default: crl file-8: it holds no CRL in PEM form; name a file that does, or make one: openssl crl *"},
      {changed([](TlsProfile& p) { p.cipher_list = "NOTHING"; }),
       "server:default: cipher_list NOTHING: no cipher match; see openssl-ciphers(1)"},
      {changed([](TlsProfile& p) { p.ciphersuites = "TLS_NOTHING"; }), "server:default: ciphersuites TLS_NOTHING: *"},
      {changed([&](TlsProfile& p) { p.ocsp_response = {file("x")}; }),
       "server:default: ocsp_response file-9: it is no OCSP response in DER form: *"},
      {changed([&](TlsProfile& p) { p.ocsp_response = {authority.ocsp_file(other)}; }),
       "server:default: ocsp_response ocsp-13.pem: it is about another certificate; fetch a new one with openssl ocsp -respout"},
      {changed([&](TlsProfile& p) { p.ocsp_response = {authority.ocsp_file(certificate, CertificateAuthority::Verdict::revoked)}; }),
       "server:default: ocsp_response ocsp-14.pem: it says that the certificate is revoked; *"},
  };
  for (const auto& row : rows) {
    const std::string got = complaint(row.profile);
    if (row.complaint.ends_with('*'))
      EXPECT_TRUE(got.starts_with(row.complaint.substr(0, row.complaint.size() - 1))) << got;
    else
      EXPECT_EQ(got, row.complaint);
  }
}

TEST_F(MaterialTest, ComesOutOfItsPackAsItWentIn) {
  TlsProfile full = server_profile(certificate, "*.example.org");
  full.address = local_endpoint(8443);
  full.ca_list = authority.file();
  full.crl = authority.crl_file({});
  full.cipher_list = "HIGH";
  full.ocsp_response = {authority.ocsp_file(certificate)};
  full.versions = config::TlsVersions::only_1_3;
  full.verify_certificate = full.require_certificate = true;
  full.verify_depth = 3;
  const Material before = material_of({full, server_profile(certificate)}, std::chrono::seconds{77});
  const auto after = unpack(pack(before).view());
  ASSERT_TRUE(after) << after.error().why;
  EXPECT_EQ(after->ticket_lifetime, before.ticket_lifetime);
  ASSERT_EQ(after->profiles.size(), 2u);
  const auto &a = after->profiles[0], &b = before.profiles[0];
  EXPECT_EQ(a.profile.name(), "server:127.0.0.1:8443 (*.example.org)");
  EXPECT_EQ(a.profile.certificate, b.profile.certificate);
  EXPECT_EQ(a.profile.private_key, b.profile.private_key);
  EXPECT_EQ(a.profile.cipher_list, "HIGH");
  EXPECT_EQ(a.profile.versions, config::TlsVersions::only_1_3);
  EXPECT_TRUE(a.profile.verify_certificate && a.profile.require_certificate);
  EXPECT_EQ(a.profile.verify_depth, 3u);
  EXPECT_EQ(a.identities[0].chain.view(), b.identities[0].chain.view());
  EXPECT_EQ(a.identities[0].private_key.view(), b.identities[0].private_key.view());
  EXPECT_EQ(a.identities[0].ocsp_response, b.identities[0].ocsp_response);
  EXPECT_EQ(a.ca_list, b.ca_list);
  EXPECT_EQ(a.crl, b.crl);
  EXPECT_EQ(pack(*after).view(), pack(before).view());
  EXPECT_TRUE(after->has_server());
}

TEST_F(MaterialTest, IsNotMadeOfABrokenPack) {
  const Secret packed = pack(material_of({server_profile(certificate)}));
  for (std::size_t end = 0; end < packed.view().size(); ++end) EXPECT_FALSE(unpack(packed.view().substr(0, end))) << end;
  EXPECT_FALSE(unpack(std::string(packed.view()) + "x"));
  std::string huge(packed.view());
  for (std::size_t i = 13; i < 60; ++i) huge[i] = '\xff';
  EXPECT_FALSE(unpack(huge));
}

TEST(SecretTest, LeavesNothingBehind) {
  std::string key(100, 'k');
  const char* bytes = key.data();
  Secret first(std::move(key));
  EXPECT_EQ(first.view().data(), bytes) << "moved, not copied";
  Secret second(std::move(first));
  EXPECT_TRUE(first.is_empty());
  EXPECT_EQ(second.view(), std::string(100, 'k'));

  std::string wiped = "a short key";
  Secret::wipe(wiped);
  EXPECT_TRUE(wiped.empty());
  EXPECT_EQ(std::string(wiped.data(), 11), std::string(11, '\0'));
}

TEST(SecretTest, IsWipedWhenItIsReplaced) {
  Secret secret(std::string("first key"));
  secret = Secret(std::string("second key"));
  EXPECT_EQ(secret.view(), "second key");
  const Secret copy = secret;
  secret = copy;
  EXPECT_EQ(secret.view(), "second key");
}

}  // namespace
}  // namespace sipwsd::tls
