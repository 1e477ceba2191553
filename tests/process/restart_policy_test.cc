#include "src/process/restart_policy.h"

#include <gtest/gtest.h>

namespace sipwsd::process {
namespace {

using Milliseconds = std::chrono::milliseconds;
using enum RestartPolicy::WasReady;

TEST(RestartPolicy, DoesNotThrottleAProcessThatSomebodyKillsEverySecond) {
  RestartPolicy policy{{}};
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(policy.after_death(Milliseconds{950}, yes), Milliseconds{0});
}

TEST(RestartPolicy, DoublesThePauseOfACrashLoopUpToItsEnd) {
  RestartPolicy policy{{.burst = 2, .first_delay = Milliseconds{100}, .longest_delay = Milliseconds{500}}};
  const int delays[] = {0, 0, 100, 200, 400, 500, 500};
  for (const int delay : delays) EXPECT_EQ(policy.after_death(Milliseconds{3}, yes), Milliseconds{delay});
}

TEST(RestartPolicy, CountsADeathBeforeReadinessHoweverLongItTook) {
  RestartPolicy policy{{.burst = 1}};
  EXPECT_EQ(policy.after_death(Milliseconds{60'000}, no), Milliseconds{0});
  EXPECT_EQ(policy.after_death(Milliseconds{60'000}, no), Milliseconds{100});
}

TEST(RestartPolicy, ForgivesAfterALongLifeOnly) {
  RestartPolicy policy{{.burst = 1}};
  EXPECT_EQ(policy.after_death(Milliseconds{1}, yes), Milliseconds{0});
  EXPECT_EQ(policy.after_death(Milliseconds{2'000}, yes), Milliseconds{0}) << "worked a while: no pause";
  EXPECT_EQ(policy.after_death(Milliseconds{1}, yes), Milliseconds{100}) << "but not forgiven either";
  EXPECT_EQ(policy.after_death(Milliseconds{10'000}, yes), Milliseconds{0});
  EXPECT_EQ(policy.after_death(Milliseconds{1}, yes), Milliseconds{0});
}

TEST(RestartPolicy, NeverOverflowsThePause) {
  RestartPolicy policy{{.burst = 0}};
  for (int i = 0; i < 10'000; ++i) {
    const auto delay = policy.after_death(Milliseconds{0}, no);
    ASSERT_GT(delay, Milliseconds{0});
    ASSERT_LE(delay, Milliseconds{30'000});
  }
}

}  // namespace
}  // namespace sipwsd::process
