#include "shm/address_table.h"

#include "shm/kill_point.h"
#include "shm/reap.h"

#include "tests/shm/shared_world.h"

namespace sipwsd::shm {
namespace {

using namespace std::chrono_literals;
using Outcome = AddressTable::Outcome;

class AddressTableTest : public ::testing::Test {
 protected:
  AddressTable::Answer arrive(std::uint32_t host, WorkerSlot worker = w0, base::TimePoint now = start) {
    return addresses.arrive(endpoint(host, 1000), worker, now, limits);
  }

  static constexpr base::TimePoint start{1000s};
  AddressLimits limits{.max_connections = 3, .handshakes = {.per_second = 10, .burst = 5}};
  SharedState shared = make_shared_state();
  AddressTable& addresses = shared.addresses;
};

TEST_F(AddressTableTest, CountsTheConnectionsOfAnAddressInAllWorkers) {
  const auto first = arrive(9, w0);
  EXPECT_EQ(first.outcome, Outcome::counted);
  EXPECT_EQ(arrive(9, w1).outcome, Outcome::counted);
  EXPECT_EQ(arrive(9, w2).outcome, Outcome::counted);
  EXPECT_EQ(addresses.connections(endpoint(9, 7)), 3u) << "whatever their ports";
  EXPECT_EQ(arrive(9, w0).outcome, Outcome::too_many);
  EXPECT_EQ(arrive(10, w0).outcome, Outcome::counted);

  addresses.leave(first.place, w0);
  EXPECT_EQ(arrive(9, w1).outcome, Outcome::counted);
  EXPECT_EQ(addresses.connections(endpoint(9, 7)), 3u);
  EXPECT_EQ(addresses.connections(endpoint(11, 7)), 0u);
}

TEST_F(AddressTableTest, SlowsDownWhoConnectsTooFast) {
  limits.max_connections = 0;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(arrive(9, i % 2 == 0 ? w0 : w1).outcome, Outcome::counted);
  const auto refused = arrive(9);
  EXPECT_EQ(refused.outcome, Outcome::too_fast);
  EXPECT_EQ(refused.place, AddressPlace::none);
  EXPECT_EQ(refused.wait, 100ms);
  EXPECT_EQ(arrive(10).outcome, Outcome::counted);
  EXPECT_EQ(arrive(9, w0, start + 100ms).outcome, Outcome::counted);
  EXPECT_EQ(arrive(9, w0, start + 100ms).outcome, Outcome::too_fast);
  EXPECT_EQ(addresses.connections(endpoint(9, 1)), 6u);
}

TEST_F(AddressTableTest, LimitsNothingThatIsZero) {
  limits = {};
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(arrive(9).outcome, Outcome::counted);
}

TEST_F(AddressTableTest, CountsIpv6ByItsNetwork) {
  Endpoint host;
  host.family = AddressFamily::ipv6;
  host.address = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1};
  for (std::uint8_t i = 0; i < 3; ++i) {
    host.address[15] = i;
    EXPECT_EQ(addresses.arrive(host, w0, start, limits).outcome, Outcome::counted);
  }
  EXPECT_EQ(addresses.arrive(host, w0, start, limits).outcome, Outcome::too_many);
  host.address[7] = 2;
  EXPECT_EQ(addresses.arrive(host, w0, start, limits).outcome, Outcome::counted);
}

TEST_F(AddressTableTest, KnowsNothingOfWhoHasNoAddress) {
  const auto answer = addresses.arrive(Endpoint{}, w0, start, limits);
  EXPECT_EQ(answer.outcome, Outcome::uncounted);
  addresses.leave(answer.place, w0);
  EXPECT_EQ(addresses.connections(Endpoint{}), 0u);
}

TEST_F(AddressTableTest, GivesThePlaceOfWhoLeftToOthersOnceItsBucketIsFull) {
  for (std::uint32_t host = 1; host < 20'000; ++host) {
    const auto answer = arrive(host, w0, start + std::chrono::seconds{host});
    ASSERT_EQ(answer.outcome, Outcome::counted) << host;
    addresses.leave(answer.place, w0);
  }
}

TEST_F(AddressTableTest, SaysWhenItHasNoRoomAndForgetsNobodyForIt) {
  std::uint32_t host = 1, uncounted = 0;
  for (; host < 10 * addresses.capacity(); ++host) uncounted += arrive(host).outcome == Outcome::uncounted;
  EXPECT_GT(uncounted, 0u);
  EXPECT_EQ(host - 1 - uncounted, addresses.capacity()) << "every place is taken";
  std::size_t known = 0;
  for (host = 1; host < 10 * addresses.capacity(); ++host) known += addresses.connections(endpoint(host, 1));
  EXPECT_EQ(known, addresses.capacity());
}

TEST_F(AddressTableTest, HasRoomForAsManyAddressesAsThereMayBeConnections) {
  std::uint32_t uncounted = 0;
  for (std::uint32_t host = 1; host <= addresses.capacity() / 2; ++host) uncounted += arrive(host).outcome == Outcome::uncounted;
  EXPECT_LE(uncounted, addresses.capacity() / 200);
}

TEST_F(AddressTableTest, ForgetsWhatADeadWorkerHadCounted) {
  for (int death = 0; death < 3; ++death)
    ASSERT_TRUE(was_killed(in_child([&] {
      arrive(9, w1);
      arrive(10, w1);
      arm_kill_point(KillPoint::address_counted);
      arrive(11, w1);
    })));
  arrive(10, w0);
  EXPECT_EQ(addresses.connections(endpoint(10, 1)), 3u) << "the limit";
  reap(shared, p1, w0, FlowLoss::remove);
  EXPECT_EQ(addresses.connections(endpoint(9, 1)), 0u);
  EXPECT_EQ(addresses.connections(endpoint(10, 1)), 0u) << "the fourth was one too many";
  EXPECT_EQ(arrive(10, w0).outcome, Outcome::counted);
  EXPECT_EQ(addresses.connections(endpoint(10, 1)), 1u);
}

TEST_F(AddressTableTest, LosesNoCountWhileWorkersComeGoAndAreKilled) {
  limits.max_connections = 0;
  limits.handshakes = {};
  const auto kept = arrive(1, w0);
  ASSERT_EQ(kept.outcome, Outcome::counted);
  for (int round = 0; round < 20; ++round) {
    const pid_t child = start_child([&] {
      for (std::uint32_t n = 0;; ++n) {
        const auto answer = arrive(n % 300, w1, start + std::chrono::milliseconds{n});
        if (n % 3 != 0) addresses.leave(answer.place, w1);
        if (n == 2000) shared.counters.row(p1).add(Counter::rcv_requests);
      }
    });
    while (shared.counters.of(p1, Counter::rcv_requests) <= static_cast<std::uint64_t>(round)) ::sched_yield();
    ::kill(child, SIGKILL);
    ASSERT_TRUE(was_killed(wait_for(child)));
    reap(shared, p1, w0, FlowLoss::remove);
    std::uint32_t sum = 0;
    for (std::uint32_t host = 0; host < 300; ++host) sum += addresses.connections(endpoint(host, 1));
    ASSERT_EQ(sum, 1u);
  }
  addresses.leave(kept.place, w0);
  EXPECT_EQ(addresses.connections(endpoint(1, 1)), 0u);
}

}  // namespace
}  // namespace sipwsd::shm
