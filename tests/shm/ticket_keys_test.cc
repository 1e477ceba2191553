#include "shm/ticket_keys.h"

#include "src/base/random.h"

#include "tests/shm/shared_world.h"

namespace sipwsd::shm {
namespace {

constexpr std::int64_t hour = 3600;

TEST(TicketKeys, HasOneKeyFromTheStart) {
  SharedState shared = make_shared_state();
  const auto keys = shared.ticket_keys.read();
  EXPECT_GT(keys.current.created, 1'700'000'000);
  EXPECT_NE(keys.current.cipher_key, (std::array<std::uint8_t, 32>{}));
  EXPECT_NE(keys.current.cipher_key, keys.current.mac_key);
  EXPECT_EQ(keys.previous.created, 0);
}

TEST(TicketKeys, KeepsTheLastKeyForOneRotation) {
  SharedState shared = make_shared_state();
  base::FixedRandom random;
  const auto first = shared.ticket_keys.read().current;
  shared.ticket_keys.rotate(first.created + hour, random);
  const auto second = shared.ticket_keys.read();
  shared.ticket_keys.rotate(first.created + 2 * hour, random);
  const auto third = shared.ticket_keys.read();

  EXPECT_EQ(second.previous.name, first.name);
  EXPECT_EQ(third.previous.name, second.current.name);
  EXPECT_NE(third.current.name, second.current.name);
  EXPECT_NE(third.current.name, first.name);
}

TEST(TicketKeys, AreDueWhenTheCurrentOneIsOldEnough) {
  SharedState shared = make_shared_state();
  base::FixedRandom random;
  shared.ticket_keys.rotate(10'000, random);
  EXPECT_EQ(shared.ticket_keys.age(10'010), 10);
  EXPECT_FALSE(shared.ticket_keys.is_due(9'999 + hour, hour));
  EXPECT_TRUE(shared.ticket_keys.is_due(10'000 + hour, hour));
}

TEST(TicketKeys, AreSeenByEveryProcess) {
  SharedState shared = make_shared_state();
  const auto before = shared.ticket_keys.read().current;
  base::FixedRandom random;
  const pid_t child = start_child([&] {
    while (shared.ticket_keys.read().current.name == before.name) {
    }
    EXPECT_EQ(shared.ticket_keys.read().previous.name, before.name);
  });
  shared.ticket_keys.rotate(before.created + hour, random);
  EXPECT_TRUE(ended_well(wait_for(child)));
}

// Fills everything with one value a call, so that a mixed key shows.
class OneValue final : public base::Random {
 public:
  void fill(std::span<std::uint8_t> out) override {
    std::fill(out.begin(), out.end(), value);
  }
  std::uint8_t value = 0;
};

bool is_whole(const TicketKey& key) {
  const auto value = key.name[0];
  return key.created % 256 == value && std::count(key.name.begin(), key.name.end(), value) == 16 &&
         std::count(key.cipher_key.begin(), key.cipher_key.end(), value) == 32 &&
         std::count(key.mac_key.begin(), key.mac_key.end(), value) == 32;
}

TEST(TicketKeys, AreNeverReadHalfWritten) {
  SharedState shared = make_shared_state();
  OneValue random;
  const auto rotate = [&](std::int64_t n) {
    random.value = static_cast<std::uint8_t>(n);
    shared.ticket_keys.rotate(n, random);
  };
  rotate(1);
  rotate(2);
  const pid_t writer = start_child([&] {
    for (std::int64_t n = 3; n < 100'000; ++n) rotate(n);
  });
  std::int64_t last = 0;
  while (last < 99'999) {
    const auto keys = shared.ticket_keys.read();
    ASSERT_TRUE(is_whole(keys.current) && is_whole(keys.previous));
    ASSERT_EQ(keys.previous.created + 1, keys.current.created);
    ASSERT_GE(keys.current.created, last);
    last = keys.current.created;
  }
  EXPECT_TRUE(ended_well(wait_for(writer)));
}

}  // namespace
}  // namespace sipwsd::shm
