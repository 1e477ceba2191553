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
