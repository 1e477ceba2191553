#include "src/process/drain.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace sipwsd::process {
namespace {

using namespace std::chrono_literals;

class DrainTest : public ::testing::Test {
 protected:
  static std::vector<ConnectionId> connections(std::uint32_t count) {
    std::vector<ConnectionId> ids;
    for (std::uint32_t i = 1; i <= count; ++i) ids.push_back(ConnectionId{i});
    return ids;
  }
  Drain drain(std::uint32_t count, base::Milliseconds spread) {
    return {connections(count), start, spread, random, [this](ConnectionId id) {
              const auto said = says.find(id);
              const auto found = said == says.end() ? Drain::Found::closed : said->second;
              if (found == Drain::Found::closed) {
                EXPECT_TRUE(closed.insert(id).second) << number(id) << " was closed twice";
                order.push_back(number(id));
              }
              return found;
            }};
  }

  base::SystemRandom random;
  base::TimePoint start{1000s};
  std::map<ConnectionId, Drain::Found> says;  // who is not closed at once
  std::set<ConnectionId> closed;
  std::vector<std::uint32_t> order;
};

TEST_F(DrainTest, SpreadsTheEndsEvenly) {
  Drain d = drain(1000, 10s);
  std::size_t before = 0;
  for (base::Milliseconds passed = 0ms; passed <= 10s; passed += 50ms) {
    d.run(start + passed);
    const std::size_t expected = 1000 * static_cast<std::size_t>(passed.count()) / 10'000;
    EXPECT_NEAR(static_cast<double>(closed.size()), static_cast<double>(expected), 1) << passed.count();
    EXPECT_LE(closed.size() - before, 6u) << "none in bursts";
    before = closed.size();
  }
  EXPECT_EQ(closed.size(), 1000u);
  EXPECT_EQ(d.left(), 0u);
}

TEST_F(DrainTest, ClosesAllAtOnceWithoutASpread) {
  Drain d = drain(100, 0ms);
  EXPECT_EQ(d.run(start), 100u);
}

TEST_F(DrainTest, CatchesUpWhenATurnTookLong) {
  Drain d = drain(100, 10s);
  EXPECT_EQ(d.run(start + 7s), 70u);
  EXPECT_EQ(d.run(start + 60s), 30u);
}

TEST_F(DrainTest, WaitsForTheBusyOnesAndTakesThemWhenTheyAreDone) {
  says[ConnectionId{3}] = Drain::Found::busy;
  says[ConnectionId{7}] = Drain::Found::busy;
  Drain d = drain(10, 1s);
  EXPECT_EQ(d.run(start + 1s), 8u);
  EXPECT_EQ(d.run(start + 30s), 0u);
  EXPECT_EQ(d.left(), 2u);

  says.erase(ConnectionId{7});
  EXPECT_EQ(d.run(start + 31s), 1u);

  EXPECT_TRUE(closed.contains(ConnectionId{7}));
  EXPECT_EQ(d.left(), 1u);
}

TEST_F(DrainTest, ForgetsThoseWhoHaveLeftByThemselves) {
  says[ConnectionId{1}] = Drain::Found::gone;
  Drain d = drain(2, 0ms);
  EXPECT_EQ(d.run(start), 1u);
  EXPECT_EQ(d.left(), 0u);
}

TEST_F(DrainTest, MixesThoseWhoCameTogether) {
  Drain d = drain(200, 0ms);
  d.run(start);
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(DrainTest, HasNothingToDoForNobody) {
  Drain d = drain(0, 10s);
  EXPECT_EQ(d.run(start + 3s), 0u);
  EXPECT_EQ(d.left(), 0u);
}

}  // namespace
}  // namespace sipwsd::process
