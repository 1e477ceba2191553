#include "shm/connection_table.h"

#include "shm/connection_ids.h"

#include "tests/shm/shared_world.h"

#include <algorithm>
#include <chrono>
#include <random>

namespace sipwsd::shm {
namespace {

class ConnectionTableTest : public ::testing::Test {
 protected:
  SharedState shared = make_shared_state();
  ConnectionTable& table = shared.connections;

  std::set<std::uint32_t> listed() const {
    std::vector<ConnectionRecord> all;
    for (std::uint32_t s = 0; s < ConnectionTable::stripes(); ++s) table.copy_stripe(s, all);
    std::set<std::uint32_t> ids;
    for (const ConnectionRecord& r : all) EXPECT_TRUE(ids.insert(number(r.id())).second) << "copied twice";
    return ids;
  }
};

TEST_F(ConnectionTableTest, FindsWhatWasInserted) {
  NewConnection c = connection(7, w1);
  c.sub_protocol = SubProtocol::msrp;
  c.state = ConnectionState::open;
  ASSERT_TRUE(table.insert(c));

  const auto found = table.find(ConnectionId{7});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->local, c.local);
  EXPECT_EQ(found->remote, c.remote);
  EXPECT_EQ(found->owner(), w1);
  EXPECT_EQ(found->state(), ConnectionState::open);
  EXPECT_EQ(found->sub_protocol(), SubProtocol::msrp);
  EXPECT_EQ(found->last_used, 100);
  EXPECT_EQ(found->flow(), (Flow{ConnectionId{7}, w1}));
  EXPECT_FALSE(table.find(ConnectionId{8}));
  EXPECT_FALSE(table.find(ConnectionId{7 + 1024}));
}

TEST_F(ConnectionTableTest, RefusesAnIdThatIsThereAndKeepsNoRecordForIt) {
  ASSERT_TRUE(table.insert(connection(7, w1)));
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(table.insert(connection(7, w0)).is(Errc::exists));
  EXPECT_EQ(table.find(ConnectionId{7})->owner(), w1);
  EXPECT_EQ(table.live().all, 1u);
}

TEST_F(ConnectionTableTest, TakesExactlyMaxConnections) {
  for (std::uint32_t id = 1; id <= 256; ++id) ASSERT_TRUE(table.insert(connection(id, w0))) << id;
  EXPECT_TRUE(table.insert(connection(257, w0)).is(Errc::full));
  EXPECT_EQ(table.live().all, 256u);

  ASSERT_TRUE(table.retire(ConnectionId{100}, w0));
  EXPECT_TRUE(table.insert(connection(257, w0)));
  EXPECT_TRUE(table.insert(connection(258, w0)).is(Errc::full));
}

TEST_F(ConnectionTableTest, TakesMaxConnectionsEvenWhenAllFallIntoOneStripe) {
  for (std::uint32_t i = 1; i <= 256; ++i) ASSERT_TRUE(table.insert(connection(i * 1024, w0))) << i;
  EXPECT_TRUE(table.insert(connection(5, w0)).is(Errc::full));
  EXPECT_EQ(listed().size(), 256u);
  for (std::uint32_t i = 1; i <= 256; ++i) ASSERT_TRUE(table.find(ConnectionId{i * 1024}));
}

TEST_F(ConnectionTableTest, LetsOnlyTheOwnerChangeOrRetire) {
  ASSERT_TRUE(table.insert(connection(7, w1)));
  EXPECT_TRUE(table.set_state(ConnectionId{7}, w0, ConnectionState::closing).is(Errc::not_found));
  EXPECT_TRUE(table.upgrade(ConnectionId{7}, w0, TransportProtocol::ws, SubProtocol::sip).is(Errc::not_found));
  EXPECT_TRUE(table.retire(ConnectionId{7}, w0).is(Errc::not_found));
  EXPECT_TRUE(table.retire(ConnectionId{9}, w1).is(Errc::not_found));

  ASSERT_TRUE(table.set_state(ConnectionId{7}, w1, ConnectionState::closing));
  EXPECT_EQ(table.find(ConnectionId{7})->state(), ConnectionState::closing);
  ASSERT_TRUE(table.retire(ConnectionId{7}, w1));
  EXPECT_FALSE(table.find(ConnectionId{7}));
  EXPECT_TRUE(table.retire(ConnectionId{7}, w1).is(Errc::not_found));
}

TEST_F(ConnectionTableTest, CountsWebSocketsBySubProtocolFromTheHandshakeOn) {
  for (std::uint32_t id = 1; id <= 4; ++id) ASSERT_TRUE(table.insert(connection(id, w0)));
  EXPECT_EQ(table.live().websocket, 0u);
  ASSERT_TRUE(table.upgrade(ConnectionId{1}, w0, TransportProtocol::wss, SubProtocol::sip));
  ASSERT_TRUE(table.upgrade(ConnectionId{2}, w0, TransportProtocol::ws, SubProtocol::sip));
  ASSERT_TRUE(table.upgrade(ConnectionId{3}, w0, TransportProtocol::ws, SubProtocol::msrp));
  ASSERT_TRUE(table.retire(ConnectionId{2}, w0));

  const auto upgraded = table.find(ConnectionId{1});
  EXPECT_EQ(upgraded->state(), ConnectionState::open);
  EXPECT_EQ(upgraded->remote.protocol, TransportProtocol::wss);
  EXPECT_EQ(upgraded->local.protocol, TransportProtocol::wss);
  EXPECT_EQ(shared.value(Counter::tcp_current_opened_connections), 3u);
  EXPECT_EQ(shared.value(Counter::ws_current_connections), 2u);
  EXPECT_EQ(shared.value(Counter::ws_max_concurrent_connections), 3u);
  EXPECT_EQ(shared.value(Counter::ws_sip_current_connections), 1u);
  EXPECT_EQ(shared.value(Counter::ws_sip_max_concurrent_connections), 2u);
  EXPECT_EQ(shared.value(Counter::ws_msrp_current_connections), 1u);
  EXPECT_EQ(shared.value(Counter::ws_msrp_max_concurrent_connections), 1u);
}

TEST_F(ConnectionTableTest, CopiesEachConnectionOnce) {
  std::set<std::uint32_t> expected;
  for (std::uint32_t id = 1; id <= 200; id += 3) {
    ASSERT_TRUE(table.insert(connection(id, w0)));
    expected.insert(id);
  }
  EXPECT_EQ(listed(), expected);
}

TEST_F(ConnectionTableTest, ShowsUseAndAwaitedPongsAtOnce) {
  const auto index = table.insert(connection(7, w0));
  ASSERT_TRUE(index);
  table.touch(*index, 500);
  table.expect_pong(*index);
  EXPECT_EQ(table.find(ConnectionId{7})->last_used, 500);
  EXPECT_TRUE(table.find(ConnectionId{7})->is_awaiting_pong());
  table.pong_seen(*index);
  EXPECT_FALSE(table.find(ConnectionId{7})->is_awaiting_pong());
}

TEST_F(ConnectionTableTest, ANewConnectionInAnOldRecordAwaitsNoPong) {
  const auto index = table.insert(connection(7, w0));
  table.expect_pong(*index);
  ASSERT_TRUE(table.retire(ConnectionId{7}, w0));
  const auto reused = table.insert(connection(8, w0));
  EXPECT_EQ(*reused, *index);
  EXPECT_FALSE(table.find(ConnectionId{8})->is_awaiting_pong());
}

TEST_F(ConnectionTableTest, FindsTheNewestOfTwoWithTheSameRemoteEndpoint) {
  NewConnection c = connection(3, w0);
  ASSERT_TRUE(table.insert(c));
  c.id = ConnectionId{70};
  ASSERT_TRUE(table.insert(c));
  EXPECT_EQ(table.find_by_remote(c.remote)->id(), ConnectionId{70});
  EXPECT_FALSE(table.find_by_remote(endpoint(99, 1)));
}

TEST_F(ConnectionTableTest, GivesEachLostConnectionToItsAdopterOnce) {
  for (std::uint32_t id = 1; id <= 50; ++id) ASSERT_TRUE(table.insert(connection(id, id % 2 == 0 ? w0 : w1)));
  EXPECT_FALSE(table.has_lost());
  EXPECT_EQ(table.mark_lost(w1, w2), 25u);

  EXPECT_EQ(table.live().all, 25u);
  EXPECT_FALSE(table.find(ConnectionId{1}));
  EXPECT_TRUE(table.contains(ConnectionId{1})) << "its number is not given again before it is retired";
  EXPECT_EQ(listed().size(), 25u);
  EXPECT_TRUE(table.has_lost());

  std::array<ConnectionRecord, 10> batch;
  EXPECT_EQ(table.take_lost(w0, batch), 0u) << "another's";
  std::set<std::uint32_t> taken;
  while (const std::size_t n = table.take_lost(w2, batch))
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_TRUE(taken.insert(number(batch[i].id())).second);
      EXPECT_EQ(batch[i].owner(), w1);
      EXPECT_EQ(batch[i].remote, endpoint(number(batch[i].id()), 5060));
    }
  EXPECT_EQ(taken.size(), 25u);
  EXPECT_TRUE(std::all_of(taken.begin(), taken.end(), [](std::uint32_t id) { return id % 2 == 1; }));
  EXPECT_FALSE(table.has_lost());
  EXPECT_FALSE(table.contains(ConnectionId{1}));
}

