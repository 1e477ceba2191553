#include "shm/binding_table.h"

#include "tests/shm/shared_world.h"

#include <random>

namespace sipwsd::shm {
namespace {

using Names = std::set<std::string>;

class BindingTableTest : public ::testing::Test {
 protected:
  SharedState shared = make_shared_state();
  BindingTable& table = shared.bindings;
  BindingSnapshot snapshot;

  Names reachable(std::string_view aor, std::int64_t now) {
    table.lookup(aor, now, snapshot);
    Names names;
    for (const Binding& b : snapshot) names.emplace(b.contact);
    return names;
  }
  std::uint64_t serial_of(std::string_view aor, std::string_view contact) {
    table.snapshot(aor, snapshot);
    for (const Binding& b : snapshot)
      if (b.contact == contact) return b.serial;
    return 0;
  }
};

TEST_F(BindingTableTest, GivesBackAllThatWasSaved) {
  Binding saved = binding("sip:a@x.invalid;transport=ws", {ConnectionId{77}, w1}, 4000);
  saved.parameters = ";audio;+sip.ice";
  saved.instance = "<urn:uuid:0>";
  saved.received = "sip:10.0.0.1:5;transport=ws";
  saved.path = "<sip:edge;lr>";
  saved.to.remote = endpoint(5, 5060);
  saved.to.local = endpoint(1, 443);
  saved.reg_id = 2;
  saved.cseq = 4'000'000'000;
  saved.q = 500;
  saved.flags = 3;
  saved.methods = 0x1f;
  saved.updated_at = 55;
  ASSERT_TRUE(commit(table, "alice@example.org", {added(saved)}));

  table.snapshot("alice@example.org", snapshot);
  ASSERT_EQ(snapshot.size(), 1u);
  const Binding& got = snapshot[0];
  EXPECT_EQ(got.aor, "alice@example.org");
  EXPECT_EQ(got.contact, saved.contact);
  EXPECT_EQ(got.parameters, saved.parameters);
  EXPECT_EQ(got.instance, saved.instance);
  EXPECT_EQ(got.call_id, saved.call_id);
  EXPECT_EQ(got.received, saved.received);
  EXPECT_EQ(got.path, saved.path);
  EXPECT_EQ(got.user_agent, saved.user_agent);
  EXPECT_EQ(got.reg_id, 2u);
  EXPECT_EQ(got.cseq, 4'000'000'000u);
  EXPECT_EQ(got.q, 500);
  EXPECT_EQ(got.flags, 3);
  EXPECT_EQ(got.methods, 0x1fu);
  EXPECT_EQ(got.expires_at, 4000);
  EXPECT_EQ(got.updated_at, 55);
  EXPECT_EQ(got.to, saved.to);
  EXPECT_EQ(got.state, BindingState::active);
  EXPECT_NE(got.serial, 0u);
  EXPECT_EQ(table.blocks_in_use(), 1u);
}

TEST_F(BindingTableTest, AppliesAddReplaceAndRemoveAsOneChange) {
  ASSERT_TRUE(commit(table, "a", {added(binding("1")), added(binding("2")), added(binding("3"))}));
  ASSERT_TRUE(commit(table, "a",
                     {replaced(serial_of("a", "1"), binding("1new")), removed(serial_of("a", "2")),
                      added(binding("4"))}));
  EXPECT_EQ(contacts_of(table, "a"), (Names{"1new", "3", "4"}));
  EXPECT_EQ(table.contacts(), 3u);
  EXPECT_EQ(table.users(), 1u);
  EXPECT_EQ(table.blocks_in_use(), 3u);
}

TEST_F(BindingTableTest, RefusesAChangeWhoseSnapshotIsOld) {
  ASSERT_TRUE(commit(table, "a", {added(binding("1"))}));
  table.snapshot("a", snapshot);
  ASSERT_TRUE(commit(table, "a", {added(binding("2"))}, p1));

  const BindingChange late[] = {added(binding("3"))};
  EXPECT_TRUE(table.commit(p0, "a", snapshot.version(), late).is(Errc::exists));
  EXPECT_EQ(contacts_of(table, "a"), (Names{"1", "2"}));
  EXPECT_EQ(table.blocks_in_use(), 2u) << "what the refused change had prepared is given back";
}

TEST_F(BindingTableTest, RefusesAChangeToABindingThatIsNotThere) {
  ASSERT_TRUE(commit(table, "a", {added(binding("1"))}));
  EXPECT_TRUE(commit(table, "a", {added(binding("2")), removed(999)}).is(Errc::exists));
  const std::uint64_t serial = serial_of("a", "1");
  EXPECT_TRUE(commit(table, "a", {replaced(serial, binding("x")), removed(serial)}).is(Errc::malformed));
  EXPECT_EQ(contacts_of(table, "a"), (Names{"1"}));
  EXPECT_EQ(table.blocks_in_use(), 1u);
}

TEST_F(BindingTableTest, AnEmptyChangeOnlyAsksWhetherTheSnapshotIsStillTrue) {
  table.snapshot("a", snapshot);
  EXPECT_TRUE(table.commit(p0, "a", snapshot.version(), {}));
  ASSERT_TRUE(commit(table, "a", {added(binding("1"))}));
  EXPECT_TRUE(table.commit(p0, "a", snapshot.version(), {}).is(Errc::exists));
}

TEST_F(BindingTableTest, DoesNotChangeAnothersBindingOfTheSameBucket) {
  ASSERT_TRUE(commit(table, "a", {added(binding("1"))}));
  const std::uint64_t serial = serial_of("a", "1");
  for (int i = 0; i < 5000; ++i) {
    const std::string other = "other" + std::to_string(i);
    ASSERT_TRUE(commit(table, other, {removed(serial)}).is(Errc::exists));
  }
  EXPECT_EQ(contacts_of(table, "a"), (Names{"1"}));
}

TEST_F(BindingTableTest, TakesExactlyMaxBindingsAndAllOrNothingOfTheLastChange) {
  for (int i = 0; i < 62; ++i) ASSERT_TRUE(commit(table, "u" + std::to_string(i), {added(binding("c"))}));
  EXPECT_TRUE(commit(table, "last", {added(binding("1")), added(binding("2")), added(binding("3"))}).is(Errc::full));
  EXPECT_TRUE(contacts_of(table, "last").empty());
  EXPECT_TRUE(commit(table, "last", {added(binding("1")), added(binding("2"))}));
  EXPECT_TRUE(commit(table, "more", {added(binding("1"))}).is(Errc::full));
  EXPECT_EQ(table.contacts(), 64u);
  EXPECT_EQ(table.users(), 63u);
}

TEST_F(BindingTableTest, TakesTextsUpToTheLargestBlock) {
  const std::string large(3900, 'x'), too_large(4100, 'x');
  EXPECT_TRUE(commit(table, "a", {added(binding(large))}));
  EXPECT_EQ(contacts_of(table, "a"), Names{large});
  EXPECT_TRUE(commit(table, "b", {added(binding(too_large))}).is(Errc::too_large));
  const std::vector<BindingChange> many(33, added(binding("c")));
  EXPECT_TRUE(commit(table, "b", many).is(Errc::too_large));
  EXPECT_EQ(table.blocks_in_use(), 1u);
}

TEST_F(BindingTableTest, LooksUpOnlyWhatCanBeReachedNewestFirst) {
  Binding suspended = binding("suspended", {}, 0);
  suspended.state = BindingState::suspended;
  suspended.suspended_until = 500;
  ASSERT_TRUE(commit(table, "a", {added(binding("until1000", {}, 1000)), added(binding("until2000", {}, 2000)),
                                  added(binding("forever", {}, 0)), added(suspended)}));
  EXPECT_EQ(reachable("a", 999), (Names{"until1000", "until2000", "forever"}));
  EXPECT_EQ(reachable("a", 1000), (Names{"until2000", "forever"}));
  EXPECT_EQ(reachable("a", 99999), (Names{"forever"}));
  EXPECT_EQ(reachable("A", 0), Names{}) << "addresses of record are compared as given";

  ASSERT_TRUE(commit(table, "a", {added(binding("newest", {}, 0))}));
  table.lookup("a", 0, snapshot);
  EXPECT_EQ(snapshot[0].contact, "newest");
}

TEST_F(BindingTableTest, DropsAllBindingsOfOneFlow) {
  const Flow gone{ConnectionId{7}, w1}, stays{ConnectionId{8}, w1};
  ASSERT_TRUE(commit(table, "a", {added(binding("1", gone)), added(binding("2", stays)), added(binding("3", gone))}));
  ASSERT_TRUE(commit(table, "b", {added(binding("4", gone))}));

  EXPECT_EQ(table.drop_flow(p1, "a", gone, FlowLoss::remove), 2u);
  EXPECT_EQ(contacts_of(table, "a"), Names{"2"});
  EXPECT_EQ(contacts_of(table, "b"), Names{"4"}) << "another address of record";
  EXPECT_EQ(table.drop_flow(p1, gone, FlowLoss::remove), 1u);
  EXPECT_EQ(contacts_of(table, "b"), Names{});
  EXPECT_EQ(table.users(), 1u);
  EXPECT_EQ(table.blocks_in_use(), 1u);
}

TEST_F(BindingTableTest, DropsMoreThanOneChangeCanHold) {
  const Flow gone{ConnectionId{7}, w1};
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(commit(table, "a", {added(binding("c" + std::to_string(i), gone))}));
  EXPECT_EQ(table.drop_flow(p1, "a", gone, FlowLoss::remove), 60u);
  EXPECT_EQ(table.contacts(), 0u);
}

TEST_F(BindingTableTest, SuspendsInsteadAndCountsOnlyThoseThatWereActive) {
  const Flow gone{ConnectionId{7}, w1};
  ASSERT_TRUE(commit(table, "a", {added(binding("1", gone)), added(binding("2"))}));
  table.snapshot("a", snapshot);
  EXPECT_EQ(table.drop_flow(p1, "a", gone, FlowLoss::suspend(100)), 1u);
  EXPECT_EQ(table.drop_flow(p1, "a", gone, FlowLoss::suspend(100)), 0u);
  EXPECT_EQ(table.drop_flow(p1, gone, FlowLoss::suspend(100)), 0u);
  EXPECT_EQ(reachable("a", 0), Names{"2"});
  EXPECT_EQ(contacts_of(table, "a"), (Names{"1", "2"}));
  const BindingChange late[] = {added(binding("3"))};
  EXPECT_TRUE(table.commit(p0, "a", BindingSnapshot{}.version(), late).is(Errc::exists)) << "a suspension is a change";
}

TEST_F(BindingTableTest, ExpectsASuspendedClientBackUntilItsDeadlineOrItsExpiry) {
  const Flow gone{ConnectionId{7}, w1};
  ASSERT_TRUE(commit(table, "a", {added(binding("long", gone, 1000)), added(binding("short", gone, 50)), added(binding("here", {}, 1000))}));
  EXPECT_EQ(table.drop_flow(p1, "a", gone, FlowLoss::suspend(100)), 2u);
  const auto expected = [&](std::int64_t now) {
    table.lookup("a", now, snapshot, Suspended::included);
    Names names;
    for (const Binding& b : snapshot) names.emplace(b.contact);
    return names;
  };
  EXPECT_EQ(expected(49), (Names{"long", "short", "here"}));
  EXPECT_EQ(expected(99), (Names{"long", "here"}));
  EXPECT_EQ(expected(100), Names{"here"});

  std::uint32_t cursor = 0;
  EXPECT_EQ(table.expire(p0, 99, cursor, 1000, snapshot), 1u);
  EXPECT_EQ(table.expire(p0, 100, cursor, 1000, snapshot), 1u);
  EXPECT_EQ(contacts_of(table, "a"), Names{"here"});
}

TEST_F(BindingTableTest, MakesABindingActiveAgainByReplacingIt) {
  const Flow gone{ConnectionId{7}, w1}, back{ConnectionId{8}, w0};
  ASSERT_TRUE(commit(table, "a", {added(binding("1", gone))}));
  table.drop_flow(p1, "a", gone, FlowLoss::suspend(100));
  ASSERT_TRUE(commit(table, "a", {replaced(serial_of("a", "1"), binding("1", back))}));
  std::uint32_t cursor = 0;
  EXPECT_EQ(table.expire(p0, 500, cursor, 1000, snapshot), 0u) << "its deadline is forgotten";
  EXPECT_EQ(reachable("a", 500), Names{"1"});
}

TEST_F(BindingTableTest, NamesAClientByItsAddressOfRecordAndItsInstanceOrElseItsContact) {
  const ClientId client = table.client_id("a", "urn:uuid:1", "sip:x");
  EXPECT_EQ(client, table.client_id("a", "urn:uuid:1", "sip:y"));
  EXPECT_NE(client, table.client_id("b", "urn:uuid:1", "sip:x"));
  EXPECT_NE(client, table.client_id("a", "urn:uuid:2", "sip:x"));
  EXPECT_NE(client, table.client_id("a", "", "sip:x"));
  EXPECT_NE(table.client_id("a", "", "sip:x"), table.client_id("a", "", "sip:y"));
  EXPECT_NE(client, make_shared_state().bindings.client_id("a", "urn:uuid:1", "sip:x")) << "keyed: nobody can foresee it";
  std::set<ClientId> all;
  for (int i = 0; i < 1000; ++i) {
    all.insert(table.client_id("u" + std::to_string(i), "", "sip:x"));
    all.insert(table.client_id("a", "", "sip:" + std::to_string(i)));
  }
  EXPECT_EQ(all.size(), 2000u);
  EXPECT_FALSE(all.contains(ClientId::none));
}

TEST_F(BindingTableTest, FindsAClientWhereItIsNow) {
  Binding first = binding("1", {ConnectionId{1}, w0}, 1000), second = binding("2", {ConnectionId{2}, w1}, 800), other = binding("3");
  first.instance = second.instance = "urn:uuid:1";
  other.instance = "urn:uuid:2";
  const ClientId client = table.client_id("a", "urn:uuid:1", "");
  EXPECT_EQ(table.find_client(client, 0, snapshot), nullptr);
  ASSERT_TRUE(commit(table, "a", {added(first)}));
  ASSERT_TRUE(commit(table, "a", {added(second)}));
  ASSERT_TRUE(commit(table, "a", {added(other)}));
  const auto found = [&](std::int64_t now) {
    const Binding* b = table.find_client(client, now, snapshot);
    if (b == nullptr) return std::string("nobody");
    EXPECT_EQ(b->client, client);
    EXPECT_EQ(b->aor, "a");
    return std::string(b->contact) + (b->state == BindingState::active ? "" : " until " + std::to_string(b->suspended_until));
  };
  EXPECT_EQ(found(0), "2") << "the newest";
  EXPECT_EQ(found(800), "1") << "that has not expired";
  table.drop_flow(p0, second.to.flow, FlowLoss::suspend(200));
  EXPECT_EQ(found(0), "1") << "active before suspended";
  table.drop_flow(p0, first.to.flow, FlowLoss::suspend(100));
  EXPECT_EQ(found(0), "2 until 200") << "the one that waits longest";
  EXPECT_EQ(found(200), "nobody");
  EXPECT_EQ(table.find_client(ClientId::none, 0, snapshot), nullptr);
}

TEST_F(BindingTableTest, FindsEachOfManyClients) {
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(commit(table, "u" + std::to_string(i % 20), {added(binding("c" + std::to_string(i)))}));
  for (int i = 0; i < 60; ++i) {
    const auto contact = "c" + std::to_string(i);
    const Binding* b = table.find_client(table.client_id("u" + std::to_string(i % 20), "", contact), 0, snapshot);
    ASSERT_NE(b, nullptr) << contact;
    EXPECT_EQ(b->contact, contact);
  }
}

TEST_F(BindingTableTest, KeepsTheAddressesOfABindingThatLeadsAlongNoFlow) {
  Binding b = binding("1");
  b.to = {.flow = {}, .remote = endpoint(9, 40'000, TransportProtocol::udp), .local = endpoint(1, 5060, TransportProtocol::udp)};
  ASSERT_TRUE(commit(table, "a", {added(b)}));
  EXPECT_EQ(table.drop_flow(p0, Flow{}, FlowLoss::remove), 0u) << "no connection is none to lose";
  table.lookup("a", 0, snapshot);
  ASSERT_EQ(snapshot.size(), 1u);
  EXPECT_EQ(snapshot[0].to, b.to);
}

TEST_F(BindingTableTest, DropsTheBindingsOfADeadWorkerButNotThoseWithoutAFlow) {
  ASSERT_TRUE(commit(table, "a", {added(binding("1", {ConnectionId{1}, w1})), added(binding("2", {ConnectionId{2}, w0})),
                                  added(binding("3"))}));
  EXPECT_EQ(table.drop_owner(p2, w1, FlowLoss::remove), 1u);
  EXPECT_EQ(contacts_of(table, "a"), (Names{"2", "3"}));
}

TEST_F(BindingTableTest, RemovesWhatHasExpiredStepByStep) {
  for (int i = 0; i < 20; ++i)
    ASSERT_TRUE(commit(table, "u" + std::to_string(i), {added(binding("c", {}, i < 12 ? 500 : 5000))}));
  Names expired;
  std::uint32_t cursor = 0;
  int calls = 0;
  do {
    table.expire(p0, 500, cursor, 7, snapshot);
    for (const Binding& b : snapshot) expired.emplace(b.aor);
    ++calls;
  } while (cursor != 0);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(expired.size(), 12u);
  EXPECT_EQ(table.contacts(), 8u);
  EXPECT_EQ(table.blocks_in_use(), 8u);
}

TEST_F(BindingTableTest, ExpiresMoreThanOneBufferHolds) {
  const std::string large(3000, 'x');
  int many = 0;
  while (commit(table, "u" + std::to_string(many), {added(binding(large))})) ++many;
  ASSERT_GE(many, 16);
  for (int i = 0; many + i < 60; ++i)
    ASSERT_TRUE(commit(table, "s" + std::to_string(i), {added(binding("short"))}));
  const std::uint32_t before = table.contacts();
  std::uint32_t cursor = 0;
  std::size_t expired = 0;
  do expired += table.expire(p0, 5000, cursor, 1000, snapshot);
  while (cursor != 0);
  EXPECT_EQ(expired, before);
  EXPECT_EQ(table.contacts(), 0u);
}

TEST_F(BindingTableTest, CopiesEachBindingOnceByStripes) {
  for (int i = 0; i < 60; ++i)
    ASSERT_TRUE(commit(table, "u" + std::to_string(i % 40), {added(binding("c" + std::to_string(i)))}));
  Names all;
  for (std::uint32_t s = 0; s < BindingTable::stripes(); ++s) {
    table.copy_stripe(s, snapshot);
    for (const Binding& b : snapshot) EXPECT_TRUE(all.emplace(b.contact).second);
  }
  EXPECT_EQ(all.size(), 60u);
  EXPECT_EQ(table.users(), 40u);
}

TEST_F(BindingTableTest, StaysSoundWhileFourProcessesChangeTheSameUsers) {
  std::vector<pid_t> children;
  for (std::uint16_t slot = 0; slot < 4; ++slot)
    children.push_back(start_child([&, slot] {
      std::minstd_rand random(slot + 1);
      BindingSnapshot now;
      const ProcessSlot self{slot};
      const Flow flow{ConnectionId{slot + 1u}, WorkerSlot{slot}};
      for (int i = 0; i < 4000; ++i) {
        const std::string aor = "u" + std::to_string(random() % 6);
        table.snapshot(aor, now);
        std::vector<BindingChange> changes;
        for (const Binding& b : now) {
          ASSERT_EQ(b.aor, aor);
          ASSERT_EQ(b.contact, "sip:" + std::to_string(number(b.to.flow.connection)) + "@" + aor);
          if (random() % 2 == 0) changes.push_back(removed(b.serial));
        }
        const std::string contact = "sip:" + std::to_string(slot + 1) + "@" + aor;
        if (now.size() < 4) changes.push_back(added(binding(contact, flow)));
        if (changes.empty()) continue;
        const auto done = table.commit(self, aor, now.version(), changes);
        ASSERT_TRUE(done || done.is(Errc::exists));
      }
      table.drop_flow(self, flow, FlowLoss::remove);
    }));
  for (const pid_t child : children) EXPECT_TRUE(ended_well(wait_for(child)));
  EXPECT_EQ(table.contacts(), 0u);
  EXPECT_EQ(table.users(), 0u);
  EXPECT_EQ(table.blocks_in_use(), 0u);
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(commit(table, "u" + std::to_string(i), {added(binding("c"))})) << i;
}

TEST(SlabPool, GivesTheSmallestBlockThatFitsAndTheNextClassWhenThatIsUsedUp) {
  const Limits limits = small_limits();
  auto segment = Segment::create(SlabPool::bytes_needed(limits), 1);
  ASSERT_TRUE(segment);
  SlabPool pool = SlabPool::construct(*segment, limits);
  EXPECT_TRUE(pool.reserve(p0, 4097).is(Errc::too_large));
  std::set<const std::byte*> places;
  for (int i = 0; i < 64; ++i) {
    const auto block = pool.reserve(p0, 512);
    ASSERT_TRUE(block);
    ASSERT_EQ(pool.bytes(*block).size(), 512u);
    ASSERT_TRUE(places.insert(pool.bytes(*block).data()).second);
  }
  const auto larger = pool.reserve(p0, 1);
  ASSERT_TRUE(larger);
  EXPECT_EQ(pool.bytes(*larger).size(), 1024u);
  EXPECT_EQ(pool.in_use(), 65u);
}

TEST(SlabPool, FreesWhatADeadProcessHadReservedAndNothingElse) {
  const Limits limits = small_limits();
  auto segment = Segment::create(SlabPool::bytes_needed(limits), 1);
  ASSERT_TRUE(segment);
  SlabPool pool = SlabPool::construct(*segment, limits);
  const auto used = pool.reserve(p1, 100), reserved = pool.reserve(p1, 3000), anothers = pool.reserve(p0, 100);
  ASSERT_TRUE(used && reserved && anothers);
  pool.keep(*used);
  EXPECT_EQ(pool.release_of(p1), 1u);
  EXPECT_EQ(pool.in_use(), 2u);
  pool.give_up(*used, p1);
  EXPECT_EQ(pool.release_of(p1), 1u);
  EXPECT_EQ(pool.in_use(), 1u);
}

}  // namespace
}  // namespace sipwsd::shm
