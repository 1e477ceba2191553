#include "tests/mi/mi_fixture.h"

namespace sipwsd::mi {
namespace {

using Websocket = MiTest;

TEST_F(Websocket, DumpsNothing) { EXPECT_EQ(run("ws.dump"), "200 OK\n0 WebSocket connections found\n\n"); }

TEST_F(Websocket, DumpsEachConnectionOnALineAsTheModuleDid) {
  add(3, 12, first_worker, shm::ConnectionState::open, SubProtocol::sip, at("192.0.2.7", 51234, TransportProtocol::wss),
      at("198.51.100.1", 443, TransportProtocol::wss));
  const auto silent = add(7, 181, second_worker, shm::ConnectionState::open, SubProtocol::msrp, at("2001:db8::5", 40022), at("2001:db8::1", 80));
  segment->connections.expect_pong(silent);
  add(9, 0, first_worker, shm::ConnectionState::closing, SubProtocol::none);

  EXPECT_EQ(run("ws.dump"),
            "200 OK\n"
            "3: wss:192.0.2.7:51234 -> wss:198.51.100.1:443 (state: OPEN,  last used 12s ago, sub-protocol: sip)\n"
            "7: ws:2001:db8::5:40022 -> ws:2001:db8::1:80 (state: OPEN, awaiting Pong,  last used 181s ago, sub-protocol: msrp)\n"
            "9: ws:192.0.2.7:51234 -> ws:198.51.100.1:80 (state: CLOSING,  last used 0s ago, sub-protocol: **UNKNOWN**)\n"
            "3 WebSocket connections found\n\n");
}

TEST_F(Websocket, DumpsOneConnectionInTheSingular) {
  add(1, 5);
  EXPECT_TRUE(run("ws.dump").ends_with("\n1 WebSocket connection found\n\n"));
}

TEST_F(Websocket, DumpsNothingThatIsNoWebSocket) {
  add(1, 5, first_worker, shm::ConnectionState::connecting, SubProtocol::none, at("192.0.2.7", 1, TransportProtocol::tcp));
  EXPECT_EQ(run("ws.dump"), "200 OK\n0 WebSocket connections found\n\n");
}

TEST_F(Websocket, SaysNoNegativeIdleTimeWhenTheOwnersClockIsAhead) {
  add(1, -3);
  EXPECT_NE(run("ws.dump").find("last used 0s ago"), std::string::npos);
}

TEST_F(Websocket, DumpsAtMostFiftyAndSaysSoOnlyWhenThereAreMore) {
  for (std::uint32_t id = 1; id <= 50; ++id) add(id, id);
  const auto fifty = run("ws.dump");
  EXPECT_TRUE(fifty.ends_with("\n50 WebSocket connections found\n\n")) << fifty;
  EXPECT_EQ(std::count(fifty.begin(), fifty.end(), '\n'), 53);

  add(51, 51);
  const auto more = run("ws.dump");
  EXPECT_TRUE(more.ends_with("\n50 WebSocket connections found(truncated)\n\n")) << more;
  EXPECT_EQ(more.find("\n51: "), std::string::npos);
}

TEST_F(Websocket, DumpsInTheOrderThatIsAskedFor) {
  add(1, 10);
  add(2, 30);
  add(3, 20);
  const auto order = [&](const std::vector<std::string>& arguments) {
    const auto text = run("ws.dump", arguments);
    std::string ids;
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; ++at)
      if (text.substr(at).starts_with("\n\n")) break;
      else if (text.compare(at + 2, 2, ": ") == 0) ids += text[at + 1];
    return ids;
  };
  EXPECT_EQ(order({}), "123");
  EXPECT_EQ(order({"id_hash"}), "123");
  EXPECT_EQ(order({"used_desc"}), "231") << "the most idle first";
  EXPECT_EQ(order({"Used_Asc"}), "132");
}

TEST_F(Websocket, RefusesABadOrderBeforeItCountsParameters) {
  EXPECT_EQ(run("ws.dump", {""}), "400 Empty display order parameter\n\n");
  EXPECT_EQ(run("ws.dump", {"", "x"}), "400 Empty display order parameter\n\n");
  EXPECT_EQ(run("ws.dump", {"sideways"}), "400 Bad display order parameter\n\n");
  EXPECT_EQ(run("ws.dump", {"id_hashXYZ", "x"}), "400 Bad display order parameter\n\n");
  EXPECT_EQ(run("ws.dump", {"id_hash", "x"}), "400 Too many parameters\n\n");
}

TEST_F(Websocket, ChecksTheConnectionIdInTheModulesOrder) {
  add(7, 0);
  add(8, 0, first_worker, shm::ConnectionState::connecting, SubProtocol::none, at("192.0.2.7", 1, TransportProtocol::tcp));
  const std::string conversion = "400 Error converting string to int\n\n";
  for (const auto* command : {"ws.close", "ws.ping", "ws.pong"}) {
    EXPECT_EQ(run(command), "400 Empty connection ID parameter\n\n") << command;
    EXPECT_EQ(run(command, {""}), "400 Empty connection ID parameter\n\n");
    EXPECT_EQ(run(command, {"", "x"}), "400 Empty connection ID parameter\n\n");
    for (const auto* wrong : {"+1", "-1", "0x1", "1a", "99999999999", "4294967296", " 1", "seven"})
      EXPECT_EQ(run(command, {wrong}), conversion) << command << " " << wrong;
    EXPECT_EQ(run(command, {"x", "y"}), conversion);
    EXPECT_EQ(run(command, {"7", "y"}), "400 Too many parameters\n\n");
    EXPECT_EQ(run(command, {"999", "y"}), "400 Too many parameters\n\n");
    for (const auto* nobody : {"0", "8", "999", "4294967295"})
      EXPECT_EQ(run(command, {nobody}), "400 Bad connection ID parameter\n\n") << command << " " << nobody;
  }
  EXPECT_TRUE(worker_answers(worker0, 200).empty()) << "nobody was asked for anything";
}

TEST_F(Websocket, AsksTheOwnerAndAnswersWhenItHas) {
  add(7, 0, second_worker);
  struct Row {
    const char *command, *letter, *failure;
  };
  for (const Row& row : {Row{"ws.close", "Close 7 1000 Normal closure", "500 Error closing connection\n\n"},
                         Row{"ws.ping", "Ping 7 are you there", "500 Error sending frame\n\n"},
                         Row{"ws.pong", "Pong 7 are you there", "500 Error sending frame\n\n"}}) {
    EXPECT_EQ(run(row.command, {"7"}), "") << "not before the owner has";
    EXPECT_EQ(worker_answers(worker1, 200), std::vector<std::string>{row.letter});
    EXPECT_EQ(answer, "200 OK\n\n") << row.command;

    run(row.command, {"7"});
    worker_answers(worker1, 500);
    EXPECT_EQ(answer, row.failure);

    run(row.command, {"7"});
    tickets.gone(shm::ProcessSlot{1});
    EXPECT_EQ(answer, row.failure) << "the owner died";

    run(row.command, {"7"});
    clock.advance(std::chrono::seconds{3});
    tickets.expire(clock.now());
    EXPECT_EQ(answer, row.failure) << "the owner says nothing";
    worker_answers(worker1, 200);  // too late: `answer` would be set twice
    EXPECT_EQ(answer, row.failure);
  }
  EXPECT_TRUE(worker_answers(worker0, 200).empty());
}

TEST_F(Websocket, AnswersAtOnceWhenTheOwnersMailboxIsFull) {
  add(7, 0);
  while (mailbox.post(shm::ProcessSlot{0}, bus::Pong{.payload = "filler"})) {
  }
  EXPECT_EQ(run("ws.ping", {"7"}), "500 Error sending frame\n\n");
  EXPECT_EQ(tickets.size(), 0u);
}

TEST_F(Websocket, ReachesAConnectionThatIsClosing) {
  add(7, 0, first_worker, shm::ConnectionState::closing);
  run("ws.close", {"7"});
  EXPECT_EQ(worker_answers(worker0, 200).size(), 1u);
  EXPECT_EQ(answer, "200 OK\n\n");
}

TEST_F(Websocket, EnablesAndDisablesForAllProcesses) {
  EXPECT_EQ(run("ws.disable", {"extra", "ones"}), "200 OK\n\n");
  EXPECT_FALSE(segment->switches->ws_enabled());
  EXPECT_EQ(run("ws.enable"), "200 OK\n\n");
  EXPECT_TRUE(segment->switches->ws_enabled());
}

}  // namespace
}  // namespace sipwsd::mi
