#include "shm/nonce_table.h"

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

}  // namespace
}  // namespace sipwsd::shm
