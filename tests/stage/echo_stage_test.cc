#include "src/stage/echo/echo_stage.h"

#include <gtest/gtest.h>

namespace sipwsd::stage {
namespace {

class FakeData final : public DataExchange {
 public:
  FakeData(std::string bytes, bool is_text) : bytes_(std::move(bytes)), is_text_(is_text) {}
  const Arrival& arrival() const noexcept override { return arrival_; }
  bool is_text() const noexcept override { return is_text_; }
  std::string_view bytes() const noexcept override { return bytes_; }
  Result<void> send(std::string_view bytes, bool as_text) override {
    sent.emplace_back(bytes, as_text);
    return outcome;
  }
  void close(std::uint16_t, std::string_view) override { closed = true; }

  std::vector<std::pair<std::string, bool>> sent;
  Result<void> outcome;
  bool closed = false;

 private:
  Arrival arrival_;
  std::string bytes_;
  bool is_text_;
};

TEST(EchoStage, ReturnsEveryMessageAsItCame) {
  EchoStage stage;
  for (const auto& [bytes, is_text] : {std::pair{std::string("hello"), true}, {std::string("\0\xff", 2), false}, {std::string(), true}}) {
    FakeData data(bytes, is_text);
    EXPECT_EQ(stage.on_data(data), Verdict::handled);
    EXPECT_EQ(data.sent, (std::vector<std::pair<std::string, bool>>{{bytes, is_text}}));
  }
}

TEST(EchoStage, NeedsNoSubProtocol) { EXPECT_FALSE(EchoStage{}.needs_sub_protocol()); }

TEST(EchoStage, LetsAConnectionThatIsGoneBeGone) {
  EchoStage stage;
  FakeData data("x", true);
  data.outcome = Errc::gone;
  EXPECT_EQ(stage.on_data(data), Verdict::handled);
  EXPECT_FALSE(data.closed);
}

}  // namespace
}  // namespace sipwsd::stage
