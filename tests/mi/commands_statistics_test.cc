#include "tests/mi/mi_fixture.h"

namespace sipwsd::mi {
namespace {

using shm::Counter;

class Statistics : public MiTest {
 protected:
  Statistics() {
    count(0, Counter::ws_received_frames, 5);
    count(1, Counter::ws_received_frames, 7);
    count(0, Counter::rcv_requests, 3);
  }
  void count(std::uint16_t slot, Counter counter, std::uint64_t n) { segment->counters.row(shm::ProcessSlot{slot}).add(counter, n); }
};

TEST_F(Statistics, AddUpAllProcessesUnderGroupAndName) {
  EXPECT_EQ(run("get_statistics", {"ws_received_frames"}), "200 OK\nwebsocket:ws_received_frames = 12\n\n");
  EXPECT_EQ(run("get_statistics", {"rcv_requests", "ws_received_frames"}),
            "200 OK\ncore:rcv_requests = 3\nwebsocket:ws_received_frames = 12\n\n");
}

TEST_F(Statistics, ComeByGroupAndAllTogether) {
  const auto group = run("get_statistics", {"websocket:"});
  EXPECT_EQ(std::count(group.begin(), group.end(), '\n'), 25 + 2);
  EXPECT_EQ(group.find("core:"), std::string::npos);
  const auto all = run("get_statistics", {"all"});
  EXPECT_EQ(static_cast<std::size_t>(std::count(all.begin(), all.end(), '\n')), shm::counter_count + 2);
}

TEST_F(Statistics, OfATableAreAskedFromIt) {
  add(1, 0);
  add(2, 0);
  EXPECT_EQ(run("get_statistics", {"ws_current_connections"}), "200 OK\nwebsocket:ws_current_connections = 2\n\n");
}

TEST_F(Statistics, NobodyKnowsAreSkippedAndNotFoundWhenThereIsNoOther) {
  EXPECT_EQ(run("get_statistics", {"nothing", "rcv_requests"}), "200 OK\ncore:rcv_requests = 3\n\n");
  for (const auto* command : {"get_statistics", "reset_statistics", "clear_statistics"}) {
    EXPECT_EQ(run(command, {"nothing"}), "404 Statistics Not Found\n\n") << command;
    EXPECT_EQ(run(command, {"nothing:"}), "404 Statistics Not Found\n\n");
    EXPECT_EQ(run(command, {""}), "404 Statistics Not Found\n\n");
    EXPECT_EQ(run(command), "400 Too few or too many arguments\n\n");
  }
}

TEST_F(Statistics, AreResetAndCountOn) {
  EXPECT_EQ(run("reset_statistics", {"ws_received_frames"}), "200 OK\n\n");
  count(1, Counter::ws_received_frames, 2);
  EXPECT_EQ(run("get_statistics", {"ws_received_frames", "rcv_requests"}),
            "200 OK\nwebsocket:ws_received_frames = 2\ncore:rcv_requests = 3\n\n");
}

TEST_F(Statistics, AreClearedWithTheirOldValue) {
  EXPECT_EQ(run("clear_statistics", {"ws_received_frames", "rcv_replies"}),
            "200 OK\nwebsocket:ws_received_frames = 0 (12)\ncore:rcv_replies = 0\n\n");
  EXPECT_EQ(run("clear_statistics", {"ws_received_frames"}), "200 OK\nwebsocket:ws_received_frames = 0\n\n");
}

TEST_F(Statistics, ThatAreLiveCannotBeCleared) {
  add(1, 0);
  EXPECT_EQ(run("clear_statistics", {"ws_current_connections"}), "200 OK\nwebsocket:ws_current_connections = 1\n\n");
}

}  // namespace
}  // namespace sipwsd::mi