TEST_F(ConnectionTableTest, PassesLostConnectionsOnWhenTheAdopterDiesToo) {
  for (std::uint32_t id = 1; id <= 5; ++id) ASSERT_TRUE(table.insert(connection(id, w1)));
  table.mark_lost(w1, w2);
  std::array<ConnectionRecord, 2> batch;
  ASSERT_EQ(table.take_lost(w2, batch), 2u);
  EXPECT_EQ(table.mark_lost(w2, w0), 0u);
  std::array<ConnectionRecord, 8> rest;
  EXPECT_EQ(table.take_lost(w0, rest), 3u);
}

TEST_F(ConnectionTableTest, CountsItsOwnWhenTheAdopterIsTheSameSlot) {
  ASSERT_TRUE(table.insert(connection(1, w1)));
  table.mark_lost(w1, w1);
  EXPECT_EQ(table.mark_lost(w1, w1), 0u) << "a second death before the first was adopted";
  std::array<ConnectionRecord, 8> batch;
  EXPECT_EQ(table.take_lost(w1, batch), 1u);
}

TEST(ConnectionTable, Fills65536PlacesWithoutSlowingDown) {
  SharedState shared = make_shared_state(Limits{});
  const auto start = std::chrono::steady_clock::now();
  for (std::uint32_t id = 1; id <= 65536; ++id) ASSERT_TRUE(shared.connections.insert(connection(id, w0)));
  ASSERT_TRUE(shared.connections.insert(connection(70000, w0)).is(Errc::full));
  for (std::uint32_t id = 1; id <= 65536; ++id) ASSERT_TRUE(shared.connections.find(ConnectionId{id}));
  for (std::uint32_t id = 1; id <= 65536; ++id) ASSERT_TRUE(shared.connections.retire(ConnectionId{id}, w0));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  // A quadratic step anywhere would take minutes.
  EXPECT_LT(took.count(), 4.0);
  RecordProperty("microseconds_each", std::to_string(took.count() * 1e6 / (3 * 65536)));
}

