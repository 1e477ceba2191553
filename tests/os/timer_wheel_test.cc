#include "src/os/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <vector>

#include "src/base/random.h"

namespace sipwsd::os {
namespace {

using base::Milliseconds;

struct Fired {
  std::uint64_t key;
  std::int64_t at;
  friend bool operator==(const Fired&, const Fired&) = default;
};

class TimerWheelTest : public ::testing::Test, public TimerHandler {
 protected:
  void on_timer(TimerId id, std::uint64_t key) override {
    fired.push_back({key, present()});
    ids.push_back(id);
    if (then) then(key);
  }
  std::int64_t present() const { return std::chrono::duration_cast<Milliseconds>(clock.now().time_since_epoch()).count(); }
  void step_to(std::int64_t at) {
    clock.advance(Milliseconds{at - present()});
    wheel.advance();
  }

  base::FakeClock clock;
  TimerWheel wheel{clock};
  std::vector<Fired> fired;
  std::vector<TimerId> ids;
  std::function<void(std::uint64_t)> then;
};

TEST_F(TimerWheelTest, FiresEachTimerAtItsMillisecondAcrossAllWheels) {
  const std::int64_t delays[] = {1, 2, 255, 256, 257, 511, 512, 65535, 65536, 65537, 180'000, 3'600'000, 16'777'215, 16'777'216, 40'000'000};
  for (const auto delay : delays) (void)wheel.add(Milliseconds{delay}, *this, static_cast<std::uint64_t>(delay));

  while (const auto wait = wheel.until_next()) step_to(present() + std::max<std::int64_t>(wait->count(), 1));

  ASSERT_EQ(fired.size(), std::size(delays));
  for (std::size_t i = 0; i < fired.size(); ++i) EXPECT_EQ(fired[i], (Fired{static_cast<std::uint64_t>(delays[i]), delays[i]}));
}

TEST_F(TimerWheelTest, IsNeverEarlyWhenTheClockStandsBetweenTicks) {
  clock.advance(std::chrono::microseconds{500});
  (void)wheel.add(Milliseconds{10}, *this, 1);

  clock.advance(std::chrono::microseconds{9'999});
  wheel.advance();
  EXPECT_TRUE(fired.empty());

  clock.advance(std::chrono::microseconds{501});
  wheel.advance();
  EXPECT_EQ(fired.size(), 1u);
}

TEST_F(TimerWheelTest, CountsFromThePresentThoughTheLastTurnWasLong) {
  step_to(1000);
  clock.advance(Milliseconds{700});  // a long turn: the wheel still stands at 1000
  (void)wheel.add(Milliseconds{500}, *this, 1);

  wheel.advance();
  step_to(2199);
  EXPECT_TRUE(fired.empty());
  step_to(2200);
  EXPECT_EQ(fired.size(), 1u);
}

TEST_F(TimerWheelTest, CancelsOnceAndForgetsStaleIds) {
  const TimerId first = wheel.add(Milliseconds{5}, *this, 1);
  EXPECT_TRUE(wheel.is_armed(first));
  EXPECT_TRUE(wheel.cancel(first));
  EXPECT_FALSE(wheel.cancel(first));

  const TimerId second = wheel.add(Milliseconds{5}, *this, 2);  // reuses the entry
  EXPECT_NE(first, second);
  EXPECT_FALSE(wheel.cancel(first));
  step_to(5);
  EXPECT_EQ(fired, (std::vector<Fired>{{2, 5}}));
  EXPECT_EQ(ids, std::vector<TimerId>{second});
  EXPECT_FALSE(wheel.cancel(second));
  EXPECT_FALSE(wheel.cancel(TimerId::none));
  EXPECT_EQ(wheel.size(), 0u);
}

TEST_F(TimerWheelTest, LetsACallbackCancelItsNeighbourOfTheSameTick) {
  const TimerId victim_after = [&] {
    (void)wheel.add(Milliseconds{7}, *this, 1);
    return wheel.add(Milliseconds{7}, *this, 2);
  }();
  then = [&](std::uint64_t key) {
    if (key == 1) wheel.cancel(victim_after);
  };

  step_to(7);

  EXPECT_EQ(fired, (std::vector<Fired>{{1, 7}}));
}

TEST_F(TimerWheelTest, FiresWhatACallbackAddsInALaterAdvanceOnly) {
  (void)wheel.add(Milliseconds{0}, *this, 1);
  EXPECT_EQ(wheel.until_next(), Milliseconds{0});
  then = [&](std::uint64_t key) { (void)wheel.add(Milliseconds{key % 2 == 0 ? 256 : 0}, *this, key + 1); };

  wheel.advance();
  EXPECT_EQ(fired.size(), 1u);
  wheel.advance();
  EXPECT_EQ(fired.size(), 2u);
  wheel.advance();
  EXPECT_EQ(fired.size(), 2u) << "256 ms from here: the same slot, one round later";
  step_to(256);
  EXPECT_EQ(fired.back(), (Fired{3, 256}));
}

TEST_F(TimerWheelTest, SkipsAnHourOfNothingInOneStep) {
  (void)wheel.add(Milliseconds{3'600'000}, *this, 1);
  (void)wheel.add(Milliseconds{3'599'999}, *this, 2);

  step_to(7'200'000);

  EXPECT_EQ(fired, (std::vector<Fired>{{2, 7'200'000}, {1, 7'200'000}}));
  EXPECT_EQ(wheel.until_next(), std::nullopt);
}

TEST_F(TimerWheelTest, SaysHowLongTheLoopMaySleep) {
  EXPECT_EQ(wheel.until_next(), std::nullopt);
  (void)wheel.add(Milliseconds{100}, *this, 1);
  EXPECT_EQ(wheel.until_next(), Milliseconds{100});
  clock.advance(Milliseconds{60});
  EXPECT_EQ(wheel.until_next(), Milliseconds{40});
  clock.advance(Milliseconds{60});
  EXPECT_EQ(wheel.until_next(), Milliseconds{0});
}

TEST_F(TimerWheelTest, AgreesWithASortedMapOverRandomHistories) {
  base::FixedRandom random{7};
  std::multimap<std::int64_t, std::uint64_t> model;
  std::map<std::uint64_t, std::pair<TimerId, std::int64_t>> armed;
  std::uint64_t next_key = 1;
  std::vector<std::pair<std::int64_t, std::uint64_t>> expected;
  std::vector<std::pair<std::int64_t, std::uint64_t>> seen;

  for (int turn = 0; turn < 20'000; ++turn) {
    const auto choice = random.below(10);
    if (choice < 5) {
      const auto delay = static_cast<std::int64_t>(1 + random.below(std::uint64_t{1} << (1 + random.below(21))));
      armed[next_key] = {wheel.add(Milliseconds{delay}, *this, next_key), present() + delay};
      model.emplace(present() + delay, next_key++);
    } else if (choice < 7 && !armed.empty()) {
      const auto victim = std::next(armed.begin(), static_cast<long>(random.below(std::min<std::size_t>(armed.size(), 20))));
      EXPECT_TRUE(wheel.cancel(victim->second.first));
      auto [from, to] = model.equal_range(victim->second.second);
      model.erase(std::find_if(from, to, [&](const auto& entry) { return entry.second == victim->first; }));
      armed.erase(victim);
    } else {
      fired.clear();
      step_to(present() + static_cast<std::int64_t>(random.below(std::uint64_t{1} << random.below(15))));
      std::vector<std::uint64_t> due;
      while (!model.empty() && model.begin()->first <= present()) {
        due.push_back(model.begin()->second);
        armed.erase(model.begin()->second);
        model.erase(model.begin());
      }
      std::vector<std::uint64_t> got;
      for (const auto& one : fired) got.push_back(one.key);
      std::sort(due.begin(), due.end());
      std::sort(got.begin(), got.end());
      ASSERT_EQ(got, due) << "turn " << turn;
    }
    ASSERT_EQ(wheel.size(), model.size());
  }
}

TEST_F(TimerWheelTest, HoldsAQuarterMillionTimers) {
  constexpr std::uint64_t many = 250'000;
  for (std::uint64_t i = 0; i < many; ++i) (void)wheel.add(Milliseconds{static_cast<std::int64_t>(1 + i % 32'000)}, *this, i);
  fired.reserve(many);
  step_to(32'000);
  EXPECT_EQ(fired.size(), many);
}

}  // namespace
}  // namespace sipwsd::os
