#include "src/stage/demo/demo_stage.h"

#include <gtest/gtest.h>

#include "src/stage/demo/demo_assets.h"
#include "tests/support/addresses.h"

namespace sipwsd::stage {
namespace {

using Strings = std::vector<std::string>;

class FakeStore final : public location::Store {
 public:
  std::vector<Target> lookup(std::string_view) override { return {}; }
  Result<std::vector<Target>> lookup(const sip::Uri&) override { return std::vector<Target>{}; }
  std::optional<location::Whereabouts> find(ClientId) override { return {}; }
  const location::Gruus& gruus() const noexcept override { return gruus_; }
  void snapshot(std::string_view, shm::BindingSnapshot&) override {}
  Result<void> commit(std::string_view, std::uint64_t, std::span<const shm::BindingChange>) override { return {}; }
  std::size_t drop_flow(Flow, std::span<const std::string>, shm::FlowLoss) override { return 0; }
  std::vector<std::string> reachable(std::size_t) override { return online; }
  Strings online;

 private:
  location::Gruus gruus_{{}};
};

class FakeHttp final : public HttpExchange {
 public:
  FakeHttp(std::string method, std::string target, std::string host = "127.0.0.1:8080") : method_(method), target_(target), host_(host) {}
  const Arrival& arrival() const noexcept override { return arrival_; }
  std::string_view method() const noexcept override { return method_; }
  std::string_view target() const noexcept override { return target_; }
  std::string_view header(std::string_view name) const noexcept override { return name == "Host" ? std::string_view(host_) : std::string_view{}; }
  bool is_upgrade() const noexcept override { return upgrade; }
  void set_authenticated_aor(std::string_view) override {}
  bool accept_websocket() override { return false; }
  void reply(int given, std::string_view, std::span<const HeaderLine> lines, std::string_view content) override {
    EXPECT_EQ(status, 0) << "answered twice";
    status = given;
    body = content;
    for (const auto& line : lines) headers.emplace_back(std::string(line.name) + ": " + std::string(line.value));
  }
  bool has(const std::string& line) const { return std::find(headers.begin(), headers.end(), line) != headers.end(); }

  bool upgrade = false;
  int status = 0;
  std::string body;
  Strings headers;

 private:
  Arrival arrival_;
  std::string method_, target_, host_;
};

class DemoStageTest : public ::testing::Test {
 protected:
  FakeHttp ask(FakeHttp exchange) {
    verdict = stage.on_http(exchange);
    return exchange;
  }
  config::Settings settings;
  FakeStore store;
  route::ServedNames names{settings, {test::at("127.0.0.1", 8080)}};
  DemoStage stage{store, names, "localhost"};
  Verdict verdict = Verdict::next;
};

TEST_F(DemoStageTest, ServesThePageAndItsPartsWithTheirHeaders) {
  ASSERT_FALSE(demo_assets().empty());
  for (const Asset& asset : demo_assets()) {
    const auto got = ask({"GET", std::string(asset.path) + "?reload"});
    EXPECT_EQ(got.status, 200) << asset.path;
    EXPECT_EQ(got.body, asset.bytes);
    EXPECT_TRUE(got.has("Content-Type: " + std::string(asset.content_type)));
    EXPECT_TRUE(got.has("X-Content-Type-Options: nosniff"));
  }
  EXPECT_EQ(ask({"HEAD", "/"}).status, 200);
  EXPECT_EQ(ask({"GET", "/", "localhost:8080"}).status, 200);
}

TEST_F(DemoStageTest, LeavesAWebSocketToTheOthers) {
  FakeHttp exchange("GET", "/");
  exchange.upgrade = true;
  EXPECT_EQ(stage.on_http(exchange), Verdict::next);
  EXPECT_EQ(exchange.status, 0);
}

TEST_F(DemoStageTest, S06ServesNoOtherHostAndNoFileOfTheDisk) {
  for (const auto* host : {"evil.example", "127.0.0.1:8081", "127.0.0.1.evil.example", ""}) {
    const auto got = ask({"GET", "/", host});
    EXPECT_EQ(got.status, 403) << host;
    EXPECT_EQ(got.body, "");
  }
  for (const auto* path : {"/etc/passwd", "/../../etc/passwd", "//", "/demo_page.html", "/index.html", "/%2e%2e/", ""}) {
    EXPECT_EQ(ask({"GET", path}).status, 404) << path;
    EXPECT_EQ(verdict, Verdict::handled);
  }
}

TEST_F(DemoStageTest, TakesNoOtherMethod) {
  for (const auto* method : {"POST", "PUT", "OPTIONS", "get"}) {
    const auto got = ask({method, "/"});
    EXPECT_EQ(got.status, 405) << method;
    EXPECT_TRUE(got.has("Allow: GET, HEAD"));
  }
}

TEST_F(DemoStageTest, TellsItsDomainAndVersion) {
  const auto got = ask({"GET", "/demo.json"});
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, R"({"domain":"localhost","version":")" SIPWSD_VERSION R"("})");
  EXPECT_TRUE(got.has("Content-Type: application/json"));
}

TEST_F(DemoStageTest, ListsWhoIsOnlineAtItsDomainInOrder) {
  EXPECT_EQ(ask({"GET", "/demo/online.json"}).body, R"({"online":[]})");
  store.online = {"bob@localhost", "alice@localhost", "carol@example.org", "localhost", "x\"\n\xff@localhost", "a@b@localhost"};
  EXPECT_EQ(ask({"GET", "/demo/online.json"}).body, "{\"online\":[\"a@b\",\"alice\",\"bob\",\"x\\\"\\n\xef\xbf\xbd\"]}");
}

}  // namespace
}  // namespace sipwsd::stage
