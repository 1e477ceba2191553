#include "src/net/admission.h"

#include <gtest/gtest.h>

#include "tests/support/addresses.h"
#include "tests/support/private_segment.h"

namespace sipwsd::net {
namespace {

using namespace std::chrono_literals;
using shm::BanReason;
using shm::Counter;
using test::at;

class AdmissionTest : public ::testing::Test {
 protected:
  AdmissionTest() {
    settings.max_connections_per_address = 3;
    settings.handshake_rate = 10;
    settings.handshake_burst = 5;
    settings.trusted_proxies = *base::Networks::parse("10.0.0.0/8");
  }
  Verdict arrive(const char* address) { return worker0.arrive(guests.emplace_back(), at(address, 1000), now); }
  Admission admission(std::uint16_t worker) {
    return Admission(settings, *segment, segment->counters.row(shm::ProcessSlot{worker}), WorkerSlot{worker});
  }
  std::uint64_t count(Counter counter) { return segment->value(counter); }

  config::Settings settings;
  test::PrivateSegment segment;
  base::TimePoint now{1000s};
  Admission worker0 = admission(0), worker1 = admission(1);
  std::vector<Guest> guests;
  static constexpr const char *anne = "203.0.113.9", *bert = "203.0.113.10";
};

TEST_F(AdmissionTest, WelcomesUpToSoManyOfAnAddressInAllWorkers) {
  Guest elsewhere;
  EXPECT_EQ(worker1.arrive(elsewhere, at(anne, 7), now), Verdict::welcome);
  EXPECT_EQ(arrive(anne), Verdict::welcome);
  EXPECT_EQ(arrive(anne), Verdict::welcome);
  EXPECT_EQ(arrive(anne), Verdict::too_many);
  EXPECT_FALSE(guests.back().is_in());
  EXPECT_EQ(count(Counter::address_refusals), 1u);
  EXPECT_EQ(arrive(bert), Verdict::welcome);

  now += 1s;
  worker1.left(elsewhere);
  worker1.left(elsewhere);
  EXPECT_EQ(arrive(anne), Verdict::welcome);
  EXPECT_EQ(arrive(anne), Verdict::too_many) << "leaving twice is leaving once";
}

TEST_F(AdmissionTest, SlowsDownWhoComesTooFast) {
  settings.max_connections_per_address = 0;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(arrive(anne), Verdict::welcome);
  EXPECT_EQ(arrive(anne), Verdict::too_fast);
  EXPECT_EQ(arrive(bert), Verdict::welcome);
  EXPECT_EQ(count(Counter::handshake_rate_refusals), 1u);
  EXPECT_EQ(worker0.retry_after(Verdict::too_fast), 1s);
  EXPECT_EQ(worker0.retry_after(Verdict::too_many), settings.retry_after);
  now += 100ms;
  EXPECT_EQ(arrive(anne), Verdict::welcome);
}

TEST_F(AdmissionTest, NeitherCountsNorSlowsExemptNetworksAndProxies) {
  for (const char* address : {"127.0.0.1", "::1", "10.1.2.3", "::ffff:10.1.2.3"})
    for (int i = 0; i < 20; ++i) EXPECT_EQ(arrive(address), Verdict::welcome);
  EXPECT_EQ(segment->addresses.connections(at("127.0.0.1", 0)), 0u);
  for (Guest& guest : guests) worker0.left(guest);
}

TEST_F(AdmissionTest, JudgesWhoIsBehindAProxyByTheRealAddress) {
  settings.max_connections_per_address = 1;
  for (int i = 0; i < 2; ++i) {
    Guest& guest = guests.emplace_back();
    EXPECT_EQ(worker0.arrive(guest, at("10.0.0.1", 4000), now), Verdict::welcome);
    EXPECT_EQ(worker0.arrive(guest, at(anne, 4000), now), i == 0 ? Verdict::welcome : Verdict::too_many);
    EXPECT_EQ(count(Counter::unregistered_connections), static_cast<std::uint64_t>(i) + 1) << "one guest, counted once";
  }
  EXPECT_EQ(segment->addresses.connections(at(anne, 0)), 1u);
  for (Guest& guest : guests) worker0.left(guest);
  EXPECT_EQ(segment->addresses.connections(at(anne, 0)), 0u);
  EXPECT_EQ(count(Counter::unregistered_connections), 0u);
}

TEST_F(AdmissionTest, RefusesWhenTooManyHaveNotRegistered) {
  settings.max_unregistered = 2;
  Guest elsewhere;
  EXPECT_EQ(worker1.arrive(elsewhere, at(bert, 1), now), Verdict::welcome);
  EXPECT_EQ(arrive(anne), Verdict::welcome);
  EXPECT_EQ(count(Counter::unregistered_connections), 2u);
  EXPECT_EQ(arrive(anne), Verdict::too_unregistered);
  EXPECT_EQ(arrive("127.0.0.1"), Verdict::welcome) << "exempt, but it counts";
  EXPECT_EQ(count(Counter::unregistered_connections), 3u);

  worker0.registered(guests[0]);
  worker0.registered(guests[0]);
  EXPECT_TRUE(guests[0].is_registered());
  worker0.left(guests.back());
  EXPECT_EQ(count(Counter::unregistered_connections), 1u);
  EXPECT_EQ(arrive(anne), Verdict::welcome);
  EXPECT_EQ(arrive(anne), Verdict::too_unregistered);

  worker1.left(elsewhere);
  worker0.left(guests[0]);
  EXPECT_EQ(count(Counter::unregistered_connections), 1u) << "who had registered is not subtracted again";
  EXPECT_EQ(count(Counter::unregistered_refusals), 2u);
}

TEST_F(AdmissionTest, JudgesTheUnregisteredBehindAProxyToo) {
  settings.max_unregistered = 1;
  Guest first, second;
  EXPECT_EQ(worker0.arrive(first, at("10.0.0.1", 1), now), Verdict::welcome);
  EXPECT_EQ(worker0.arrive(first, at(anne, 1), now), Verdict::welcome) << "it is not one too many for itself";
  EXPECT_EQ(worker0.arrive(second, at("10.0.0.1", 2), now), Verdict::welcome);
  EXPECT_EQ(worker0.arrive(second, at(bert, 1), now), Verdict::too_unregistered);
}

TEST_F(AdmissionTest, RefusesEverybodyWhenTheTableIsFull) {
  for (std::uint32_t id = 1; id <= segment->connections.capacity(); ++id)
    ASSERT_TRUE(segment->connections.insert({.id = ConnectionId{id}, .local = {}, .remote = at(bert, 1), .owner = WorkerSlot{0}}));
  EXPECT_EQ(arrive(anne), Verdict::full);
  EXPECT_EQ(arrive("127.0.0.1"), Verdict::full);
  EXPECT_EQ(count(Counter::full_table_refusals), 2u);
}

TEST_F(AdmissionTest, RefusesEverybodyWhenMemoryIsShort) {
  segment->memory->set_short(true);
  EXPECT_EQ(arrive(anne), Verdict::memory_short);
  EXPECT_EQ(arrive("127.0.0.1"), Verdict::memory_short);
  EXPECT_EQ(count(Counter::memory_refusals), 2u);
  segment->memory->set_short(false);
  EXPECT_EQ(arrive(anne), Verdict::welcome);
}

TEST_F(AdmissionTest, BansWhoDoesWhatItShouldNotOftenEnough) {
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(worker0.strike(at(anne, 1), BanReason::malformed_http, now)) << "two each";
  EXPECT_FALSE(worker1.strike(at(anne, 2), BanReason::tls_failure, now));
  EXPECT_EQ(arrive(anne), Verdict::welcome);
  EXPECT_TRUE(worker1.strike(at(anne, 3), BanReason::tls_failure, now));

  EXPECT_EQ(arrive(anne), Verdict::banned);
  EXPECT_EQ(arrive(bert), Verdict::welcome);
  EXPECT_EQ(count(Counter::strikes), 10u);
  EXPECT_EQ(count(Counter::bans_made), 1u);
  EXPECT_EQ(count(Counter::banned_refusals), 1u);
  now += settings.ban_time;
  EXPECT_EQ(arrive(anne), Verdict::welcome);
}

TEST_F(AdmissionTest, ForgivesWhatIsLongAgo) {
  for (int i = 0; i < 30; ++i, now += 7s) EXPECT_FALSE(worker0.strike(at(anne, 1), BanReason::auth_failure, now));
  EXPECT_EQ(arrive(anne), Verdict::welcome);
}

TEST_F(AdmissionTest, NeverBansProxiesAndExemptNetworks) {
  for (const char* address : {"127.0.0.1", "10.0.0.1"}) {
    for (int i = 0; i < 100; ++i) EXPECT_FALSE(worker0.strike(at(address, 1), BanReason::ping_flood, now));
    EXPECT_EQ(arrive(address), Verdict::welcome);
  }
  EXPECT_EQ(count(Counter::strikes), 0u);
  EXPECT_TRUE(segment->bans.bans(1000).empty());
}

TEST_F(AdmissionTest, WelcomesAProxyThatWasBannedBeforeItWasTrusted) {
  segment->bans.ban({at(anne, 0), BanReason::by_operator, 0, 1000, 9000});
  EXPECT_EQ(arrive(anne), Verdict::banned);
  settings.trusted_proxies = *base::Networks::parse(anne);
  EXPECT_EQ(arrive(anne), Verdict::welcome);
}

TEST_F(AdmissionTest, HasAWeightForEveryReason) {
  settings.ban_strikes = 1'000'000;
  for (std::size_t i = 2; i < static_cast<std::size_t>(BanReason::count); ++i) {
    const auto before = count(Counter::strikes);
    EXPECT_FALSE(worker0.strike(at(anne, 1), static_cast<BanReason>(i), now));
    EXPECT_GT(count(Counter::strikes), before) << name(static_cast<BanReason>(i));
  }
  EXPECT_FALSE(worker0.strike(at(anne, 1), BanReason::none, now));
  EXPECT_FALSE(worker0.strike(at(anne, 1), BanReason::by_operator, now)) << "an operator bans, he does not strike";
}

TEST_F(AdmissionTest, CountsWhoComesWhenTheTableOfAddressesHasNoRoom) {
  std::uint64_t uncounted = 0;
  for (std::uint32_t host = 0; uncounted == 0; ++host) {
    ASSERT_LT(host, 1'000'000u);
    Endpoint somebody = at("172.16.0.0", 1);
    somebody.address = {172, static_cast<std::uint8_t>(host >> 16), static_cast<std::uint8_t>(host >> 8), static_cast<std::uint8_t>(host)};
    Guest guest;
    ASSERT_EQ(worker0.arrive(guest, somebody, now), Verdict::welcome);
    uncounted = count(Counter::address_table_full);
  }
}

TEST(Refusals, SayWhatIsDone) {
  EXPECT_TRUE(refusal_of(Verdict::banned).is_silent);
  EXPECT_EQ(refusal_of(Verdict::too_many).status, http::Status::too_many_requests);
  EXPECT_EQ(refusal_of(Verdict::memory_short).status, http::Status::service_unavailable);
  EXPECT_EQ(refusal_of(Verdict::too_fast).word, "handshake_rate");
}

}  // namespace
}  // namespace sipwsd::net
