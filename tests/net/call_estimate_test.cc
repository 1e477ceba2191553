#include "src/net/call_estimate.h"

#include <gtest/gtest.h>

#include <string>

namespace sipwsd::net {
namespace {

using Sign = CallEstimate::Sign;

TEST(CallEstimate, SeesACallFromItsFirstRingToItsBye) {
  CallEstimate calls;
  EXPECT_FALSE(calls.has_calls(0));
  calls.note(Sign::rings, "a@x", 0);
  EXPECT_TRUE(calls.has_calls(0));
  calls.note(Sign::talks, "a@x", 1);
  EXPECT_TRUE(calls.has_calls(100'000)) << "a call may be long";
  calls.note(Sign::over, "a@x", 2);
  EXPECT_FALSE(calls.has_calls(2));
  EXPECT_EQ(calls.size(), 0u);
}

TEST(CallEstimate, TakesAFailedReinviteForNoEnd) {
  CallEstimate calls;
  calls.note(Sign::rings, "a@x", 0);
  calls.note(Sign::talks, "a@x", 1);
  calls.note(Sign::rings, "a@x", 2);
  calls.note(Sign::rings_no_more, "a@x", 3);
  EXPECT_TRUE(calls.has_calls(4));
  EXPECT_EQ(calls.size(), 1u);
}

TEST(CallEstimate, ForgetsACallNobodyAnswered) {
  CallEstimate calls;
  calls.note(Sign::rings, "a@x", 0);
  calls.note(Sign::rings_no_more, "a@x", 5);
  EXPECT_FALSE(calls.has_calls(5));

  calls.note(Sign::rings, "b@x", 10);
  EXPECT_TRUE(calls.has_calls(10 + CallEstimate::ringing_seconds - 1));
  EXPECT_FALSE(calls.has_calls(10 + CallEstimate::ringing_seconds)) << "whoever rang has gone without a word";
}

TEST(CallEstimate, KeepsCallsApart) {
  CallEstimate calls;
  calls.note(Sign::talks, "a@x", 0);
  calls.note(Sign::talks, "b@x", 0);
  calls.note(Sign::over, "a@x", 1);
  EXPECT_TRUE(calls.has_calls(1));
  calls.note(Sign::over, "b@x", 1);
  EXPECT_FALSE(calls.has_calls(1));
}

TEST(CallEstimate, CountsNothingThatHasNotBegun) {
  CallEstimate calls;
  calls.note(Sign::over, "a@x", 0);
  calls.note(Sign::rings_no_more, "a@x", 0);
  EXPECT_EQ(calls.size(), 0u);
}

TEST(CallEstimate, IsBoundedHoweverManyCallIdsComeIn) {
  CallEstimate calls;
  for (int i = 0; i < 10'000; ++i) calls.note(Sign::rings, std::to_string(i), 0);
  EXPECT_LE(calls.size(), CallEstimate::most);
}

}  // namespace
}  // namespace sipwsd::net
