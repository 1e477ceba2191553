#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <variant>

#include "shm/layout.h"
#include "src/base/overload.h"
#include "src/net/keepalive_policy.h"
#include "src/process/keepalive_scan.h"

namespace sipwsd::process {
namespace {

constexpr std::int64_t present = 10'000;

shm::ConnectionRecord record(shm::ConnectionState state, std::int64_t idle, bool awaiting_pong) {
  shm::ConnectionRecord out;
  out.identity.id = ConnectionId{7};
  out.identity.holder = 1;
  out.identity.state = state;
  out.remote.protocol = TransportProtocol::wss;
  out.last_used = present - idle;
  out.awaiting_pong = awaiting_pong ? 1 : 0;
  return out;
}

TEST(KeepalivePolicy, DecidesByStateIdlenessAndTheMissingPong) {
  using enum net::KeepaliveAct;
  using enum shm::ConnectionState;
  struct Row {
    int mechanism;
    shm::ConnectionState state;
    std::int64_t idle;
    bool awaiting_pong;
    net::KeepaliveAct act;
  };
  const Row table[] = {
      {1, open, 179, false, nothing},    {1, open, 180, false, nothing},  // strictly older
      {1, open, 199, false, ping},       {2, open, 199, false, pong},  // however late it is chosen to be
      {0, open, 9'999, false, nothing},  {0, closing, 9'999, true, nothing},
      {1, open, 180, true, nothing},     {1, open, 181, true, drop_no_pong},
      {2, open, 181, true, drop_no_pong},  // ws.ping by hand marks it too
      {1, closing, 180, false, nothing}, {1, closing, 181, false, drop_close_unanswered},
      {2, closing, 181, true, drop_close_unanswered},
      {1, connecting, 181, false, nothing}, {1, reserved, 181, false, nothing},
      {1, lost, 181, false, nothing},    {1, free, 181, false, nothing},
      {1, open, -5, false, nothing},  // a clock read a moment earlier than the owner's
  };
  for (const Row& row : table)
    EXPECT_EQ(net::keepalive_act(record(row.state, row.idle, row.awaiting_pong), present,
                                 {.mechanism = row.mechanism, .timeout = std::chrono::seconds{180}}),
              row.act)
        << row.mechanism << " " << name(row.state) << " " << row.idle << " " << row.awaiting_pong;
}

TEST(KeepalivePolicy, LeavesConnectionsThatAreNoWebSocketAlone) {
  auto plain = record(shm::ConnectionState::open, 9'999, true);
  plain.remote.protocol = TransportProtocol::tcp;
  EXPECT_EQ(net::keepalive_act(plain, present, {}), net::KeepaliveAct::nothing);
}

TEST(KeepalivePolicy, SpreadsConnectionsThatFellSilentTogetherOverATenthOfTheTimeout) {
  constexpr std::uint32_t connections = 10'000;
  std::map<std::int64_t, std::uint32_t> due;  // idle seconds at the first Ping -> connections
  for (std::uint32_t id = 1; id <= connections; ++id) {
    auto silent = record(shm::ConnectionState::open, 0, false);
    silent.identity.id = ConnectionId{id};
    for (std::int64_t idle = 0;; ++idle) {
      if (net::keepalive_act(silent, present + idle, {}) == net::KeepaliveAct::nothing) continue;
      ++due[idle];
      break;
    }
  }

  EXPECT_EQ(due.begin()->first, 181) << "never earlier than the timeout, strictly";
  EXPECT_EQ(due.rbegin()->first, 199);
  ASSERT_EQ(due.size(), 19u);
  for (const auto& [idle, count] : due) {
    EXPECT_GT(count, connections / 19 * 3 / 4) << idle;
    EXPECT_LT(count, connections / 19 * 5 / 4) << idle;
  }
}

TEST(KeepalivePolicy, SpreadsNeighboursAnewEachTime) {
  int moved = 0;
  for (std::int64_t second = 0; second < 100; ++second)
    moved += net::keepalive_delay(ConnectionId{7}, second, std::chrono::seconds{180}) !=
             net::keepalive_delay(ConnectionId{7}, second + 200, std::chrono::seconds{180});
  EXPECT_GT(moved, 80);
}

TEST(KeepalivePolicy, IsLateByAtMostATenthOfTheTimeoutAndEighteenSeconds) {
  struct Row {
    int timeout;
    std::int64_t longest;
  };
  for (const Row row : {Row{1, 0}, Row{9, 0}, Row{10, 1}, Row{20, 2}, Row{179, 17}, Row{180, 18}, Row{3600, 18}}) {
    std::int64_t longest = 0;
    for (std::uint32_t id = 1; id <= 1000; ++id)
      longest = std::max<std::int64_t>(
          longest, net::keepalive_delay(ConnectionId{id}, present, std::chrono::seconds{row.timeout}).count());
    EXPECT_EQ(longest, row.longest) << row.timeout;
  }
}

TEST(KeepalivePolicy, DropsADeadPeerATimeoutAfterItsPingAndNoLater) {
  for (std::uint32_t id = 1; id <= 100; ++id) {
    auto pinged = record(shm::ConnectionState::open, 181, true);
    pinged.identity.id = ConnectionId{id};
    EXPECT_EQ(net::keepalive_act(pinged, present, {}), net::KeepaliveAct::drop_no_pong);
  }
}

class KeepaliveScanTest : public ::testing::Test {
 protected:
  KeepaliveScanTest() {
    auto created = shm::create({.max_connections = 512, .workers = 2, .processes = 2, .letter_ring_bytes = 4096});
    EXPECT_TRUE(created) << created.error().why;
    shared = std::make_unique<shm::SharedState>(std::move(*created));
  }
  shm::ConnectionIndex insert(std::uint32_t id, std::int64_t idle, WorkerSlot owner = WorkerSlot{0}) {
    shm::NewConnection connection;
    connection.id = ConnectionId{id};
    connection.remote.protocol = TransportProtocol::ws;
    connection.owner = owner;
    connection.state = shm::ConnectionState::open;
    connection.last_used = present - idle;
    const auto index = shared->connections.insert(connection);
    EXPECT_TRUE(index);
    return *index;
  }
  KeepaliveScan scan(KeepaliveShare share) {
    return {shared->connections, settings, share, [this](WorkerSlot owner, const bus::Letter& letter) -> Result<void> {
              if (is_full) return Errc::full;
              std::visit(base::Overload{[&](const bus::Ping& l) { note("ping", l.connection, owner, l.payload); },
                                        [&](const bus::Pong& l) { note("pong", l.connection, owner, l.payload); },
                                        [&](const bus::Drop& l) { note("drop", l.connection, owner, ""); },
                                        [&](const auto&) { note("?", ConnectionId::none, owner, ""); }},
                         letter);
              return {};
            }};
  }
  void note(const char* what, ConnectionId id, WorkerSlot owner, std::string_view payload) {
    posted.emplace(number(id), std::string(what) + " " + std::to_string(number(owner)) + " " + std::string(payload));
  }

  config::Settings settings;
  std::unique_ptr<shm::SharedState> shared;
  std::multimap<std::uint32_t, std::string> posted;
  bool is_full = false;
  base::TimePoint now{base::Seconds{present}};
};

TEST_F(KeepaliveScanTest, PostsAPingWithItsApplicationDataToTheOwner) {
  settings.ping_application_data = "sipwsd";
  insert(1, 200, WorkerSlot{1});
  insert(2, 10);

  const auto report = scan({1, 0}).run(now, base::Seconds{180});

  EXPECT_EQ(posted, (std::multimap<std::uint32_t, std::string>{{1, "ping 1 sipwsd"}}));
  EXPECT_EQ(report.keepalives, 1u);
}

TEST_F(KeepaliveScanTest, DropsAConnectionThatDidNotAnswerThePreviousPing) {
  const auto index = insert(1, 200);
  shared->connections.expect_pong(index);

  const auto report = scan({1, 0}).run(now, base::Seconds{180});

  EXPECT_EQ(posted.find(1)->second, "drop 0 ");
  EXPECT_EQ(report.drops, 1u);
}

TEST_F(KeepaliveScanTest, ShowsEveryConnectionToExactlyOneProcess) {
  for (std::uint32_t id = 1; id <= 300; ++id) insert(id, 200);

  for (std::uint16_t index = 0; index < 3; ++index) scan({3, index}).run(now, base::Seconds{180});

  EXPECT_EQ(posted.size(), 300u);
  for (std::uint32_t id = 1; id <= 300; ++id) EXPECT_EQ(posted.count(id), 1u) << id;
}

TEST_F(KeepaliveScanTest, DoesNotMarkAnythingItself) {
  insert(1, 200);
  auto once = scan({1, 0});
  is_full = true;

  EXPECT_EQ(once.run(now, base::Seconds{180}).refused, 1u);

  EXPECT_FALSE(shared->connections.find(ConnectionId{1})->is_awaiting_pong());
  is_full = false;
  EXPECT_EQ(once.run(now, base::Seconds{180}).keepalives, 1u) << "found again by the next scan";
}

// RFC 5626 5.4: "larger than the Flow-Timer".
TEST_F(KeepaliveScanTest, AsksAFlowThatIsSilentForLongerThanItsFlowTimerAndTheGrace) {
  settings.flow_timer = base::Seconds{60};
  insert(1, 60);
  insert(2, 70);
  insert(3, 70 + 8);  // at most a tenth late

  EXPECT_EQ(scan({1, 0}).run(now, base::Seconds{180}).keepalives, 1u);

  EXPECT_TRUE(posted.contains(3));
  settings.flow_timer = base::Seconds{600};
  EXPECT_EQ(scan({1, 0}).run(now, base::Seconds{180}).keepalives, 0u) << "keepalive_timeout is the shorter one again";
  EXPECT_EQ(scan({1, 0}).run(now, base::Seconds{50}).keepalives, 3u);
}

TEST_F(KeepaliveScanTest, FollowsATimeoutThatWasChangedWhileItRuns) {
  insert(1, 200);
  auto both = scan({1, 0});
  EXPECT_EQ(both.run(now, base::Seconds{300}).keepalives, 0u);
  EXPECT_EQ(both.run(now, base::Seconds{100}).keepalives, 1u);
}

}  // namespace
}  // namespace sipwsd::process
