#include "src/net/pending_handshakes.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>

namespace sipwsd::net {
namespace {

using Place = PendingHandshakes::Place;

base::TimePoint at(int second) { return base::TimePoint{std::chrono::seconds{second}}; }

TEST(PendingHandshakes, KnowTheOldest) {
  PendingHandshakes list;
  EXPECT_EQ(list.oldest(), ConnectionId::none);
  auto first = std::make_unique<Place>(list, ConnectionId{5}, at(5));
  auto second = std::make_unique<Place>(list, ConnectionId{3}, at(3));
  auto third = std::make_unique<Place>(list, ConnectionId{4}, at(4));
  EXPECT_EQ(list.size(), 3u);
  EXPECT_EQ(list.oldest_since(), at(5));
  EXPECT_EQ(list.oldest(), ConnectionId{5});
  second.reset();
  first.reset();
  EXPECT_EQ(list.oldest(), ConnectionId{4});
  third.reset();
  EXPECT_EQ(list.oldest(), ConnectionId::none);
  EXPECT_EQ(list.size(), 0u);
}

TEST(PendingHandshakes, StayInOrderWhoeverLeaves) {
  PendingHandshakes list;
  std::minstd_rand random(7);
  std::map<std::uint32_t, std::unique_ptr<Place>> model;  // ids grow with time
  for (std::uint32_t id = 1; id < 5000; ++id) {
    model[id] = std::make_unique<Place>(list, ConnectionId{id}, at(static_cast<int>(id)));
    if (random() % 3 != 0) model.erase(std::next(model.begin(), static_cast<long>(random() % model.size())));
    ASSERT_EQ(list.size(), model.size());
    ASSERT_EQ(list.oldest(), model.empty() ? ConnectionId::none : ConnectionId{model.begin()->first});
  }
}

}  // namespace
}  // namespace sipwsd::net
