#include "src/dns/cache.h"

#include <gtest/gtest.h>

namespace sipwsd::dns {
namespace {

using base::Seconds;

class CacheTest : public testing::Test {
 protected:
  static SharedRecords some(const std::string& target = "t") {
    Records records;
    records.srv.push_back({1, 1, 1, target});
    return std::make_shared<Records>(std::move(records));
  }
  static Question question(int i) { return {RecordType::a, "host" + std::to_string(i)}; }
  base::FakeClock clock;
  Cache cache{{1, 2}, 100'000};
};

TEST_F(CacheTest, KeepsAnAnswerUntilItsTimeIsOver) {
  cache.put(question(1), some("x"), clock.now() + Seconds{10});

  clock.advance(Seconds{9});
  ASSERT_NE(cache.find(question(1), clock.now()), nullptr);
  EXPECT_EQ(cache.find(question(1), clock.now())->srv.front().target, "x");
  clock.advance(Seconds{1});
  EXPECT_EQ(cache.find(question(1), clock.now()), nullptr);
  EXPECT_EQ(cache.size(), 0u);
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST_F(CacheTest, TellsTypesOfOneNameApart) {
  cache.put({RecordType::a, "x"}, some("a"), clock.now() + Seconds{10});
  EXPECT_EQ(cache.find({RecordType::aaaa, "x"}, clock.now()), nullptr);
}

TEST_F(CacheTest, PutsANewAnswerInPlaceOfTheOld) {
  cache.put(question(1), some("old"), clock.now() + Seconds{10});
  const auto bytes = cache.bytes();
  cache.put(question(1), some("new"), clock.now() + Seconds{10});
  EXPECT_EQ(cache.find(question(1), clock.now())->srv.front().target, "new");
  EXPECT_EQ(cache.size(), 1u);
  EXPECT_EQ(cache.bytes(), bytes);
}

TEST_F(CacheTest, MakesRoomByWhatWasNotAskedForLongest) {
  cache.put(question(0), some(), clock.now() + Seconds{10});
  std::size_t evicted = 0;
  int i = 1;
  for (; evicted == 0; ++i) {
    ASSERT_NE(cache.find(question(0), clock.now()), nullptr);  // in use
    evicted = cache.put(question(i), some(), clock.now() + Seconds{10});
    ASSERT_LE(cache.bytes(), 100'000u);
  }
  EXPECT_EQ(evicted, 1u);
  EXPECT_NE(cache.find(question(0), clock.now()), nullptr);
  EXPECT_EQ(cache.find(question(1), clock.now()), nullptr);
  EXPECT_NE(cache.find(question(i - 1), clock.now()), nullptr);
}

TEST_F(CacheTest, ShrinksAtOnce) {
  for (int i = 0; i < 100; ++i) cache.put(question(i), some(), clock.now() + Seconds{10});
  EXPECT_GT(cache.set_most_bytes(1000), 90u);
  EXPECT_LE(cache.bytes(), 1000u);
  EXPECT_NE(cache.find(question(99), clock.now()), nullptr);
}

TEST_F(CacheTest, DoesNotKeepWhatIsLargerThanAllOfIt) {
  Cache small({1, 2}, 10);
  small.put(question(1), some(), clock.now() + Seconds{10});
  EXPECT_EQ(small.size(), 0u);
  EXPECT_EQ(small.bytes(), 0u);
}

TEST_F(CacheTest, LeavesARecordToWhoHoldsItWhenItIsCleared) {
  cache.put(question(1), some("x"), clock.now() + Seconds{10});
  const auto held = cache.find(question(1), clock.now());
  cache.clear();
  EXPECT_EQ(held->srv.front().target, "x");
  EXPECT_EQ(cache.find(question(1), clock.now()), nullptr);
}

}  // namespace
}  // namespace sipwsd::dns
