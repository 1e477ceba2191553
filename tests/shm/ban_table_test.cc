#include "shm/ban_table.h"

#include "shm/kill_point.h"

#include "tests/shm/shared_world.h"

namespace sipwsd::shm {
namespace {

constexpr StrikeRules three_in_a_minute{.strikes = 3, .window = 60, .ban_time = 600};

class BanTableTest : public ::testing::Test {
 protected:
  BanTable::Struck strike(std::uint32_t host, std::int64_t now, std::uint32_t weight = 1,
                          BanReason reason = BanReason::malformed_http) {
    return bans.strike(endpoint(host, 1000), reason, weight, now, three_in_a_minute);
  }
  void ban(const Endpoint& source, std::int64_t until) { bans.ban({source, BanReason::by_operator, 0, 0, until}); }

  SharedState shared = make_shared_state();
  BanTable& bans = shared.bans;
};

TEST_F(BanTableTest, BansAtSoManyStrikesWithinTheWindow) {
  EXPECT_EQ(strike(9, 100).strikes, 1u);
  EXPECT_EQ(bans.strike(endpoint(9, 2000), BanReason::tls_failure, 1, 130, three_in_a_minute).strikes, 2u)
      << "the port does not matter";
  EXPECT_FALSE(bans.is_banned(endpoint(9, 1), 130));
  EXPECT_EQ(strike(10, 130).strikes, 1u);
  EXPECT_TRUE(strike(9, 159, 1, BanReason::ping_flood).banned);

  const auto found = bans.find(endpoint(9, 77), 160);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->subject.address_text(), "10.0.0.9");
  EXPECT_EQ(found->reason, BanReason::ping_flood) << "the last straw";
  EXPECT_EQ(found->strikes, 3u);
  EXPECT_EQ(found->since, 159);
  EXPECT_EQ(found->until, 759);
  EXPECT_FALSE(bans.is_banned(endpoint(10, 1), 160));
}

TEST_F(BanTableTest, ForgetsStrikesWhenTheirWindowIsOver) {
  strike(9, 100);
  strike(9, 159);
  EXPECT_EQ(strike(9, 160).strikes, 1u);
  EXPECT_FALSE(bans.is_banned(endpoint(9, 1), 160));
}

TEST_F(BanTableTest, CountsTheWeightOfAStrike) {
  EXPECT_EQ(strike(9, 0, 2).strikes, 2u);
  EXPECT_TRUE(strike(9, 0, 5).banned);
}

TEST_F(BanTableTest, SaysOnlyOnceThatSomebodyIsBanned) {
  EXPECT_TRUE(strike(9, 0, 3).banned);
  EXPECT_FALSE(strike(9, 1).banned);
  EXPECT_EQ(bans.find(endpoint(9, 1), 1)->until, 600) << "and does not prolong it";
  EXPECT_FALSE(strike(9, 600, 2).banned);
  EXPECT_TRUE(strike(9, 601, 1).banned) << "once it is over, again";
}

TEST_F(BanTableTest, BansNobodyWhenTheTimeIsZero) {
  EXPECT_FALSE(bans.strike(endpoint(9, 1), BanReason::flood, 100, 0, {.strikes = 1, .window = 60, .ban_time = 0}).banned);
  EXPECT_FALSE(bans.is_banned(endpoint(9, 1), 0));
}

TEST_F(BanTableTest, BansUntilTheTimeIsOverOrItIsLifted) {
  ban(endpoint(9, 1), 200);
  ban(endpoint(10, 1), 300);
  EXPECT_TRUE(bans.is_banned(endpoint(9, 77), 199));
  EXPECT_FALSE(bans.is_banned(endpoint(9, 77), 200));
  EXPECT_FALSE(bans.is_banned(endpoint(11, 1), 150));
  EXPECT_EQ(bans.bans(150).size(), 2u);
  ASSERT_EQ(bans.bans(250).size(), 1u);
  EXPECT_EQ(bans.bans(250)[0].subject.address_text(), "10.0.0.10");

  EXPECT_TRUE(bans.lift(endpoint(10, 5)));
  EXPECT_FALSE(bans.is_banned(endpoint(10, 1), 150));
  EXPECT_FALSE(bans.lift(endpoint(10, 5)));
}

TEST_F(BanTableTest, LiftsAllAndForgetsTheirStrikes) {
  for (std::uint32_t host = 1; host <= 20; ++host) ban(endpoint(host, 1), 100);
  strike(30, 0, 2);
  EXPECT_EQ(bans.lift_all(), 21u);
  EXPECT_TRUE(bans.bans(1).empty());
  EXPECT_EQ(strike(30, 1).strikes, 1u);
}

TEST_F(BanTableTest, ReplacesABanByALaterOne) {
  ban(endpoint(9, 1), 200);
  bans.ban({endpoint(9, 1), BanReason::flood, 7, 50, 900});
  ASSERT_EQ(bans.bans(60).size(), 1u);
  EXPECT_EQ(bans.bans(60)[0].reason, BanReason::flood);
  EXPECT_EQ(bans.bans(60)[0].until, 900);
}

TEST_F(BanTableTest, CountsIpv6ByItsNetworkAndMappedAddressesAsIpv4) {
  Endpoint host;
  host.family = AddressFamily::ipv6;
  host.address = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8};
  Endpoint neighbour = host;
  neighbour.address[15] = 99;
  Endpoint other_network = host;
  other_network.address[7] = 2;
  ban(host, 100);
  EXPECT_TRUE(bans.is_banned(neighbour, 50));
  EXPECT_FALSE(bans.is_banned(other_network, 50));

