// Session tickets (RFC 5077, RFC 8446 4.6.1): two Contexts stand for two workers that share one segment.

#include "src/base/random.h"

#include "tests/tls/tls_world.h"

namespace sipwsd::tls {
namespace {

class Tickets : public EachVersion {
 protected:
  struct Visit {
    bool resumed = false;
    bool verified = false;
    std::string subject;
    State state{};
    SslSession ticket;
  };
  // One connection to a worker, with the ticket of an earlier one.
  Visit visit(const Contexts& worker, SslSession session = {}, ClientOptions options = {}) {
    options.version = GetParam();
    options.session = std::move(session);
    Client client(options);
    Served server(worker);
    talk(client, server);
    EXPECT_EQ(SSL_session_reused(client.ssl()) == 1, server.session.is_resumed());
    return {server.session.is_resumed(), server.session.is_peer_verified(), server.session.peer_subject(),
            server.session.state(), ticket_of(client)};
  }
  // TLS 1.3 brings tickets one by one; with TLS 1.2 it is part of the session, also when a resumption has renewed it.
  static SslSession ticket_of(const Client& client) {
    if (GetParam() == TLS1_3_VERSION) return client.sessions.empty() ? SslSession{} : client.sessions.back();
    return {SSL_get1_session(client.ssl()), SSL_SESSION_free};
  }
  // The name of the key that sealed it.
  static std::string key_name(const SslSession& session) {
    const unsigned char* ticket = nullptr;
    std::size_t size = 0;
    SSL_SESSION_get0_ticket(session.get(), &ticket, &size);
    return {reinterpret_cast<const char*>(ticket), std::min<std::size_t>(size, 16)};
  }
  std::string current_key() const {
    const auto key = segment_.ticket_keys.read().current;
    return {reinterpret_cast<const char*>(key.name.data()), key.name.size()};
  }
  void rotate() {
    base::SystemRandom random;
    segment_.ticket_keys.rotate(2'000'000'000, random);
  }

  shm::SharedState& segment_ = *segment;
  Contexts other = contexts_of({server_profile(certificate)}, segment->ticket_keys);
};
INSTANTIATE_TEST_SUITE_P(Versions, Tickets, each_version(), version_name);

TEST_P(Tickets, OfOneWorkerAreGoodAtAnother) {
  const auto first = visit(contexts);
  EXPECT_FALSE(first.resumed);
  ASSERT_TRUE(first.ticket);
  EXPECT_EQ(key_name(first.ticket), current_key());
  EXPECT_TRUE(visit(other, first.ticket).resumed);
}

TEST_P(Tickets, OfADeadWorkerAreGoodAtItsSuccessor) {
  auto worker = std::make_unique<Contexts>(contexts_of({server_profile(certificate)}, segment->ticket_keys));
  const auto first = visit(*worker);
  worker.reset();
  EXPECT_TRUE(visit(other, first.ticket).resumed);
}

TEST_P(Tickets, CanBeUsedOneAfterTheOther) {
  auto last = visit(contexts);
  for (int i = 0; i < 5; ++i) {
    const auto next = visit(i % 2 == 0 ? other : contexts, last.ticket);
    ASSERT_TRUE(next.resumed) << i;
    ASSERT_TRUE(next.ticket) << i;
    last = next;
  }
}

TEST_P(Tickets, OfThePreviousKeyAreGoodAndRenewed) {
  const auto first = visit(contexts);
  rotate();
  const auto second = visit(other, first.ticket);
  EXPECT_TRUE(second.resumed);
  ASSERT_TRUE(second.ticket);
  EXPECT_NE(key_name(second.ticket), key_name(first.ticket));
  EXPECT_EQ(key_name(second.ticket), current_key());
}

TEST_P(Tickets, OfAKeyBeforeThatMeanAFullHandshake) {
  const auto first = visit(contexts);
  rotate();
  rotate();
  const auto second = visit(other, first.ticket);
  EXPECT_FALSE(second.resumed);
  EXPECT_EQ(second.state, State::open);
}

TEST_P(Tickets, SealedByNobodyWeKnowMeanAFullHandshake) {
  test::PrivateSegment elsewhere;
  const Contexts stranger = contexts_of({server_profile(certificate)}, elsewhere->ticket_keys);
  const auto first = visit(stranger);
  const auto second = visit(contexts, first.ticket);
  EXPECT_FALSE(second.resumed);
  EXPECT_EQ(second.state, State::open);
}

TEST_P(Tickets, AreNotGivenWhenTheirLifetimeIsNothing) {
  const Contexts none =
      value_of(Contexts::make(material_of({server_profile(certificate)}, std::chrono::seconds{0}), segment->ticket_keys));
  const auto first = visit(none);
  EXPECT_EQ(first.state, State::open);
  EXPECT_FALSE(first.ticket && SSL_SESSION_has_ticket(first.ticket.get()) == 1);
}

TEST_P(Tickets, KeepWhatWasVerified) {
  TlsProfile profile = server_profile(certificate);
  profile.require_certificate = true;
  profile.ca_list = authority.file();
  const Contexts here = contexts_of({profile}, segment->ticket_keys), there = contexts_of({profile}, segment->ticket_keys);
  const auto phone = authority.issue({.common_name = "phone 7", .names = {}, .use = test::CertificateUse::client});
  const auto first = visit(here, {}, {.certificate = phone});
  const auto second = visit(there, first.ticket);  // shows no certificate
  EXPECT_TRUE(second.resumed);
  EXPECT_TRUE(second.verified);
  EXPECT_EQ(second.subject, "CN=phone 7");
}

TEST_P(Tickets, OfOneProfileAreNoWayIntoAnother) {
  TlsProfile staff = server_profile(certificate, "staff.example");
  staff.require_certificate = true;
  staff.ca_list = authority.file();
  const Contexts both = contexts_of({server_profile(certificate), staff}, segment->ticket_keys);
  const auto anybody = visit(both, {}, {.server_name = "www.example"});
  ASSERT_TRUE(anybody.ticket);
  EXPECT_TRUE(visit(both, anybody.ticket, {.server_name = "www.example"}).resumed);
  const auto intruder = visit(both, anybody.ticket, {.server_name = "staff.example"});
  EXPECT_FALSE(intruder.resumed);
  EXPECT_EQ(intruder.state, State::failed);
}

TEST_P(Tickets, EndWithTheRulesTheyWereMadeUnder) {
  TlsProfile profile = server_profile(certificate);
  profile.require_certificate = true;
  profile.ca_list = authority.file();
  profile.crl = authority.crl_file({});
  const auto phone = authority.issue({.common_name = "phone 7", .names = {}, .use = test::CertificateUse::client});
  const auto first = visit(contexts_of({profile}, segment->ticket_keys), {}, {.certificate = phone});
  ASSERT_TRUE(first.ticket);
  profile.crl = authority.crl_file({phone});  // a reload
  const auto second = visit(contexts_of({profile}, segment->ticket_keys), first.ticket, {.certificate = phone});
  EXPECT_FALSE(second.resumed);
  EXPECT_EQ(second.state, State::failed);
}

TEST_P(Tickets, SurviveANewCertificateOfTheSameProfile) {
  const auto first = visit(contexts);
  const auto renewed = authority.issue();
  EXPECT_TRUE(visit(contexts_of({server_profile(renewed)}, segment->ticket_keys), first.ticket).resumed);
}

}  // namespace
}  // namespace sipwsd::tls
