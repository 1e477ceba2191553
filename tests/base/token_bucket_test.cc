#include "src/base/token_bucket.h"

#include <gtest/gtest.h>

namespace sipwsd::base {
namespace {

using namespace std::chrono_literals;

constexpr Rate ten{.per_second = 10, .burst = 5};
const TimePoint start{1'000s};

int taken(TokenBucket& bucket, TimePoint now, Rate rate, int tries = 1000) {
  int n = 0;
  for (int i = 0; i < tries; ++i) n += bucket.take(1, now, rate);
  return n;
}

TEST(TokenBucket, HoldsABurstAndFillsAtItsRate) {
  TokenBucket bucket;
  EXPECT_EQ(taken(bucket, start, ten), 5);
  EXPECT_EQ(taken(bucket, start + 99ms, ten), 0);
  EXPECT_EQ(taken(bucket, start + 100ms, ten), 1);
  EXPECT_EQ(taken(bucket, start + 400ms, ten), 3);
  EXPECT_EQ(taken(bucket, start + 1h, ten), 5) << "and never more than that";
}

TEST(TokenBucket, NeverGivesMoreThanItsRateOverAnyTime) {
  for (const Rate rate : {Rate{3, 1}, Rate{1000, 2000}, Rate{7'001, 10}}) {
    TokenBucket bucket;
    std::uint64_t given = 0;
    for (std::uint64_t step = 0; step <= 3000; ++step)
      given += static_cast<std::uint64_t>(taken(bucket, start + step * 1ms, rate, 20));
    EXPECT_LE(given, rate.per_second * 3 + rate.burst + 1);
    EXPECT_GE(given, rate.per_second * 3);
  }
}

TEST(TokenBucket, TakesAllOrNothing) {
  TokenBucket bucket;
  EXPECT_FALSE(bucket.take(6, start, ten)) << "more than a burst never comes";
  EXPECT_TRUE(bucket.take(5, start, ten));
  EXPECT_FALSE(bucket.take(2, start + 150ms, ten));
  EXPECT_TRUE(bucket.take(1, start + 150ms, ten));
}

TEST(TokenBucket, SaysHowLongUntilADebtIsPaid) {
  TokenBucket bucket;
  EXPECT_EQ(bucket.charge(5, start, ten), 0ns);
  EXPECT_EQ(bucket.charge(20, start, ten), 2s);
  EXPECT_EQ(bucket.charge(0, start + 1500ms, ten), 500ms);
  EXPECT_EQ(bucket.charge(1, start + 2s, ten), 100ms);
  EXPECT_EQ(bucket.wait_for(1, start + 2s, ten), 200ms);
}

TEST(TokenBucket, OfNoRateIsBottomless) {
  TokenBucket bucket;
  EXPECT_EQ(taken(bucket, start, {}), 1000);
  EXPECT_EQ(bucket.charge(1'000'000, start, {}), 0ns);
  EXPECT_TRUE(bucket.is_full(start));
}

TEST(TokenBucket, IsFullWhenItIsForgottenWithoutLoss) {
  TokenBucket bucket;
  EXPECT_TRUE(bucket.is_full(start));
  EXPECT_TRUE(bucket.take(1, start, ten));
  EXPECT_FALSE(bucket.is_full(start + 99ms));
  EXPECT_TRUE(bucket.is_full(start + 100ms));
}

TEST(TokenBucket, TakesTheLargestNumbersAnybodyCanConfigure) {
  TokenBucket bucket;
  const Rate slow{.per_second = 1, .burst = std::uint64_t{1} << 33};
  for (int i = 0; i < 1000; ++i) EXPECT_GE(bucket.charge(std::uint64_t{1} << 40, start, slow), 0ns);
  EXPECT_TRUE(TokenBucket{}.take(1'000'000'000, start, {.per_second = 1'000'000'000, .burst = 2'000'000'000}));
}

static_assert(sizeof(TokenBucket) == 8);

}  // namespace
}  // namespace sipwsd::base
