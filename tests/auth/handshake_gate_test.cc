#include "src/auth/handshake_gate.h"

#include <gtest/gtest.h>

#include <map>

#include "src/base/base64.h"
#include "src/sip/auth_header.h"
#include "tests/support/addresses.h"
#include "tests/support/private_segment.h"
#include "tests/support/signer.h"

namespace sipwsd::auth {
namespace {

using Strings = std::vector<std::string>;
const std::string secret = "this secret has more than 32 bytes";

class FakeHttp final : public HttpExchange {
 public:
  const Arrival& arrival() const noexcept override { return arrival_; }
  std::string_view method() const noexcept override { return "GET"; }
  std::string_view target() const noexcept override { return target_; }
  std::string_view header(std::string_view name) const noexcept override {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string_view{} : std::string_view{found->second};
  }
  bool is_upgrade() const noexcept override { return true; }
  void set_authenticated_aor(std::string_view) override {}
  bool accept_websocket() override { return false; }
  void reply(int, std::string_view, std::span<const HeaderLine>, std::string_view) override {}

  FakeHttp() {
    arrival_.remote = test::at("192.0.2.7", 40000);
    arrival_.local = test::at("192.0.2.1", 443, TransportProtocol::wss);
  }
  Arrival arrival_;
  std::string target_ = "/";
  std::map<std::string, std::string, std::less<>> headers{{"Host", "example.org"}};
};

std::string token(const std::string& claims) { return test::hs256_token(secret, R"({"alg":"HS256"})", claims); }
std::string token_of(const std::string& user) { return token(R"({"sub":")" + user + R"(","exp":9000000000})"); }

class HandshakeGateTest : public ::testing::Test {
 protected:
  HandshakeGateTest() {
    clock.advance(std::chrono::seconds{10'000});
    settings.alias = {"example.org", "example.com:5060"};
    settings.ws_auth = {.digest = true, .basic = true, .jwt = true};
    settings.jwt_cookie = "session";
    keys.push_back(*TokenKey::make("", secret));
  }
  HandshakeGate::Decision check(const std::string& header = {}, const std::string& value = {}) {
    auto asked = http;
    if (!header.empty()) asked.headers[header] = value;
    return gate.check(asked);
  }
  // The user who is let in, or the status and why.
  std::string ask(const std::string& header = {}, const std::string& value = {}) {
    last = check(header, value);
    return last.accepted() ? last.aor : std::to_string(last.status) + " " + std::string(last.why);
  }
  std::string basic(const std::string& pair) { return ask("Authorization", "Basic " + base::base64(pair)); }
  std::string digest(const std::string& user, const std::string& password, const std::string& nc = "00000001", const std::string& realm = "example.org") {
    if (nonce.empty()) nonce = std::string(sip::parse_auth_header(check().challenges.at(0))->nonce);
    const auto h = ha1(Algorithm::md5, user, realm, password);
    return ask("Authorization", "Digest username=\"" + user + "\", realm=\"" + realm + "\", nonce=\"" + nonce + "\", uri=\"" + http.target_ +
                                    "\", qop=auth, nc=" + nc + ", cnonce=\"0a4f\", algorithm=MD5, response=\"" +
                                    response({.algorithm = Algorithm::md5, .ha1 = h, .method = "GET", .uri = http.target_, .nonce = nonce, .qop = "auth", .nc = nc, .cnonce = "0a4f"}) + "\"");
  }

  test::PrivateSegment segment;
  base::FakeClock clock;
  base::FixedRandom random;
  config::Settings settings;
  CredentialsFile credentials = *CredentialsFile::parse("alice:example.org:" + ha1(Algorithm::md5, "alice", "example.org", "secret") + "\nalice:example.org:" +
                                                            ha1(Algorithm::sha256, "alice", "example.org", "secret") + "\nbob:example.com:" +
                                                            ha1(Algorithm::sha256, "bob", "example.com", "secret"),
                                                        "users");
  std::vector<TokenKey> keys;
  int guesses = 0;
  HandshakeGate gate{{.settings = settings,
                      .keys = keys,
                      .digest = DigestAccess({credentials, settings, "key", segment->nonces, clock, random}),
                      .clock = clock,
                      .on_guess = [this](const Arrival&) { ++guesses; }}};
  FakeHttp http;
  std::string nonce;
  HandshakeGate::Decision last;
};

TEST_F(HandshakeGateTest, AsksWhoShowsNothingWithAllThatWouldDo) {
  EXPECT_EQ(ask(), "401 no credentials");
  ASSERT_EQ(last.challenges.size(), 4u);
  EXPECT_TRUE(last.challenges[0].starts_with("Digest realm=\"example.org\", nonce=")) << last.challenges[0];
  EXPECT_TRUE(last.challenges[0].ends_with("algorithm=SHA-256"));
  EXPECT_TRUE(last.challenges[1].ends_with("algorithm=MD5"));
  EXPECT_EQ(last.challenges[2], "Basic realm=\"example.org\", charset=\"UTF-8\"");
  EXPECT_EQ(last.challenges[3], "Bearer realm=\"example.org\"");
  settings.ws_auth = {.jwt = true};
  EXPECT_EQ(check().challenges, Strings{"Bearer realm=\"example.org\""});
}

TEST_F(HandshakeGateTest, LetsInWhoHasTheRightPassword) {
  EXPECT_EQ(digest("alice", "secret"), "alice@example.org");
  EXPECT_EQ(basic("alice:secret"), "alice@example.org");
  EXPECT_EQ(basic("alice@Example.org:secret"), "alice@example.org") << "with his domain";
  EXPECT_EQ(guesses, 0);
}

TEST_F(HandshakeGateTest, AsksWhoHasAWrongOneAgainAndTellsOfTheGuess) {
  EXPECT_EQ(digest("alice", "guess"), "401 a wrong password");
  EXPECT_EQ(last.challenges.size(), 4u);
  EXPECT_EQ(basic("alice:guess"), "401 a wrong password");
  EXPECT_EQ(basic("mallory:secret"), "401 a wrong password");
  EXPECT_EQ(basic("alice:"), "401 a wrong password");
  EXPECT_EQ(guesses, 4);
}

TEST_F(HandshakeGateTest, TakesEachAnswerToAChallengeOnce) {
  EXPECT_EQ(digest("alice", "secret"), "alice@example.org");
  EXPECT_EQ(digest("alice", "secret"), "401 an old nonce");
  EXPECT_NE(last.challenges[0].find("stale=true"), std::string::npos);
  EXPECT_EQ(digest("alice", "secret", "00000002"), "alice@example.org");
}

TEST_F(HandshakeGateTest, TakesAnAnswerForItsOwnTargetOnly) {
  http.target_ = "/a";
  static_cast<void>(digest("alice", "secret"));
  auto other = http;
  other.headers["Authorization"] = "";
  http.target_ = "/b";
  const auto h = ha1(Algorithm::md5, "alice", "example.org", "secret");
  const std::string for_a = "Digest username=\"alice\", realm=\"example.org\", nonce=\"" + nonce + "\", uri=\"/a\", qop=auth, nc=00000002, cnonce=\"0a4f\", response=\"" +
                            response({.algorithm = Algorithm::md5, .ha1 = h, .method = "GET", .uri = "/a", .nonce = nonce, .qop = "auth", .nc = "00000002", .cnonce = "0a4f"}) + "\"";
  EXPECT_EQ(ask("Authorization", for_a), "401 credentials that answer no challenge of ours");
}

TEST_F(HandshakeGateTest, LooksForThePasswordInTheDomainTheClientNames) {
  http.headers["Host"] = "EXAMPLE.com:8443";
  EXPECT_EQ(basic("bob:secret"), "bob@example.com");
  EXPECT_EQ(basic("alice:secret"), "401 a wrong password");
  http.headers["Host"] = "192.0.2.1";
  EXPECT_EQ(basic("alice:secret"), "alice@example.org") << "the first one where it names none of ours";
  settings.alias.clear();
  http.headers["Host"] = "example.com";
  EXPECT_EQ(basic("bob:secret"), "bob@example.com");
}

TEST_F(HandshakeGateTest, TakesBasicOverTlsOnlyUnlessToldOtherwise) {
  http.arrival_.local = test::at("192.0.2.1", 80, TransportProtocol::ws);
  EXPECT_EQ(basic("alice:secret"), "401 Basic without TLS");
  EXPECT_EQ(last.challenges.size(), 3u) << "nor asks for it";
  settings.basic_without_tls = true;
  EXPECT_EQ(basic("alice:secret"), "alice@example.org");
}

TEST_F(HandshakeGateTest, TakesATokenFromTheHeaderTheQueryOrTheCookie) {
  EXPECT_EQ(ask("Authorization", "bearer " + token_of("alice")), "alice@example.org");
  EXPECT_EQ(ask("Cookie", "a=b; session=" + token_of("alice") + "; c=d"), "alice@example.org");
  EXPECT_EQ(ask("Cookie", "session=\"" + token_of("alice") + "\""), "alice@example.org");
  http.target_ = "/ws?x=1&access_token=" + token_of("alice");
  EXPECT_EQ(ask(), "alice@example.org");
  EXPECT_EQ(ask("Cookie", "session=" + token_of("bob")), "alice@example.org") << "the query was chosen, the cookie comes by itself";
  EXPECT_EQ(ask("Authorization", "Bearer " + token_of("carol")), "carol@example.org");
}

TEST_F(HandshakeGateTest, LooksForTokensWhereItIsToldOnly) {
  settings.jwt_cookie = "sip";
  EXPECT_EQ(ask("Cookie", "session=" + token_of("alice")), "401 no credentials");
  EXPECT_EQ(ask("Cookie", "xsip=" + token_of("alice")), "401 no credentials");
  settings.jwt_cookie.clear();
  EXPECT_EQ(ask("Cookie", "=" + token_of("alice")), "401 no credentials");
  settings.jwt_query = "ticket";
  http.target_ = "/?access_token=" + token_of("alice");
  EXPECT_EQ(ask(), "401 no credentials");
  http.target_ = "/?ticket=" + token_of("alice");
  EXPECT_EQ(ask(), "alice@example.org");
}

TEST_F(HandshakeGateTest, FindsTheUserInTheClaim) {
  for (const auto& [claim, aor] : {std::pair{"sip:alice@example.com", "alice@example.com"}, {"sips:al%69ce@EXAMPLE.com:5061;transport=ws", "alice@example.com"},
                                   {"alice@Example.net", "alice@example.net"}, {"a@b@example.org", "a@b@example.org"}, {"+15551234", "+15551234@example.org"}})
    EXPECT_EQ(ask("Authorization", "Bearer " + token_of(claim)), aor) << claim;
  for (const auto* claim : {"sip:example.com", "sip:", "@example.org", "alice@", "alice@exa mple.org", "al\\u0000ice", "a\\r\\nb", "sip:a b@c"})
    EXPECT_EQ(ask("Authorization", "Bearer " + token_of(claim)), "403 a user who can't have an address of record") << claim;
  settings.jwt_aor_claim = "sip";
  EXPECT_EQ(ask("Authorization", "Bearer " + token_of("alice")), "403 the token has no jwt_aor_claim");
}

TEST_F(HandshakeGateTest, AsksWhoHasABadTokenAgainAndTellsOfAForgedOne) {
  EXPECT_EQ(ask("Authorization", "Bearer " + token(R"({"sub":"alice","exp":1})")), "401 a token that is not valid now");
  EXPECT_EQ(ask("Authorization", "Bearer nonsense"), "401 a token that can't be read");
  EXPECT_EQ(guesses, 0) << "whose cookie is old has done nothing wrong";
  EXPECT_EQ(ask("Authorization", "Bearer " + test::hs256_token("somebody else's secret of 32 bytes!", R"({"alg":"HS256"})", R"({"sub":"alice","exp":9000000000})")),
            "401 a token signed by nobody we know, or for somebody else");
  EXPECT_EQ(guesses, 1);
  settings.jwt_audience = "phones";
  EXPECT_EQ(ask("Authorization", "Bearer " + token_of("alice")), "401 a token signed by nobody we know, or for somebody else");
}

TEST_F(HandshakeGateTest, TakesNoWayThatIsNotConfigured) {
  settings.ws_auth = {.digest = true};
  EXPECT_EQ(basic("alice:secret"), "401 no credentials");
  EXPECT_EQ(ask("Authorization", "Bearer " + token_of("alice")), "401 no credentials");
  EXPECT_EQ(ask("Cookie", "session=" + token_of("alice")), "401 no credentials");
  const auto given = digest("alice", "secret");
  EXPECT_EQ(given, "alice@example.org");
  settings.ws_auth = {.jwt = true};
  EXPECT_EQ(digest("alice", "secret", "00000002"), "401 no credentials");
}

TEST_F(HandshakeGateTest, RefusesWhatItCannotRead) {
  for (const auto* value : {"Basic", "Basic ", "Basic !", "Basic YWxpY2U=", "Digest", "Digest x", "Basicx YWxpY2U6c2VjcmV0", "", "Digest username=\"alice\""})
    EXPECT_EQ(ask("Authorization", value).substr(0, 4), "401 ") << value;
  EXPECT_EQ(ask("Authorization", "Digest username*=UTF-8''alice, realm=\"example.org\", nonce=\"x\", uri=\"/\", response=\"x\""), "400 username* is not taken");
}

TEST_F(HandshakeGateTest, UsesOneRealmWhereThereIsOne) {
  settings.auth_realm = "everywhere";
  credentials = *CredentialsFile::parse("alice:everywhere:" + ha1(Algorithm::md5, "alice", "everywhere", "secret"), "users");
  EXPECT_EQ(basic("alice:secret"), "alice@example.org");
  EXPECT_EQ(digest("alice", "secret", "00000001", "everywhere"), "alice@example.org");
}

}  // namespace
}  // namespace sipwsd::auth
