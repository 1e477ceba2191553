#include "shm/nonce_table.h"

#include "shm/quarantine.h"

#include "tests/shm/shared_world.h"

namespace sipwsd::shm {
namespace {

std::string name(int i) { return "nonce-" + std::to_string(i); }

TEST(NonceTable, AcceptsACountOnceAndOnlyUpwards) {
  SharedState shared = make_shared_state();
  NonceTable& nonces = shared.nonces;
  EXPECT_EQ(nonces.use("n", 1, 300, 0), NonceUse::accepted);
  EXPECT_EQ(nonces.use("n", 1, 300, 1), NonceUse::replayed);
  EXPECT_EQ(nonces.use("n", 3, 300, 2), NonceUse::accepted);
  EXPECT_EQ(nonces.use("n", 2, 300, 3), NonceUse::replayed);
  EXPECT_EQ(nonces.use("m", 2, 300, 3), NonceUse::accepted);
  EXPECT_EQ(nonces.use("n", 4, 300, 300), NonceUse::stale) << "expired";
}

TEST(NonceTable, SeesTheUseOfAnotherProcess) {
  SharedState shared = make_shared_state();
  EXPECT_TRUE(ended_well(in_child([&] { EXPECT_EQ(shared.nonces.use("n", 1, 300, 0), NonceUse::accepted); })));
  EXPECT_EQ(shared.nonces.use("n", 1, 300, 0), NonceUse::replayed);
}

TEST(NonceTable, NeverAcceptsAgainWhatItHadToForget) {
  SharedState shared = make_shared_state();  // room for 512
  NonceTable& nonces = shared.nonces;
  for (int i = 0; i < 4000; ++i) ASSERT_NE(nonces.use(name(i), 1, 1000 + i, 10), NonceUse::replayed);
  int stale = 0;
  for (int i = 0; i < 4000; ++i) {
    const NonceUse again = nonces.use(name(i), 1, 1000 + i, 10);
    ASSERT_NE(again, NonceUse::accepted) << i;
    stale += again == NonceUse::stale;
  }
  EXPECT_GT(stale, 3000);
  EXPECT_EQ(nonces.use("a new one", 1, 9000, 10), NonceUse::accepted);
}

TEST(NonceTable, MakesRoomFromExpiredOnesWithoutForgettingOthers) {
  SharedState shared = make_shared_state();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(shared.nonces.use(name(i), 1, 100, 10), NonceUse::accepted) << i;
  for (int i = 1000; i < 1100; ++i) ASSERT_EQ(shared.nonces.use(name(i), 1, 300, 200), NonceUse::accepted) << i;
}

TEST(Quarantine, CountsStrikesUntilTheSourceHasBeenQuiet) {
  SharedState shared = make_shared_state();
  Quarantine& q = shared.quarantine;
  const Endpoint source = endpoint(9, 1000);
  EXPECT_EQ(q.strike(source, 100, 60), 1u);
  EXPECT_EQ(q.strike(endpoint(9, 2000), 130, 60), 2u) << "the port does not matter";
  EXPECT_EQ(q.strike(endpoint(10, 1000), 130, 60), 1u);
  EXPECT_EQ(q.strike(source, 190, 60), 3u);
  EXPECT_EQ(q.strike(source, 251, 60), 1u);
}

TEST(Quarantine, BlocksUntilTheTimeIsOverOrItIsLifted) {
  SharedState shared = make_shared_state();
  Quarantine& q = shared.quarantine;
  EXPECT_FALSE(q.is_blocked(endpoint(9, 1), 100));
  q.block(endpoint(9, 1), 100, 200);
  q.block(endpoint(10, 1), 100, 300);
  EXPECT_TRUE(q.is_blocked(endpoint(9, 77), 199));
  EXPECT_FALSE(q.is_blocked(endpoint(9, 77), 200));
  EXPECT_FALSE(q.is_blocked(endpoint(11, 1), 150));
  EXPECT_EQ(q.blocked(150).size(), 2u);
  ASSERT_EQ(q.blocked(250).size(), 1u);
  EXPECT_EQ(q.blocked(250)[0].address.address_text(), "10.0.0.10");
  q.lift(endpoint(10, 5));
  EXPECT_FALSE(q.is_blocked(endpoint(10, 1), 150));
}

TEST(Quarantine, CountsIpv6ByItsNetwork) {
  SharedState shared = make_shared_state();
  Endpoint host;
  host.family = AddressFamily::ipv6;
  host.address = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8};
  Endpoint neighbour = host;
  neighbour.address[15] = 99;
  Endpoint other_network = host;
  other_network.address[7] = 2;
  shared.quarantine.block(host, 0, 100);
  EXPECT_TRUE(shared.quarantine.is_blocked(neighbour, 50));
  EXPECT_FALSE(shared.quarantine.is_blocked(other_network, 50));
}

TEST(Quarantine, ForgetsWhoWasQuietLongestWhenThereAreTooMany) {
  SharedState shared = make_shared_state();  // room for 512
  Quarantine& q = shared.quarantine;
  q.block(endpoint(1, 1), 0, 100000);
  for (std::uint32_t host = 10; host < 5000; ++host) q.strike(endpoint(host, 1), host, 60);
  EXPECT_TRUE(q.is_blocked(endpoint(1, 1), 5000)) << "a block outlives a flood of strikes";
  EXPECT_EQ(q.strike(endpoint(10, 1), 60, 60), 1u) << "long forgotten";
}

}  // namespace
}  // namespace sipwsd::shm
