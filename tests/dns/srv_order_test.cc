#include "src/dns/srv_order.h"

#include <gtest/gtest.h>

#include <map>

namespace sipwsd::dns {
namespace {

std::string order(const std::vector<Srv>& records) {
  std::string text;
  for (const Srv& srv : records) text += srv.target;
  return text;
}

// How often each stands first, of 10 000.
std::map<std::string, int> firsts(const std::vector<Srv>& records) {
  base::FixedRandom chance(1);
  std::map<std::string, int> counted;
  for (int i = 0; i < 10'000; ++i) ++counted[in_order_to_try(records, chance).front().target];
  return counted;
}

TEST(SrvOrder, GoesByPriorityWhateverTheWeights) {
  base::FixedRandom chance(1);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(order(in_order_to_try({{30, 60000, 1, "c"}, {10, 0, 1, "a"}, {20, 1, 1, "b"}}, chance)), "abc");
}

TEST(SrvOrder, DrawsByWeightWithinAPriority) {
  const auto counted = firsts({{1, 10, 1, "a"}, {1, 30, 1, "b"}, {1, 60, 1, "c"}});
  EXPECT_NEAR(counted.at("a"), 1000, 150);
  EXPECT_NEAR(counted.at("b"), 3000, 200);
  EXPECT_NEAR(counted.at("c"), 6000, 200);
}

TEST(SrvOrder, GivesThoseWithoutAWeightASmallChance) {
  const auto counted = firsts({{1, 99, 1, "a"}, {1, 0, 1, "b"}});
  EXPECT_NEAR(counted.at("b"), 100, 60);
}

TEST(SrvOrder, DrawsTheSecondByWeightToo) {
  base::FixedRandom chance(2);
  std::map<std::string, int> counted;
  for (int i = 0; i < 10'000; ++i)
    ++counted[order(in_order_to_try({{1, 65535, 1, "a"}, {1, 10, 1, "b"}, {1, 30, 1, "c"}}, chance))];
  EXPECT_NEAR(counted["abc"], 2500, 250);
  EXPECT_NEAR(counted["acb"], 7500, 250);
}

TEST(SrvOrder, IsTheSameForTheSameChance) {
  const std::vector<Srv> records{{1, 5, 1, "a"}, {1, 5, 1, "b"}, {1, 5, 1, "c"}, {1, 5, 1, "d"}};
  base::FixedRandom one(7), other(7);
  EXPECT_EQ(in_order_to_try(records, one), in_order_to_try(records, other));
}

TEST(SrvOrder, HasNothingToOrderInNothing) {
  base::FixedRandom chance(1);
  EXPECT_TRUE(in_order_to_try({}, chance).empty());
}

}  // namespace
}  // namespace sipwsd::dns
