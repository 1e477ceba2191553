#include "src/net/source_rates.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/addresses.h"

namespace sipwsd::net {
namespace {

using namespace std::chrono_literals;

constexpr base::Rate two_a_second{.per_second = 2, .burst = 4};
constexpr base::TimePoint start{1000s};

int taken_of(SourceRates& rates, const Endpoint& source, int count, base::TimePoint now = start) {
  int taken = 0;
  for (int i = 0; i < count; ++i) taken += rates.take(source, now, two_a_second) ? 1 : 0;
  return taken;
}

TEST(SourceRates, LetEachSourceHaveItsBurstAndThenItsRate) {
  SourceRates rates({});
  EXPECT_EQ(taken_of(rates, test::at("192.0.2.1", 5060), 10), 4);
  EXPECT_EQ(taken_of(rates, test::at("192.0.2.2", 5060), 10), 4) << "another source has its own";
  EXPECT_EQ(taken_of(rates, test::at("192.0.2.1", 5062), 10), 0) << "another port is the same source";
  EXPECT_EQ(taken_of(rates, test::at("192.0.2.1", 5060), 10, start + 1s), 2);
}

TEST(SourceRates, CountIpv6ByTheNetworkThatOneHostCanChooseFrom) {
  SourceRates rates({});
  EXPECT_EQ(taken_of(rates, test::at("2001:db8::1", 5060), 10), 4);
  EXPECT_EQ(taken_of(rates, test::at("2001:db8::2", 5060), 10), 0);
  EXPECT_EQ(taken_of(rates, test::at("2001:db8:0:1::1", 5060), 10), 4);
}

TEST(SourceRates, OfNothingLimitNobody) {
  SourceRates rates({});
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(rates.take(test::at("192.0.2.1", 5060), start, {}));
}

// A flood of forged addresses fills the table many times over.
TEST(SourceRates, RememberWhoIsAboveHisRateThroughAFloodOfNewAddresses) {
  SourceRates rates({});
  ASSERT_EQ(taken_of(rates, test::at("192.0.2.1", 5060), 10), 4);
  for (int i = 0; i < 100'000; ++i)
    ASSERT_TRUE(rates.take(test::at(("10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." + std::to_string(i & 255)).c_str(), 1), start, two_a_second));
  EXPECT_EQ(taken_of(rates, test::at("192.0.2.1", 5060), 10), 0);
}

}  // namespace
}  // namespace sipwsd::net
