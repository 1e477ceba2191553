#include "src/stage/handshake/handshake_stage.h"

#include <gtest/gtest.h>

#include "tests/support/addresses.h"
#include "tests/support/private_segment.h"
#include "tests/support/signer.h"

namespace sipwsd::stage {
namespace {

const std::string secret = "this secret has more than 32 bytes";

class FakeHttp final : public HttpExchange {
 public:
  explicit FakeHttp(std::string target) : target_(std::move(target)) { arrival_.local = test::at("192.0.2.1", 80); }
  const Arrival& arrival() const noexcept override { return arrival_; }
  std::string_view method() const noexcept override { return "GET"; }
  std::string_view target() const noexcept override { return target_; }
  std::string_view header(std::string_view name) const noexcept override { return name == "Host" ? "example.org" : std::string_view{}; }
  bool is_upgrade() const noexcept override { return upgrade; }
  void set_authenticated_aor(std::string_view value) override { aor = value; }
  bool accept_websocket() override { return false; }
  void reply(int given, std::string_view, std::span<const HeaderLine> lines, std::string_view) override {
    status = given;
    for (const auto& line : lines) headers.push_back(std::string(line.name) + ": " + std::string(line.value));
  }

  bool upgrade = true;
  std::string aor;
  int status = 0;
  std::vector<std::string> headers;

 private:
  Arrival arrival_;
  std::string target_;
};

class HandshakeStageTest : public ::testing::Test {
 protected:
  HandshakeStageTest() {
    settings.ws_auth.jwt = true;
    keys.push_back(*auth::TokenKey::make("", secret));
  }
  test::PrivateSegment segment;
  base::FakeClock clock;
  base::FixedRandom random;
  config::Settings settings;
  auth::CredentialsFile credentials;
  std::vector<auth::TokenKey> keys;
  std::vector<int> refused;
  HandshakeStage stage{auth::HandshakeGate({.settings = settings,
                                            .keys = keys,
                                            .digest = auth::DigestAccess({credentials, settings, "key", segment->nonces, clock, random}),
                                            .clock = clock}),
                       [this](int status) { refused.push_back(status); }};
  const std::string good = "/?access_token=" + test::hs256_token(secret, R"({"alg":"HS256"})", R"({"sub":"alice","exp":9000000000})");
};

TEST_F(HandshakeStageTest, TellsTheConnectionWhoseItIsAndLetsTheHandshakeGoOn) {
  FakeHttp http(good);
  EXPECT_EQ(stage.on_http(http), Verdict::next);
  EXPECT_EQ(http.aor, "alice@example.org");
  EXPECT_EQ(http.status, 0);
  EXPECT_TRUE(refused.empty());
}

TEST_F(HandshakeStageTest, AnswersWhoShowsNothingItself) {
  FakeHttp http("/");
  EXPECT_EQ(stage.on_http(http), Verdict::handled);
  EXPECT_EQ(http.aor, "");
  EXPECT_EQ(http.status, 401);
  EXPECT_EQ(http.headers, std::vector<std::string>{"WWW-Authenticate: Bearer realm=\"example.org\""});
  EXPECT_EQ(refused, std::vector<int>{401});
}

TEST_F(HandshakeStageTest, LeavesWhatIsNoWebSocketToOthers) {
  FakeHttp http("/");
  http.upgrade = false;
  EXPECT_EQ(stage.on_http(http), Verdict::next);
  EXPECT_EQ(http.status, 0);
  EXPECT_TRUE(stage.needs_sub_protocol());
}

}  // namespace
}  // namespace sipwsd::stage
