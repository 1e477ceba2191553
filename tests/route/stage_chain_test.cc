#include "src/route/stage_chain.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/support/fake_exchange.h"

namespace sipwsd::route {
namespace {

using Outcome = StageChain::Outcome;

class Stage final : public RoutingStage {
 public:
  enum class Does { next, handle, throw_exception, throw_number };
  Stage(std::string name, Does does, std::string& log, bool needs = true) : name_(std::move(name)), does_(does), log_(log), needs_(needs) {}
  std::string_view name() const noexcept override { return name_; }
  bool needs_sub_protocol() const noexcept override { return needs_; }
  Verdict on_request(RequestExchange&) override { return act(); }
  void on_closed(const ClosedConnection&) override { act(); }

 private:
  Verdict act() {
    log_ += name_;
    if (does_ == Does::throw_exception) throw std::runtime_error("as asked");
    if (does_ == Does::throw_number) throw 7;
    return does_ == Does::handle ? Verdict::handled : Verdict::next;
  }
  std::string name_;
  Does does_;
  std::string& log_;
  bool needs_;
};

class StageChainTest : public ::testing::Test {
 protected:
  StageChain chain(std::vector<std::pair<std::string, Stage::Does>> stages) {
    std::vector<StagePointer> all;
    for (auto& [name, does] : stages) all.emplace_back(new Stage(name, does, log), [](RoutingStage* s) { delete s; });
    return StageChain(std::move(all));
  }
  Outcome show(StageChain chain) { return chain.on_request(exchange); }
  test::FakeRequestExchange exchange{"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/WS x;branch=z9hG4bK1\r\nFrom: <sip:x>;tag=1\r\nTo: <sip:x>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n"};
  std::string log;
};

TEST_F(StageChainTest, AsksOneAfterTheOtherUntilOneHandlesIt) {
  using enum Stage::Does;
  EXPECT_EQ(show(chain({{"a", next}, {"b", handle}, {"c", handle}})), Outcome::handled);
  EXPECT_EQ(log, "ab");
}

TEST_F(StageChainTest, SaysThatNobodyWantedIt) {
  EXPECT_EQ(show(chain({{"a", Stage::Does::next}, {"b", Stage::Does::next}})), Outcome::nobody);
  EXPECT_EQ(log, "ab");
  EXPECT_EQ(show(chain({})), Outcome::nobody);
}

TEST_F(StageChainTest, EndsAtAStageThatThrowsWhateverItThrows) {
  using enum Stage::Does;
  EXPECT_EQ(show(chain({{"a", throw_exception}, {"b", handle}})), Outcome::failed);
  EXPECT_EQ(show(chain({{"c", throw_number}, {"d", handle}})), Outcome::failed);
  EXPECT_EQ(log, "ac");
}

TEST_F(StageChainTest, TellsEveryStageOfAClosedConnectionAlsoBehindOneThatThrows) {
  using enum Stage::Does;
  chain({{"a", throw_exception}, {"b", handle}, {"c", next}}).on_closed({});
  EXPECT_EQ(log, "abc");
}

TEST_F(StageChainTest, NeedsASubProtocolUnlessAStageDoesWithout) {
  const auto with = [&](std::vector<bool> needs) {
    std::vector<StagePointer> all;
    for (const bool n : needs) all.emplace_back(new Stage("x", Stage::Does::next, log, n), [](RoutingStage* s) { delete s; });
    return StageChain(std::move(all)).needs_sub_protocol();
  };
  EXPECT_TRUE(with({}));
  EXPECT_TRUE(with({true, true}));
  EXPECT_FALSE(with({true, false}));
}

TEST_F(StageChainTest, GivesAStageBackTheWayItCame) {
  static int destroyed = 0;
  {
    std::vector<StagePointer> all;
    all.emplace_back(new Stage("x", Stage::Does::next, log), [](RoutingStage* s) {
      ++destroyed;
      delete s;
    });
    const StageChain owner(std::move(all));
  }
  EXPECT_EQ(destroyed, 1);
}

}  // namespace
}  // namespace sipwsd::route