  Endpoint mapped;
  mapped.family = AddressFamily::ipv6;
  mapped.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 9};
  ban(mapped, 100);
  EXPECT_TRUE(bans.is_banned(endpoint(9, 1), 50));
}

TEST_F(BanTableTest, ForgetsWhoWasQuietLongestWhenThereAreTooMany) {
  ban(endpoint(1, 1), 100'000);  // room for 512
  for (std::uint32_t host = 10; host < 5000; ++host) strike(host, host);
  EXPECT_TRUE(bans.is_banned(endpoint(1, 1), 5000)) << "a ban outlives a flood of strikes";
  EXPECT_EQ(strike(10, 60).strikes, 1u) << "long forgotten";
}

TEST_F(BanTableTest, IsOfAllProcesses) {
  EXPECT_TRUE(ended_well(in_child([&] { EXPECT_TRUE(strike(9, 0, 3).banned); })));
  EXPECT_TRUE(bans.is_banned(endpoint(9, 1), 1));
}

TEST_F(BanTableTest, KeepsItsBansWhenSomebodyDiesBesideThem) {
  ban(endpoint(1, 1), 1000);
  for (std::uint32_t host = 2; host < 200; ++host)  // in every stripe, also in that of the first
    ASSERT_TRUE(was_killed(in_child([&] {
      arm_kill_point(KillPoint::strike_half_written);
      strike(host, 0);
    })));
  EXPECT_TRUE(bans.is_banned(endpoint(1, 1), 1));
  EXPECT_EQ(bans.bans(1).size(), 1u);
  for (std::uint32_t host = 2; host < 200; ++host) EXPECT_EQ(strike(host, 1).strikes, 1u);
  EXPECT_EQ(bans.repairs(), 198u);
}

TEST(BanReasons, HaveANameEachThatIsFoundAgain) {
  std::set<std::string_view> names;
  for (std::size_t i = 1; i < static_cast<std::size_t>(BanReason::count); ++i) {
    const auto reason = static_cast<BanReason>(i);
    EXPECT_TRUE(names.insert(name(reason)).second);
    EXPECT_EQ(ban_reason(name(reason)), reason);
  }
  EXPECT_FALSE(ban_reason("whim"));
  EXPECT_FALSE(ban_reason("none"));
}

}  // namespace
}  // namespace sipwsd::shm
