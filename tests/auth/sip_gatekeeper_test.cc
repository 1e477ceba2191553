#include "src/auth/sip_gatekeeper.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

#include "src/sip/auth_header.h"
#include "tests/support/fake_exchange.h"
#include "tests/support/private_segment.h"

namespace sipwsd::auth {
namespace {

using test::FakeRequestExchange;
using Strings = std::vector<std::string>;

// A client that has a password, and what it may do wrong with it.
struct Client {
  std::string user = "alice", password = "secret", realm = "example.org";
  std::string method = "REGISTER", uri = "sip:example.org";
  std::string from = "<sip:alice@example.org>", to = "<sip:alice@example.org>";
  Algorithm algorithm = Algorithm::md5;
  std::string qop = "auth";
  std::optional<std::string> digest_uri = {};  // when it is another one than the Request-URI

  [[nodiscard]] std::string credentials(const std::string& nonce, const std::string& nc = "00000001", const std::string& says_realm = "") const {
    const auto answered_uri = digest_uri.value_or(uri);
    const auto h = ha1(algorithm, user, realm, password);
    std::string out = "Digest username=\"" + user + "\", realm=\"" + (says_realm.empty() ? realm : says_realm) + "\", nonce=\"" + nonce +
                      "\", uri=\"" + answered_uri + "\", response=\"" +
                      response({.algorithm = algorithm, .ha1 = h, .method = method, .uri = answered_uri, .nonce = nonce, .qop = qop,
                                .nc = qop.empty() ? "" : std::string_view(nc), .cnonce = qop.empty() ? "" : "0a4f113b"}) +
                      "\", algorithm=" + std::string(name(algorithm));
    if (!qop.empty()) out += ", qop=" + qop + ", nc=" + nc + ", cnonce=\"0a4f113b\"";
    return out;
  }
  [[nodiscard]] std::string text(const std::string& line = {}) const {
    return method + " " + uri + " SIP/2.0\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK1\r\nFrom: " + from + ";tag=1\r\nTo: " + to +
           "\r\nCall-ID: 1\r\nCSeq: 1 " + method + "\r\n" + line + (line.empty() ? "" : "\r\n") + "Content-Length: 0\r\n\r\n";
  }
};

class SipGatekeeperTest : public ::testing::Test {
 protected:
  SipGatekeeperTest() {
    clock.advance(std::chrono::seconds{10'000});
    settings.auth_mode = config::AuthMode::digest;
  }

  static CredentialsFile file(bool with_sha256 = false) {
    std::string text = "alice:example.org:" + ha1(Algorithm::md5, "alice", "example.org", "secret") + "\nbob:example.org:" +
                       ha1(Algorithm::md5, "bob", "example.org", "secret") + "\n";
    if (with_sha256) text += "alice:example.org:" + ha1(Algorithm::sha256, "alice", "example.org", "secret") + "\n";
    return *CredentialsFile::parse(text, "users");
  }
  // What became of the request: "admitted", or the reply's status and reason.
  std::string ask(const Client& client, const std::string& line = {}) {
    FakeRequestExchange exchange(client.text(line));
    exchange.authenticated = connected;
    const bool admitted = gatekeeper.admits(exchange);
    last = exchange.last_reply;
    if (admitted) return exchange.acts.empty() ? "admitted" : "admitted, but answered";
    return exchange.acts.size() == 1 ? exchange.acts.front() : "not answered once";
  }
  std::string with(const Client& client, const std::string& credentials) {
    return ask(client, (client.method == "REGISTER" ? "Authorization: " : "Proxy-Authorization: ") + credentials);
  }
  // A nonce the gatekeeper gives.
  std::string nonce(const Client& client = {}) {
    ask(client);
    return std::string(challenge().nonce);
  }
  sip::AuthHeader challenge(std::size_t index = 0) { return *sip::parse_auth_header(last.headers.at(index).second); }

  test::PrivateSegment segment;
  base::FakeClock clock;
  base::FixedRandom random;
  CredentialsFile credentials = file();
  config::Settings settings;
  std::string connected;  // who the handshake has shown
  int guesses = 0;
  SipGatekeeper gatekeeper{{.settings = settings,
                            .digest = DigestAccess({credentials, settings, "key", segment->nonces, clock, random}),
                            .on_guess = [this](const Arrival&) { ++guesses; }}};
  FakeRequestExchange::Reply last;
};

TEST_F(SipGatekeeperTest, ChallengesARegistrationWith401) {
  EXPECT_EQ(ask({}), "401 Unauthorized");
  ASSERT_EQ(last.headers.size(), 1u);
  EXPECT_EQ(last.headers[0].first, "WWW-Authenticate");
  EXPECT_EQ(last.headers[0].second, "Digest realm=\"example.org\", nonce=\"" + std::string(challenge().nonce) + "\", qop=\"auth\", algorithm=MD5");
}

TEST_F(SipGatekeeperTest, ChallengesEverythingElseAsAProxyWith407) {
  for (const auto* method : {"INVITE", "MESSAGE", "SUBSCRIBE", "OPTIONS"}) {
    EXPECT_EQ(ask({.method = method}), "407 Proxy Authentication Required") << method;
    EXPECT_EQ(last.headers.at(0).first, "Proxy-Authenticate");
  }
}

TEST_F(SipGatekeeperTest, NeverChallengesAckAndCancel) {
  EXPECT_EQ(ask({.method = "ACK"}), "admitted");
  EXPECT_EQ(ask({.method = "CANCEL"}), "admitted");
}

TEST_F(SipGatekeeperTest, AdmitsTheRightPassword) {
  const Client client;
  EXPECT_EQ(with(client, client.credentials(nonce())), "admitted");
  const Client caller{.method = "INVITE", .uri = "sip:bob@example.org", .to = "<sip:bob@example.org>"};
  EXPECT_EQ(with(caller, caller.credentials(nonce(caller))), "admitted");
}

TEST_F(SipGatekeeperTest, ReadsTheHeaderThatBelongsToTheMethodOnly) {
  const Client client;
  EXPECT_EQ(ask(client, "Proxy-Authorization: " + client.credentials(nonce())), "401 Unauthorized");
  const Client caller{.method = "INVITE"};
  EXPECT_EQ(ask(caller, "Authorization: " + caller.credentials(nonce(caller))), "407 Proxy Authentication Required");
}

TEST_F(SipGatekeeperTest, S23AnswersAWrongPasswordAndAnUnknownUserAlike) {
  const Client wrong{.password = "guess"}, nobody{.user = "mallory", .from = "<sip:mallory@example.org>", .to = "<sip:mallory@example.org>"};
  EXPECT_EQ(with(wrong, wrong.credentials(nonce())), "401 Unauthorized");
  const auto first = last;
  EXPECT_EQ(with(nobody, nobody.credentials(nonce())), "401 Unauthorized");
  ASSERT_EQ(first.headers.size(), last.headers.size());
  EXPECT_EQ(first.headers[0].second.size(), last.headers[0].second.size());
  EXPECT_FALSE(challenge().stale);
}

// The quickest of many tries of each, in turn: what else the machine does makes both slower, and neither quicker.
TEST_F(SipGatekeeperTest, S23TakesAsLongForAnUnknownUserAsForAWrongPassword) {
  const Client wrong{.password = "guess"}, nobody{.user = "alicf", .from = "<sip:alicf@example.org>", .to = "<sip:alicf@example.org>"};
  const auto given = nonce();
  const std::string lines[] = {"Authorization: " + wrong.credentials(given), "Authorization: " + nobody.credentials(given)};
  std::chrono::nanoseconds quickest[2]{std::chrono::hours{1}, std::chrono::hours{1}};
  const auto close = [&] {
    const auto [less, more] = std::minmax(quickest[0], quickest[1]);
    return more.count() * 100 < less.count() * 105;
  };
  for (int tries = 0; tries < 20'000 && (tries < 2'000 || !close()); ++tries)
    for (int i = 0; i < 2; ++i) {
      FakeRequestExchange exchange((i == 0 ? wrong : nobody).text(lines[i]));
      const auto begin = std::chrono::steady_clock::now();
      ASSERT_FALSE(gatekeeper.admits(exchange));
      quickest[i] = std::min(quickest[i], std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin));
    }
  EXPECT_TRUE(close()) << quickest[0].count() << " ns for a wrong password, " << quickest[1].count() << " ns for nobody";
}

TEST_F(SipGatekeeperTest, GivesNobodyTheHashThatStandsForNoUser) {
  const std::string stand_in(32, '0');
  const auto given = nonce();
  const Client nobody{.user = "mallory", .to = "<sip:mallory@example.org>"};
  auto credentials = nobody.credentials(given);
  const auto forged = response({.algorithm = Algorithm::md5, .ha1 = stand_in, .method = "REGISTER", .uri = nobody.uri, .nonce = given, .qop = "auth",
                                .nc = "00000001", .cnonce = "0a4f113b"});
  const auto at = credentials.find("response=\"") + 10;
  credentials.replace(at, 32, forged);
  EXPECT_EQ(with(nobody, credentials), "401 Unauthorized");
}

TEST_F(SipGatekeeperTest, AcceptsEachCountOfANonceOnce) {
  const Client client;
  const auto given = nonce();
  EXPECT_EQ(with(client, client.credentials(given, "00000001")), "admitted");
  EXPECT_EQ(with(client, client.credentials(given, "00000001")), "401 Unauthorized") << "a replay";
  EXPECT_TRUE(challenge().stale) << "no need to ask for the password";
  EXPECT_EQ(with(client, client.credentials(given, "00000002")), "admitted");
  EXPECT_EQ(with(client, client.credentials(given, "0000000a")), "admitted");
  EXPECT_EQ(with(client, client.credentials(given, "00000009")), "401 Unauthorized");
}

TEST_F(SipGatekeeperTest, DoesNotUseUpACountForAWrongPassword) {
  const Client client, wrong{.password = "guess"};
  const auto given = nonce();
  EXPECT_EQ(with(wrong, wrong.credentials(given)), "401 Unauthorized");
  EXPECT_EQ(with(client, client.credentials(given)), "admitted");
}

TEST_F(SipGatekeeperTest, CallsAnOldNonceStaleOnlyWhenThePasswordIsRight) {
  const Client client, wrong{.password = "guess"};
  const auto given = nonce();
  clock.advance(std::chrono::seconds{300});
  EXPECT_EQ(with(client, client.credentials(given)), "401 Unauthorized");
  EXPECT_TRUE(challenge().stale);
  EXPECT_EQ(with(client, client.credentials(std::string(challenge().nonce))), "admitted");
  EXPECT_EQ(with(wrong, wrong.credentials(given)), "401 Unauthorized");
  EXPECT_FALSE(challenge().stale);
}

TEST_F(SipGatekeeperTest, AdmitsEverybodyWhoComesBackInTheSameSecondAndNobodyTwice) {
  const Client client;
  std::vector<std::string> used;
  for (int i = 0; i < 4000; ++i) {  // room for 512
    clock.advance(std::chrono::microseconds{100});
    used.push_back(client.credentials(nonce()));
    ASSERT_EQ(with(client, used.back()), "admitted") << i;
  }
  for (const auto& again : used) ASSERT_EQ(with(client, again), "401 Unauthorized");
}

TEST_F(SipGatekeeperTest, ChallengesANonceThatIsNotOurs) {
  const Client client;
  EXPECT_EQ(with(client, client.credentials("dcd98b7102dd2f0e8b11d0f600bfb0c093")), "401 Unauthorized");
  EXPECT_FALSE(challenge().stale);
}

TEST_F(SipGatekeeperTest, S44TellsOfAGuessedPasswordButNotOfANonceOfAnotherRun) {
  const Client right, wrong{.password = "guess"};
  EXPECT_EQ(ask(right), "401 Unauthorized");
  EXPECT_EQ(with(wrong, wrong.credentials("dcd98b7102dd2f0e8b11d0f600bfb0c093")), "401 Unauthorized");
  EXPECT_EQ(with(right, right.credentials(nonce())), "admitted");
  EXPECT_EQ(guesses, 0);
  EXPECT_EQ(with(wrong, wrong.credentials(nonce())), "401 Unauthorized");
  EXPECT_EQ(guesses, 1);
}

TEST_F(SipGatekeeperTest, TakesAClientWithoutQopOncePerNonce) {
  const Client old{.qop = ""};
  const auto given = nonce();
  EXPECT_EQ(with(old, old.credentials(given)), "admitted");
  EXPECT_EQ(with(old, old.credentials(given)), "401 Unauthorized");
  EXPECT_TRUE(challenge().stale);
}

TEST_F(SipGatekeeperTest, RefusesWhatItDoesNotDo) {
  const Client client;
  const auto given = nonce();
  const auto good = client.credentials(given);
  const auto replaced = [&](std::string_view what, std::string_view by) {
    auto text = good;
    return text.replace(text.find(what), what.size(), by);
  };
  for (const auto& bad : {replaced("algorithm=MD5", "algorithm=MD5-sess"), replaced("qop=auth", "qop=auth-int"), replaced(", nc=00000001", ""),
                          replaced("nc=00000001", "nc=1"), replaced(", cnonce=\"0a4f113b\"", ""), replaced("Digest", "Basic"),
                          replaced("realm=\"example.org\"", "realm=\"other.org\""), std::string{"Digest"}, std::string{"?"}})
    EXPECT_EQ(with(client, bad), "401 Unauthorized") << bad;
  EXPECT_EQ(with(client, good), "admitted");
}

TEST_F(SipGatekeeperTest, TakesAResponseForAnotherUriAndNoneForAnotherMethod) {
  const Client client, elsewhere{.digest_uri = "sip:192.0.2.1:5060"};  // RFC 3261 22.4: proxies change the Request-URI
  EXPECT_EQ(with(client, elsewhere.credentials(nonce())), "admitted");
  const Client invite{.method = "INVITE"};
  EXPECT_EQ(with(client, invite.credentials(nonce())), "401 Unauthorized");
}

TEST_F(SipGatekeeperTest, FindsItsCredentialsBehindThoseForAnotherProxy) {
  const Client client;
  const auto given = nonce();
  EXPECT_EQ(ask(client, "Authorization: " + client.credentials(given, "00000001", "other.org") + "\r\nAuthorization: " + client.credentials(given)), "admitted");
}

TEST_F(SipGatekeeperTest, S22LetsNobodyUseAnotherUsersName) {
  const Client as_bob{.from = "<sip:bob@example.org>", .to = "<sip:bob@example.org>"};
  EXPECT_EQ(with(as_bob, as_bob.credentials(nonce())), "403 Forbidden");
  const Client calls_as_bob{.method = "INVITE", .uri = "sip:bob@example.org", .from = "<sip:bob@example.org>"};
  EXPECT_EQ(with(calls_as_bob, calls_as_bob.credentials(nonce(calls_as_bob))), "403 Forbidden");
  const Client escaped{.to = "<sip:al%69ce@example.org>"};
  EXPECT_EQ(with(escaped, escaped.credentials(nonce())), "admitted") << "the same name in another spelling";
  const Client third_party{.from = "<sip:bob@example.org>"};
  EXPECT_EQ(with(third_party, third_party.credentials(nonce())), "403 Forbidden") << "nor says that bob has registered him";
}

TEST_F(SipGatekeeperTest, S22LooksAtIdentitiesAndAtContactsOfOurDomain) {
  const Client client{.method = "INVITE", .uri = "sip:bob@example.org", .to = "<sip:bob@example.org>"};
  const auto ask_with = [&](const std::string& line) {
    return ask(client, "Proxy-Authorization: " + client.credentials(nonce(client)) + "\r\n" + line);
  };
  for (const auto* good : {"P-Asserted-Identity: \"Alice\" <sip:alice@example.org>", "P-Preferred-Identity: sips:alice@EXAMPLE.org",
                           "Contact: <sip:alice@example.org;gr=urn:uuid:1>", "Contact: <sip:tgruu.7@example.org;gr>",
                           "Contact: <sip:x7@y.invalid;transport=ws>", "Contact: <sip:anything@192.0.2.1:5061>", "Contact: <sip:example.org>",
                           "Contact: <sip:%61lice@example.org>"})
    EXPECT_EQ(ask_with(good), "admitted") << good;
  for (const auto* bad : {"P-Asserted-Identity: <sip:bob@example.org>", "P-Asserted-Identity: <sip:alice@example.org>, <tel:+15551234>",
                          "P-Asserted-Identity: <sip:alice@example.org>\r\nP-Asserted-Identity: <sip:alice@other.org>",
                          "P-Preferred-Identity: <sip:bob@example.org>", "P-Asserted-Identity: ?", "Contact: <sip:bob@example.org>",
                          "Contact: <sip:bob@example.org;gr=urn:uuid:1>", "m: <sip:alice@example.org>, <sip:bob@example.org>"})
    EXPECT_EQ(ask_with(bad), "403 Forbidden") << bad;
}

TEST_F(SipGatekeeperTest, AsksNobodyAfterTheHandshakeHasShownWhoItIs) {
  connected = "alice@example.org";
  EXPECT_EQ(ask({}), "admitted");
  EXPECT_EQ(ask({.method = "INVITE", .uri = "sip:bob@example.org", .to = "<sip:bob@example.org>"}), "admitted");
  EXPECT_EQ(ask({.from = "<sips:%61lice@EXAMPLE.org:5061>", .to = "Alice <sip:alice@example.org>"}), "admitted") << "in another spelling";
}

TEST_F(SipGatekeeperTest, S22LetsTheHandshakesUserBeNobodyElse) {
  connected = "alice@example.org";
  for (const Client& other : {Client{.to = "<sip:bob@example.org>"}, Client{.from = "<sip:bob@example.org>"},
                              Client{.from = "<sip:bob@example.org>", .to = "<sip:bob@example.org>"},
                              Client{.method = "INVITE", .from = "<sip:bob@example.org>"}, Client{.method = "MESSAGE", .from = "<sip:alice@other.org>"}})
    EXPECT_EQ(ask(other), "403 Forbidden") << other.text();
  EXPECT_EQ(ask({}, "Contact: <sip:bob@example.org>"), "403 Forbidden");
  EXPECT_EQ(ask({.method = "INVITE"}, "P-Asserted-Identity: <sip:bob@example.org>"), "403 Forbidden");
  const Client bob{.user = "bob", .from = "<sip:bob@example.org>", .to = "<sip:bob@example.org>"};
  connected.clear();
  const auto given = nonce(bob);
  connected = "alice@example.org";
  EXPECT_EQ(with(bob, bob.credentials(given)), "403 Forbidden") << "not with a password either: the connection is alice's";
}

TEST_F(SipGatekeeperTest, AsksAccordingToTheModeWhereTheHandshakeHasShownNothing) {
  settings.auth_mode = config::AuthMode::none;
  EXPECT_EQ(ask({.from = "<sip:x@elsewhere.net>"}), "admitted");
  settings.auth_mode = config::AuthMode::handshake;
  EXPECT_EQ(ask({}), "403 Forbidden");
  EXPECT_EQ(ask({.method = "ACK"}), "admitted");
  EXPECT_EQ(ask({.method = "CANCEL"}), "admitted");
}

TEST_F(SipGatekeeperTest, SaysThatItTakesNoExtendedUserName) {
  const Client client;
  auto credentials = client.credentials(nonce());
  credentials.replace(credentials.find("username="), std::string("username=\"alice\"").size(), "username*=UTF-8''alice");
  EXPECT_EQ(with(client, credentials), "400 Extended User Name Not Supported");
}

TEST_F(SipGatekeeperTest, TakesTheNameWithItsDomainWhereThereIsAnHa1ForIt) {
  credentials = *CredentialsFile::parse("alice@example.org:example.org:" + ha1(Algorithm::md5, "alice@example.org", "example.org", "secret") +
                                            "\nalice@other.org:example.org:" + ha1(Algorithm::md5, "alice@other.org", "example.org", "secret"),
                                        "users");
  const Client client{.user = "alice@example.org"};
  EXPECT_EQ(with(client, client.credentials(nonce())), "admitted");
  const Client elsewhere{.user = "alice@other.org"};
  EXPECT_EQ(with(elsewhere, elsewhere.credentials(nonce())), "403 Forbidden");
}

TEST_F(SipGatekeeperTest, HasNothingForOtherDomainsAndWhatIsNoSipUser) {
  EXPECT_EQ(ask({.to = "<sip:alice@other.org>"}), "403 Forbidden");
  EXPECT_EQ(ask({.method = "INVITE", .from = "<sip:anonymous@anonymous.invalid>"}), "403 Forbidden");
  EXPECT_EQ(ask({.to = "<tel:+15551234>"}), "400 Bad Request");
}

TEST_F(SipGatekeeperTest, KnowsWhoMayExist) {
  EXPECT_TRUE(gatekeeper.may_exist("sip:bob@example.org"));
  EXPECT_TRUE(gatekeeper.may_exist("sips:b%6fb@EXAMPLE.org:5061;transport=ws"));
  for (const auto* nobody : {"sip:mallory@example.org", "sip:bob@other.org", "tel:+1", "", "sip:example.org"})
    EXPECT_FALSE(gatekeeper.may_exist(nobody)) << nobody;
}

TEST_F(SipGatekeeperTest, CanTellNobodyApartWhereOthersKnowTheUsers) {
  settings.ws_auth.jwt = true;
  EXPECT_TRUE(gatekeeper.may_exist("sip:mallory@example.org"));
  settings = {};
  settings.auth_mode = config::AuthMode::none;
  EXPECT_TRUE(gatekeeper.may_exist("sip:mallory@example.org"));
}

TEST_F(SipGatekeeperTest, OffersWhatIsConfiguredInItsOrderWhereThereAreUsersWithIt) {
  credentials = file(true);
  settings.auth_algorithms = {"MD5", "SHA-512-256", "SHA-256"};
  ask({});
  ASSERT_EQ(last.headers.size(), 2u);
  EXPECT_EQ(challenge(0).algorithm, "MD5");
  EXPECT_EQ(challenge(1).algorithm, "SHA-256");
  settings.auth_algorithms = {"SHA-512-256"};
  ask({});
  ASSERT_EQ(last.headers.size(), 1u) << "nobody can answer it, but something must be said";
  EXPECT_EQ(challenge(0).algorithm, "SHA-512-256");
}

TEST_F(SipGatekeeperTest, OffersMd5LastAsBrowsersReadTheLastAndTakesEither) {
  credentials = file(true);
  FakeRequestExchange asked(Client{}.text());
  EXPECT_FALSE(gatekeeper.admits(asked));
  ASSERT_EQ(asked.last_reply.headers.size(), 2u);
  EXPECT_TRUE(asked.last_reply.headers[0].second.ends_with("algorithm=SHA-256"));
  EXPECT_TRUE(asked.last_reply.headers[1].second.ends_with("algorithm=MD5"));
  const std::string given(sip::parse_auth_header(asked.last_reply.headers[1].second)->nonce);
  unsigned count = 0;
  for (const auto algorithm : {Algorithm::sha256, Algorithm::md5}) {
    const Client client{.algorithm = algorithm};
    FakeRequestExchange exchange(client.text("Authorization: " + client.credentials(given, "0000000" + std::to_string(++count))));
    EXPECT_TRUE(gatekeeper.admits(exchange)) << name(algorithm);
  }
}

TEST_F(SipGatekeeperTest, TakesOneRealmForAllDomainsWhenToldSo) {
  credentials = *CredentialsFile::parse("alice:everywhere:" + ha1(Algorithm::md5, "alice", "everywhere", "secret"), "users");
  settings.auth_realm = "everywhere";
  FakeRequestExchange asked(Client{}.text());
  EXPECT_FALSE(gatekeeper.admits(asked));
  const std::string challenge = asked.last_reply.headers.at(0).second;
  EXPECT_TRUE(challenge.starts_with("Digest realm=\"everywhere\", ")) << challenge;
  const Client client{.realm = "everywhere"};
  FakeRequestExchange exchange(client.text("Authorization: " + client.credentials(std::string(sip::parse_auth_header(challenge)->nonce))));
  EXPECT_TRUE(gatekeeper.admits(exchange));
}

}  // namespace
}  // namespace sipwsd::auth
