// mTLS: what verify_certificate and require_certificate ask of clients (S58).

#include "tests/tls/tls_world.h"

namespace sipwsd::tls {
namespace {

enum class Mode { none, request, require };

class ClientCertificates : public EachVersion {
 protected:
  TlsProfile profile(Mode mode) {
    TlsProfile made = server_profile(certificate);
    made.verify_certificate = mode == Mode::request;
    made.require_certificate = mode == Mode::require;
    made.ca_list = authority.file();
    return made;
  }
  IssuedCertificate issue(std::int64_t valid_until = 86'400) {
    return authority.issue({.common_name = "phone 7", .names = {}, .use = test::CertificateUse::client, .valid_until = valid_until});
  }

  struct Outcome {
    State state;
    Failure failure;
    std::string why, subject;
    bool is_verified;
    int alert;  // what the client was told
  };
  Outcome meet(const TlsProfile& profile, std::optional<IssuedCertificate> shown) {
    const Contexts contexts = contexts_of({profile}, segment->ticket_keys);
    Client client({.version = GetParam(), .certificate = std::move(shown)});
    Served server(contexts);
    talk(client, server);
    const auto end = server.feed("");
    return {end.state, end.failure, std::string(end.why), server.session.peer_subject(), server.session.is_peer_verified(),
            client.last_reason};
  }
};
INSTANTIATE_TEST_SUITE_P(Versions, ClientCertificates, each_version(), version_name);

TEST_P(ClientCertificates, AreNotAskedForByDefault) {
  const auto met = meet(profile(Mode::none), issue());
  EXPECT_EQ(met.state, State::open);
  EXPECT_EQ(met.subject, "");
  EXPECT_FALSE(met.is_verified);
}

TEST_P(ClientCertificates, MayBeMissingWhenTheyAreOnlyAskedFor) {
  const auto met = meet(profile(Mode::request), std::nullopt);
  EXPECT_EQ(met.state, State::open);
  EXPECT_FALSE(met.is_verified);
}

TEST_P(ClientCertificates, AreBelievedWhenTheIssuerIs) {
  for (const Mode mode : {Mode::request, Mode::require}) {
    const auto met = meet(profile(mode), issue());
    EXPECT_EQ(met.state, State::open) << met.why;
    EXPECT_EQ(met.subject, "CN=phone 7");
    EXPECT_TRUE(met.is_verified);
  }
}

TEST_P(ClientCertificates, AreRefusedWhenMissingButRequired) {
  const auto met = meet(profile(Mode::require), std::nullopt);
  EXPECT_EQ(met.state, State::failed);
  EXPECT_EQ(met.failure, Failure::certificate);
  EXPECT_EQ(met.why, "peer did not return a certificate");
  EXPECT_NE(met.alert, 0);
}

TEST_P(ClientCertificates, AreRefusedWhenBadEvenWhereNoneIsRequired) {
  const CertificateAuthority stranger("Stranger");
  struct Row {
    const char* why;
    IssuedCertificate shown;
  };
  const Row rows[] = {
      {"certificate has expired", issue(-60)},
      {"unsuitable certificate purpose", authority.issue({.common_name = "a server"})},
      {"self-signed certificate in certificate chain", stranger.issue({.names = {}, .use = test::CertificateUse::client})},
  };
  for (const auto& row : rows) {
    const auto met = meet(profile(Mode::request), row.shown);
    EXPECT_EQ(met.state, State::failed);
    EXPECT_EQ(met.failure, Failure::certificate);
    EXPECT_EQ(met.why, row.why);
    EXPECT_FALSE(met.is_verified);
    EXPECT_NE(met.alert, 0);
  }
}

TEST_P(ClientCertificates, AreRefusedWhenTheyAreRevoked) {
  const auto good = issue(), revoked = issue();
  TlsProfile with_crl = profile(Mode::require);
  with_crl.crl = authority.crl_file({revoked});
  EXPECT_EQ(meet(with_crl, good).state, State::open);
  const auto met = meet(with_crl, revoked);
  EXPECT_EQ(met.state, State::failed);
  EXPECT_EQ(met.why, "certificate revoked");
  EXPECT_EQ(met.alert, SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED);
}

TEST_P(ClientCertificates, AreRefusedWhenTheCrlIsTooOld) {
  TlsProfile with_crl = profile(Mode::require);
  with_crl.crl = authority.crl_file({}, -60);
  const auto met = meet(with_crl, issue());
  EXPECT_EQ(met.state, State::failed);
  EXPECT_EQ(met.why, "CRL has expired");
}

TEST_P(ClientCertificates, AreAskedForByTheProfileOfTheName) {
  TlsProfile staff = profile(Mode::require);
  staff.server_name = "staff.example";
  const Contexts contexts = contexts_of({server_profile(certificate), staff});
  const auto state_of = [&](const std::string& name, std::optional<IssuedCertificate> shown) {
    Client client({.version = GetParam(), .server_name = name, .certificate = std::move(shown)});
    Served server(contexts);
    talk(client, server);
    EXPECT_EQ(server.session.is_peer_verified(), server.session.state() == State::open && name == "staff.example");
    return server.session.state();
  };
  EXPECT_EQ(state_of("www.example", std::nullopt), State::open);
  EXPECT_EQ(state_of("staff.example", std::nullopt), State::failed);
  EXPECT_EQ(state_of("staff.example", issue()), State::open);
}

}  // namespace
}  // namespace sipwsd::tls