TEST(ConnectionTable, StaysSoundWhileFourProcessesUseIt) {
  Limits limits = small_limits();
  limits.workers = 4;
  limits.processes = 4;
  limits.max_connections = 100;  // so that it is full now and then
  SharedState shared = make_shared_state(limits);
  std::vector<pid_t> children;
  for (std::uint16_t slot = 0; slot < 4; ++slot)
    children.push_back(start_child([&, slot] {
      std::minstd_rand random(slot + 1);
      std::vector<std::uint32_t> mine;
      for (int i = 0; i < 8000; ++i) {
        if (random() % 2 == 0) {
          const std::uint32_t id = number(shared.ids.next());
          const auto inserted = shared.connections.insert(connection(id, WorkerSlot{slot}));
          if (inserted)
            mine.push_back(id);
          else
            ASSERT_TRUE(inserted.is(Errc::full));
        } else if (!mine.empty()) {
          std::swap(mine[random() % mine.size()], mine.back());
          const auto found = shared.connections.find(ConnectionId{mine.back()});
          ASSERT_TRUE(found);
          ASSERT_EQ(found->owner(), WorkerSlot{slot});
          ASSERT_EQ(found->remote, endpoint(mine.back(), 5060));
          ASSERT_TRUE(shared.connections.retire(ConnectionId{mine.back()}, WorkerSlot{slot}));
          mine.pop_back();
        }
      }
      for (const std::uint32_t id : mine) ASSERT_TRUE(shared.connections.retire(ConnectionId{id}, WorkerSlot{slot}));
    }));
  for (const pid_t child : children) EXPECT_TRUE(ended_well(wait_for(child)));

  EXPECT_EQ(shared.connections.live().all, 0u);
  EXPECT_EQ(shared.connections.repairs(), 0u);
  for (std::uint32_t id = 1; id <= 100; ++id) ASSERT_TRUE(shared.connections.insert(connection(id, w0))) << id;
  EXPECT_TRUE(shared.connections.insert(connection(101, w0)).is(Errc::full));
}

TEST(ConnectionIds, StartAtOneAndGoUpByOne) {
  SharedState shared = make_shared_state();
  EXPECT_EQ(shared.ids.next(), ConnectionId{1});
  EXPECT_EQ(shared.ids.next(), ConnectionId{2});
  EXPECT_EQ(shared.ids.given(), 2u);
}

TEST(ConnectionIds, BeginAgainAfterTheLargestIntAndSkipTheLiving) {
  SharedState shared = make_shared_state();
  for (const std::uint32_t alive : {1u, 2u, 4u}) ASSERT_TRUE(shared.connections.insert(connection(alive, w0)));
  shared.ids.continue_after(ConnectionIds::range - 1);
  EXPECT_EQ(shared.ids.next(), ConnectionId{0x7fffffff});
  EXPECT_EQ(shared.ids.next(), ConnectionId{3});
  EXPECT_EQ(shared.ids.next(), ConnectionId{5});
  ASSERT_TRUE(shared.connections.retire(ConnectionId{1}, w0));
  shared.ids.continue_after(3 * ConnectionIds::range);
  EXPECT_EQ(shared.ids.next(), ConnectionId{1});
}

TEST(ConnectionIds, NeverRepeatAcrossProcesses) {
  Limits limits = small_limits();
  limits.max_connections = 4000;
  SharedState shared = make_shared_state(limits);
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i)
    children.push_back(start_child([&] {
      for (int n = 0; n < 1000; ++n) ASSERT_TRUE(shared.connections.insert(connection(number(shared.ids.next()), w0)));
    }));
  for (const pid_t child : children) EXPECT_TRUE(ended_well(wait_for(child)));
  EXPECT_EQ(shared.connections.live().all, 4000u);
}

}  // namespace
}  // namespace sipwsd::shm
