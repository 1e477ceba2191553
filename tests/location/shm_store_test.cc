#include "src/location/shm_store.h"

#include <algorithm>

#include "tests/location/location_fixture.h"

namespace sipwsd::location {
namespace {

using Strings = std::vector<std::string>;

class ShmStoreTest : public LocationTest {
 protected:
  Strings found(std::string_view aor = "alice@example.org") {
    Strings out;
    for (const auto& target : store.lookup(aor)) out.push_back(target.request_uri + " " + std::to_string(target.q));
    return out;
  }
  void bind(const char* user, const char* contact, unsigned cseq = 1, Flow over = flow) {
    ASSERT_EQ(ask({.lines = {std::string("Contact: ") + contact}, .cseq = cseq, .to = std::string("<sip:") + user + "@example.org>"}, over).status, 200);
  }
};

TEST_F(ShmStoreTest, FindsTargetsByQThenTheNewestFirst) {
  bind("alice", "<sip:low@x.invalid>;q=0.1", 1);
  bind("alice", "<sip:old@x.invalid>;q=0.5", 2);
  bind("alice", "<sip:unsaid@x.invalid>", 3);
  bind("alice", "<sip:new@x.invalid>;q=0.5", 4);
  EXPECT_EQ(found(), (Strings{"sip:unsaid@x.invalid 1000", "sip:new@x.invalid 500", "sip:old@x.invalid 500", "sip:low@x.invalid 100"}));
}

TEST_F(ShmStoreTest, FindsNobodyWhoHasExpired) {
  bind("alice", "<sip:short@x.invalid>;expires=60", 1);
  bind("alice", "<sip:long@x.invalid>;expires=120", 2);
  pass(60);
  EXPECT_EQ(found(), Strings{"sip:long@x.invalid 1000"});
  pass(60);
  EXPECT_EQ(found(), Strings{});
  EXPECT_EQ(store.reachable(10), Strings{});
}

TEST_F(ShmStoreTest, LeadsOverTheFlowTheBindingCameOn) {
  bind("alice", "<sip:a@x.invalid>", 1, other_flow);
  EXPECT_EQ(store.lookup("alice@example.org").at(0).to.flow, other_flow);
  EXPECT_TRUE(store.lookup("alice@example.org").at(0).next_hop.empty());
}

TEST_F(ShmStoreTest, DropsTheBindingsOfAFlowAndOfNoOther) {
  bind("alice", "<sip:a@x.invalid>", 1, flow);
  bind("alice", "<sip:b@x.invalid>", 2, other_flow);
  bind("bob", "<sip:c@x.invalid>", 1, flow);
  bind("carol", "<sip:d@x.invalid>", 1, flow);
  const Strings aors{"alice@example.org", "bob@example.org", "nobody@example.org"};
  EXPECT_EQ(store.drop_flow(flow, aors, shm::FlowLoss::remove), 2u);
  EXPECT_EQ(found(), Strings{"sip:b@x.invalid 1000"});
  EXPECT_EQ(found("bob@example.org"), Strings{});
  EXPECT_EQ(found("carol@example.org").size(), 1u) << "nobody said that she is on it";
  EXPECT_EQ(store.drop_flow(flow, aors, shm::FlowLoss::remove), 0u);
}

TEST_F(ShmStoreTest, NamesAClientThatIsExpectedBackWithoutAWayToIt) {
  bind("alice", "<sip:a@x.invalid>;q=0.5", 1, flow);
  bind("alice", "<sip:b@x.invalid>;q=0.1", 2, other_flow);
  const Strings aors{"alice@example.org"};
  EXPECT_EQ(store.drop_flow(flow, aors, shm::FlowLoss::suspend(now + 30)), 1u);

  const auto targets = store.lookup("alice@example.org");
  ASSERT_EQ(targets.size(), 2u);
  EXPECT_EQ(targets[0].request_uri, "sip:a@x.invalid");
  EXPECT_FALSE(targets[0].to.is_known());
  EXPECT_TRUE(targets[0].next_hop.empty());
  EXPECT_EQ(store.find(targets[0].client)->expected_until, now + 30);
  EXPECT_EQ(targets[1].to.flow, other_flow);
  pass(30);
  EXPECT_EQ(found(), Strings{"sip:b@x.invalid 100"});
  EXPECT_FALSE(store.find(targets[0].client));
}

// RFC 5626 5.3: not more than one flow of an instance at a time.
TEST_F(ShmStoreTest, GivesOneTargetOfAClientWithSeveralFlowsTheBestOfThem) {
  const std::string instance = ";+sip.instance=\"<urn:uuid:1>\";reg-id=";
  bind("alice", ("<sip:a1@x.invalid>" + instance + "1").c_str(), 1, flow);
  bind("alice", ("<sip:a2@x.invalid>" + instance + "2").c_str(), 2, other_flow);
  bind("alice", "<sip:b@x.invalid>", 3);
  EXPECT_EQ(found(), (Strings{"sip:b@x.invalid 1000", "sip:a2@x.invalid 1000"}));
  const Strings aors{"alice@example.org"};
  store.drop_flow(other_flow, aors, shm::FlowLoss::suspend(now + 30));
  EXPECT_EQ(found(), (Strings{"sip:b@x.invalid 1000", "sip:a1@x.invalid 1000"})) << "one that is there";
}

TEST_F(ShmStoreTest, GoesByTheUriOfWhatAnOperatorEntered) {
  shm::BindingSnapshot before;
  store.snapshot("alice@example.org", before);
  shm::BindingChange add;
  add.binding.contact = "sip:gateway.example.org;transport=tcp";
  ASSERT_TRUE(store.commit("alice@example.org", before.version(), {&add, 1}));
  const auto target = store.lookup("alice@example.org").at(0);
  EXPECT_FALSE(target.to.is_known());
  EXPECT_EQ(target.next_hop, "sip:gateway.example.org;transport=tcp");
}

TEST_F(ShmStoreTest, ListsWhoCanBeReachedOnceEachUpToALimit) {
  bind("alice", "<sip:a@x.invalid>", 1);
  bind("alice", "<sip:b@x.invalid>", 2);
  bind("bob", "<sip:c@x.invalid>");
  bind("carol", "<sip:d@x.invalid>");
  segment->bindings.drop_flow(shm::ProcessSlot{0}, "carol@example.org", flow, shm::FlowLoss::suspend(now + 30));
  auto all = store.reachable(10);
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, (Strings{"alice@example.org", "bob@example.org"}));
  EXPECT_EQ(store.reachable(1).size(), 1u);
  EXPECT_EQ(store.reachable(0).size(), 0u);
}

TEST_F(ShmStoreTest, LetsOnlyOneOfTwoChangesFromTheSameSnapshotThrough) {
  shm::BindingSnapshot first, second;
  store.snapshot("alice@example.org", first);
  store.snapshot("alice@example.org", second);
  shm::BindingChange add;
  add.binding.contact = "sip:a@x.invalid";
  add.binding.expires_at = now + 60;
  EXPECT_TRUE(store.commit("alice@example.org", first.version(), {&add, 1}));
  EXPECT_TRUE(store.commit("alice@example.org", second.version(), {&add, 1}).is(Errc::exists));
  EXPECT_EQ(found().size(), 1u);
}

}  // namespace
}  // namespace sipwsd::location
