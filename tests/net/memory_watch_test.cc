#include "src/net/memory_watch.h"

#include <gtest/gtest.h>

#include "tests/support/private_segment.h"

namespace sipwsd::net {
namespace {

using namespace std::chrono_literals;
using shm::Counter;

constexpr std::uint64_t mib = 1024 * 1024, gib = 1024 * mib;

class MemoryWatchTest : public ::testing::Test {
 protected:
  // What another process says it holds.
  void others_hold(std::uint64_t bytes) { segment->counters.row(shm::ProcessSlot{1}).set(Counter::memory_private, bytes); }
  MemoryWatch watch() { return MemoryWatch(settings, *segment, segment->counters.row(shm::ProcessSlot{0}), 1000 * gib); }

  config::Settings settings;
  test::PrivateSegment segment;
  base::TimePoint now{1000s};
};

TEST_F(MemoryWatchTest, SaysHowMuchThisProcessHolds) {
  auto own = watch();
  const std::vector<char> held(64 * mib, 'x');
  EXPECT_FALSE(own.look(now));
  EXPECT_GT(segment->counters.of(shm::ProcessSlot{0}, Counter::memory_private), held.size());
  EXPECT_GT(segment->value(Counter::memory_shared), 0u) << "a test has touched its segment";
  EXPECT_EQ(segment->value(Counter::memory_used),
            segment->value(Counter::memory_private) + segment->value(Counter::memory_shared));
}

TEST_F(MemoryWatchTest, TurnsTheSwitchAtNineTenthsAndBackBelowEightAndAHalf) {
  settings.memory_limit = 100 * 1024;  // 100 GiB, beside which what this test really holds is nothing
  auto own = watch();
  others_hold(89 * gib);
  EXPECT_FALSE(own.look(now));
  EXPECT_FALSE(own.is_short());
  others_hold(90 * gib);
  EXPECT_TRUE(own.look(now += 1s)) << "it was this one that turned it";
  EXPECT_TRUE(own.is_short());
  EXPECT_TRUE(segment->memory->is_short()) << "for everybody";
  others_hold(86 * gib);
  EXPECT_FALSE(own.look(now += 1s));
  EXPECT_TRUE(own.is_short());
  others_hold(84 * gib);
  EXPECT_TRUE(own.look(now += 1s));
  EXPECT_FALSE(own.is_short());
}

TEST_F(MemoryWatchTest, LooksOnceASecond) {
  settings.memory_limit = 100 * 1024;
  auto own = watch();
  EXPECT_FALSE(own.look(now));
  others_hold(95 * gib);
  EXPECT_FALSE(own.look(now + 999ms));
  EXPECT_TRUE(own.look(now + 1s));
}

TEST_F(MemoryWatchTest, LooksSoonerWhenTransactionsComeInAFlood) {
  settings.memory_limit = 100 * 1024;
  auto own = watch();
  EXPECT_FALSE(own.look(now));
  others_hold(95 * gib);
  own.count_transaction();
  EXPECT_FALSE(own.is_short()) << "not with each of them";
  for (int i = 0; i < 1000; ++i) own.count_transaction();
  EXPECT_TRUE(own.is_short());
}

TEST_F(MemoryWatchTest, CountsNothingOfADeadProcess) {
  settings.memory_limit = 100 * 1024;
  others_hold(95 * gib);
  auto own = watch();
  EXPECT_TRUE(own.look(now));
  segment->counters.forget_gauges(shm::ProcessSlot{1});
  EXPECT_TRUE(own.look(now + 1s));
  EXPECT_FALSE(own.is_short());
}

TEST(MemoryLimit, IsWhatWasSaidOrNineTenthsOfWhatThereIs) {
  config::Settings settings;
  EXPECT_EQ(memory_limit(settings, 10 * gib), 9 * gib);
  settings.memory_limit = 512;
  EXPECT_EQ(memory_limit(settings, 10 * gib), 512 * mib);
}

}  // namespace
}  // namespace sipwsd::net
