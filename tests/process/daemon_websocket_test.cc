// WebSocket frames against the running daemon with the echo stage (RFC 6455 5-7; reference/websocket.md 5; S10-S17, S42).
#include <gtest/gtest.h>

#include <sys/socket.h>

#include "tests/support/test_server.h"
#include "tests/support/ws_client.h"

namespace sipwsd::test {
namespace {

constexpr std::size_t max_message = 262'144;

class DaemonWebSocket : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = new TestServer(1, {"--stage", "echo", "--ping-rate", "0"}); }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }
  static TestServer& server() { return *server_; }
  static WsClient open() { return WsClient::open(server().port(), {.protocol = ""}); }

  // The daemon fails the connection: this Close, then the end, from its side first (7.1.1).
  static void expect_failure(WsClient& client, int code, const std::string& reason) {
    const Frame close = client.receive();
    EXPECT_TRUE(close.is_close());
    EXPECT_EQ(close.close_code(), code);
    EXPECT_EQ(close.close_reason(), reason);
    EXPECT_FALSE(client.receive_or_end()) << "something after the Close";
  }

 private:
  static TestServer* server_;
};
TestServer* DaemonWebSocket::server_ = nullptr;

// --- messages --------------------------------------------------------------------------------------------------------

TEST_F(DaemonWebSocket, ReturnsEveryMessageAsItCame) {
  auto client = open();
  for (const std::size_t size : {0, 1, 125, 126, 127, 65535, 65536, 100'000}) {
    SCOPED_TRACE(size);
    const std::string payload(size, 'x');

    client.send_text(payload);
    client.send_binary(payload);

    const Frame text = client.receive(), binary = client.receive();
    EXPECT_TRUE(text.is_text());
    EXPECT_FALSE(text.masked);
    EXPECT_EQ(text.payload, payload);
    EXPECT_TRUE(binary.is_binary());
    EXPECT_EQ(binary.payload, payload);
  }
}

TEST_F(DaemonWebSocket, SpeaksToAClientWithAndWithoutASubProtocol) {
  WsClient without(server().port()), with(server().port()), unknown(server().port());

  EXPECT_FALSE(without.handshake({.protocol = ""}).header("Sec-WebSocket-Protocol"));
  EXPECT_EQ(with.handshake({.protocol = "sip"}).header("Sec-WebSocket-Protocol"), "sip");
  EXPECT_FALSE(unknown.handshake({.protocol = "chat"}).header("Sec-WebSocket-Protocol"));

  for (auto* client : {&without, &with, &unknown}) {
    client->send_text("hello");
    EXPECT_EQ(client->receive().payload, "hello");
  }
}

TEST_F(DaemonWebSocket, JoinsFragmentsAndAnswersThePingsBetweenThem) {
  auto client = open();

  client.send_raw(frame(op::first_text, "one "));
  client.send_ping("in between");
  client.send_raw(frame(op::more, "two "));
  client.send_raw(frame(op::more, ""));
  client.send_raw(frame(op::pong, "nobody asked"));
  client.send_raw(frame(op::last, "three"));

  const Frame pong = client.receive(), message = client.receive();
  EXPECT_TRUE(pong.is_pong());
  EXPECT_EQ(pong.payload, "in between");
  EXPECT_TRUE(message.is_text());
  EXPECT_EQ(message.payload, "one two three");
}

TEST_F(DaemonWebSocket, S11ReadsTheSameHoweverTheBytesAreCut) {
  const std::string wire = frame(op::first_text, "gr\xc3") + frame(op::ping, "p") + frame(op::last, "\xbc\xc3\x9f") +
                           frame(op::binary, std::string(200, '\xff')) + frame(op::text, "");
  for (std::size_t cut = 1; cut < wire.size(); cut += 3) {
    SCOPED_TRACE(cut);
    auto client = open();

    client.send_raw(wire.substr(0, cut));
    client.send_raw(wire.substr(cut));

    EXPECT_EQ(client.receive().payload, "p");
    EXPECT_EQ(client.receive().payload, "gr\xc3\xbc\xc3\x9f");
    EXPECT_EQ(client.receive().payload, std::string(200, '\xff'));
    const Frame empty = client.receive();
    EXPECT_TRUE(empty.is_text());
    EXPECT_EQ(empty.payload, "");
  }
}

TEST_F(DaemonWebSocket, TakesFramesByteByByte) {
  auto client = open();
  const std::string wire = frame(op::first_binary, std::string(130, 'a')) + frame(op::last, "b") + frame(op::ping, "c");

  for (const char c : wire) client.send_raw({&c, 1});

  EXPECT_EQ(client.receive().payload, std::string(130, 'a') + "b");
  EXPECT_EQ(client.receive().payload, "c");
}

TEST_F(DaemonWebSocket, TakesAMessageOfExactlyTheLargestSize) {
  auto client = open();
  const std::string payload(max_message, 'm');

  client.send_binary(payload);

  EXPECT_EQ(client.receive().payload, payload);
}

TEST_F(DaemonWebSocket, AnswersAPingWithItsPayloadAndIgnoresPongs) {
  auto client = open();
  const std::string longest(125, '\x00');

  client.send_raw(frame(op::pong, ""));
  client.send_raw(frame(op::pong, longest));
  client.send_ping();
  client.send_ping(longest);

  const Frame empty = client.receive(), full = client.receive();
  EXPECT_TRUE(empty.is_pong());
  EXPECT_EQ(empty.payload, "");
  EXPECT_TRUE(full.is_pong());
  EXPECT_EQ(full.payload, longest);
}

// --- what fails the connection -----------------------------------------------------------------------------------------

TEST_F(DaemonWebSocket, S13FailsWhatBreaksTheProtocolWith1002) {
  std::string unmasked = "\x81\x05hello";
  const struct {
    const char* what;
    std::string wire;
  } rows[] = {
      {"unmasked", unmasked},
      {"RSV1", frame(0xc1, "x")},
      {"RSV2", frame(0xa1, "x")},
      {"RSV3", frame(0x91, "x")},
      {"opcode 3", frame(0x83, "x")},
      {"opcode 11", frame(0x8b, "")},
      {"a fragmented ping", frame(0x09, "x")},
      {"a ping of 126 bytes", frame(op::ping, std::string(126, 'x'))},
      {"a length of 5 in 2 bytes", std::string("\x81\xfe\x00\x05", 4)},
      {"a length of 65535 in 8 bytes", std::string("\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff", 10)},
      {"the top bit of a length", std::string("\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00", 10)},
      {"a continuation of nothing", frame(op::last, "x")},
      {"a message inside a message", frame(op::first_text, "a") + frame(op::text, "b")},
      {"a Close of one byte", frame(op::close, "x")},
      {"Close 999", frame(op::close, close_payload(999))},
      {"Close 1004", frame(op::close, close_payload(1004))},
      {"Close 1005", frame(op::close, close_payload(1005))},
      {"Close 1006", frame(op::close, close_payload(1006))},
      {"Close 1015", frame(op::close, close_payload(1015))},
      {"Close 1016", frame(op::close, close_payload(1016))},
      {"Close 2999", frame(op::close, close_payload(2999))},
      {"Close 5000", frame(op::close, close_payload(5000))},
  };
  for (const auto& [what, wire] : rows) {
    SCOPED_TRACE(what);
    auto client = open();
    client.send_raw(wire);
    expect_failure(client, 1002, "Protocol error");
  }
}

TEST_F(DaemonWebSocket, S15FailsTextThatIsNotUtf8With1007AsSoonAsItIsSeen) {
  const struct {
    const char* what;
    std::string wire;
  } rows[] = {
      {"a stray continuation byte", frame(op::text, "a\x80")},
      {"an overlong slash", frame(op::text, "\xc0\xaf")},
      {"a surrogate", frame(op::text, "\xed\xa0\x80")},
      {"above U+10FFFF", frame(op::text, "\xf4\x90\x80\x80")},
      {"a character that never ends", frame(op::text, "a\xc3")},
      {"in the first of many fragments", frame(op::first_text, "\xff")},
      {"in a frame whose rest has not come", frame(op::text, "\xff" + std::string(999, 'a')).substr(0, 100)},
      {"in a Close's reason", frame(op::close, close_payload(1000, "\xff"))},
  };
  for (const auto& [what, wire] : rows) {
    SCOPED_TRACE(what);
    auto client = open();
    client.send_raw(wire);
    expect_failure(client, 1007, "Invalid payload");
  }
}

TEST_F(DaemonWebSocket, S12RefusesALengthFromTheHeaderAlone) {
  for (const std::uint64_t length : {std::uint64_t{max_message + 1}, std::uint64_t{1} << 32, (std::uint64_t{1} << 63) - 1}) {
    SCOPED_TRACE(length);
    auto client = open();
    client.send_raw(frame_header(op::binary, length));
    expect_failure(client, 1009, "Message too big");
  }
}

TEST_F(DaemonWebSocket, S12RefusesFragmentsThatAddUpToTooMuch) {
  auto client = open();
  client.send_raw(frame(op::first_binary, std::string(max_message, 'x')));
  client.send_raw(frame_header(op::last, 1));
  expect_failure(client, 1009, "Message too big");
}

TEST_F(DaemonWebSocket, CountsWhyItFailedConnections) {
  const auto protocol = server().statistic("protocol_errors"), utf8 = server().statistic("utf8_errors"),
             size = server().statistic("oversized_messages");
  auto a = open(), b = open(), c = open();

  a.send_raw(frame(0x83, ""));
  b.send_raw(frame(op::text, "\xff"));
  c.send_raw(frame_header(op::binary, max_message + 1));
  for (auto* client : {&a, &b, &c}) client->receive_close();

  EXPECT_EQ(server().statistic("protocol_errors"), protocol + 1);
  EXPECT_EQ(server().statistic("utf8_errors"), utf8 + 1);
  EXPECT_EQ(server().statistic("oversized_messages"), size + 1);
}

// --- closing -----------------------------------------------------------------------------------------------------------

TEST_F(DaemonWebSocket, EchoesTheCodeOfAValidCloseAndEndsTheConnectionFirst) {
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999}) {
    SCOPED_TRACE(code);
    auto client = open();

    client.send_close(code, "because");

    const Frame close = client.receive();
    EXPECT_TRUE(close.is_close());
    EXPECT_EQ(close.payload, close_payload(code));
    EXPECT_FALSE(client.receive_or_end());
  }
}

TEST_F(DaemonWebSocket, AnswersAnEmptyCloseWithAnEmptyOne) {
  auto client = open();

  client.send_raw(frame(op::close, ""));

  const Frame close = client.receive();
  EXPECT_TRUE(close.is_close());
  EXPECT_EQ(close.payload, "");
  EXPECT_FALSE(client.receive_or_end());
}

TEST_F(DaemonWebSocket, S17ProcessesNothingAfterAClose) {
  auto client = open();

  client.send_raw(frame(op::close, close_payload(1000)) + frame(op::text, "too late") + frame(op::ping, "too late"));

  EXPECT_EQ(client.receive().close_code(), 1000);
  EXPECT_FALSE(client.receive_or_end());
}

TEST_F(DaemonWebSocket, FinishesWhatItWasSentBeforeTheClose) {
  auto client = open();

  client.send_raw(frame(op::text, "last words") + frame(op::close, close_payload(1000)));

  EXPECT_EQ(client.receive().payload, "last words");
  EXPECT_EQ(client.receive().close_code(), 1000);
}

TEST_F(DaemonWebSocket, SendsEverythingBeforeItsCloseEvenToAPeerThatHasEnded) {
  auto client = open();
  const std::string large(200'000, 'z');

  client.send_raw(frame(op::binary, large) + frame(op::close, close_payload(1000)));
  client.end_sending();

  EXPECT_EQ(client.receive().payload, large);
  EXPECT_EQ(client.receive().close_code(), 1000);
  EXPECT_FALSE(client.receive_or_end());
}

TEST_F(DaemonWebSocket, ClosesBothWaysOnWsCloseAndStillTakesWhatWasUnderWay) {
  auto client = open();
  client.send_text("x");
  client.receive();
  const std::string dump = server().mi("ws.dump", {"used_asc"});
  const std::string id = dump.substr(7, dump.find(':') - 7);

  EXPECT_EQ(server().mi("ws.close", {id}), "200 OK\n\n");

  const Frame close = client.receive();
  EXPECT_EQ(close.close_code(), 1000);
  EXPECT_EQ(close.close_reason(), "Normal closure");
  client.send_text("crossed the Close");  // not echoed: nothing may follow our Close
  client.send_ping("crossed too");
  client.send_close(1000);
  EXPECT_FALSE(client.receive_or_end());
}

TEST_F(DaemonWebSocket, CountsWhoClosed) {
  const auto remote = server().statistic("ws_remote_closed_connections");
  const auto local = server().statistic("ws_local_closed_connections");
  auto a = open(), b = open();

  a.send_close(1000);
  a.receive_close();
  b.send_raw(frame(0x83, ""));
  b.receive_close();

  EXPECT_EQ(server().statistic("ws_remote_closed_connections"), remote + 1);
  EXPECT_EQ(server().statistic("ws_local_closed_connections"), local + 1);
}

TEST_F(DaemonWebSocket, NoticesEveryWayAPeerCanLeave) {
  const auto before = server().statistic("ws_current_connections");
  const auto closed = server().statistic("closed_events");
  {
    auto fin = open(), reset = open(), half = open(), inside_a_frame = open();
    half.end_sending();
    reset.abort();
    inside_a_frame.send_raw(frame_header(op::text, 10));
  }
  server().wait_for_statistic("ws_current_connections", before);
  EXPECT_EQ(server().statistic("closed_events"), closed + 4);
}

// --- time ----------------------------------------------------------------------------------------------------------------

TEST(DaemonWebSocketDeadlines, S17CutsAPeerThatDoesNotAnswerAClose) {
  TestServer server(1, {"--stage", "echo", "--close-timeout", "1"});
  auto client = WsClient::open(server.port());

  EXPECT_EQ(server.mi("ws.close", {"1"}), "200 OK\n\n");
  EXPECT_EQ(client.receive().close_code(), 1000);

  EXPECT_FALSE(client.receive_or_end());
  server.wait_for_statistic("ws_current_connections", 0);
}

TEST(DaemonWebSocketDeadlines, S14ClosesAMessageThatDoesNotEndInTimeHoweverSteadilyItsBytesCome) {
  TestServer server(1, {"--stage", "echo", "--message-timeout", "1", "--ping-rate", "0"});
  auto slow_frame = WsClient::open(server.port()), slow_fragments = WsClient::open(server.port()),
       bystander = WsClient::open(server.port());

  slow_frame.send_raw(frame_header(op::binary, 100'000));
  slow_fragments.send_raw(frame(op::first_text, "a"));
  while (slow_frame.try_send_raw("x") && !slow_frame.has_something_within(std::chrono::milliseconds(20))) {
    bystander.send_text("quick");
    ASSERT_EQ(bystander.receive().payload, "quick");
  }

  for (auto* client : {&slow_frame, &slow_fragments}) {
    const Frame close = client->receive();
    EXPECT_EQ(close.close_code(), 1008);
    EXPECT_EQ(close.close_reason(), "Message took too long");
  }
  EXPECT_EQ(server.statistic("message_timeouts"), 2u);
  bystander.send_text("still");
  EXPECT_EQ(bystander.receive().payload, "still");
}

TEST(DaemonWebSocketLimits, S42DropsASlowReaderAndServesTheOthers) {
  TestServer server(1, {"--stage", "echo", "--outbox-bytes", "65536"});
  WsClient slow(server.port(), 4096);  // a small window
  ASSERT_EQ(slow.handshake().status(), 101);
  auto bystander = WsClient::open(server.port());

  // It sends and never reads: what comes back fills the kernel's buffers, then the outbox.
  const std::string message = frame(op::binary, std::string(30'000, 'x'));
  std::size_t sent = 0;
  while (sent < 2000 && slow.try_send_raw(message)) ++sent;

  EXPECT_LT(sent, 2000u);
  EXPECT_EQ(server.statistic("slow_peers_dropped"), 1u);
  bystander.send_text("unharmed");
  EXPECT_EQ(bystander.receive().payload, "unharmed");
  server.wait_for_statistic("ws_current_connections", 1);
}

TEST(DaemonWebSocketLimits, DropsAReaderThatTakesNothingForTooLong) {
  TestServer server(1, {"--stage", "echo", "--slow-reader-timeout", "1", "--outbox-bytes", "100000000"});
  WsClient slow(server.port(), 4096);
  ASSERT_EQ(slow.handshake().status(), 101);

  const std::string message = frame(op::binary, std::string(200'000, 'x'));
  std::size_t sent = 0;
  while (sent < 100 && slow.try_send_raw(message)) ++sent;

  server.wait_for_statistic("ws_current_connections", 0);
  EXPECT_EQ(server.statistic("slow_peers_dropped"), 1u);
}

TEST(DaemonWebSocketLimits, S16ClosesAFloodOfPingsWith1008) {
  TestServer server(1, {"--stage", "echo", "--ping-rate", "2"});
  auto client = WsClient::open(server.port());

  std::string flood;
  for (int i = 0; i < 200; ++i) flood += frame(op::ping, "");
  client.send_raw(flood);

  std::size_t pongs = 0;
  Frame last = client.receive();
  for (; last.is_pong(); last = client.receive()) ++pongs;
  EXPECT_GE(pongs, 20u);
  EXPECT_LT(pongs, 200u);
  EXPECT_EQ(last.close_code(), 1008);
  EXPECT_EQ(last.close_reason(), "Too many pings");
  EXPECT_EQ(server.statistic("ping_floods"), 1u);
}

TEST_F(DaemonWebSocket, S14RefusesAMessageOfTooManyFragments) {
  const struct {
    const char* what;
    int fragments;
    const char* each;
  } rows[] = {{"of one byte", 4096, "a"}, {"of nothing", 65, ""}};
  for (const auto& [what, fragments, each] : rows) {
    SCOPED_TRACE(what);
    auto client = open();
    std::string wire = frame(op::first_text, "a");
    for (int i = 0; i < fragments; ++i) wire += frame(op::more, each);

    client.send_raw(wire);

    expect_failure(client, 1008, "Policy violation");
  }
}

TEST(DaemonWebSocketLimits, TakesAnotherLimitByFlag) {
  TestServer server(1, {"--stage", "echo", "--max-message-size", "2000"});
  auto good = WsClient::open(server.port()), bad = WsClient::open(server.port());

  good.send_text(std::string(2000, 'a'));
  bad.send_raw(frame_header(op::text, 2001));

  EXPECT_EQ(good.receive().payload.size(), 2000u);
  EXPECT_EQ(bad.receive().close_code(), 1009);
}

TEST(DaemonKeepalive, PingsAnIdleConnectionAndDropsItWhenNothingComesBack) {
  TestServer server(1, {"--stage", "echo", "--keepalive-timeout", "1", "--ping-application-data", "are you there"});
  auto alive = WsClient::open(server.port()), dead = WsClient::open(server.port());

  // Every ping is answered by the one, none by the other; the other's end is what we wait for.
  const Frame ping = alive.receive();
  EXPECT_TRUE(ping.is_ping());
  EXPECT_EQ(ping.payload, "are you there");
  alive.send_raw(frame(op::pong, ping.payload));
  const Frame unanswered = dead.receive();
  EXPECT_TRUE(unanswered.is_ping());
  while (!dead.has_something_within(std::chrono::milliseconds(1))) {
    if (!alive.has_something_within(std::chrono::milliseconds(20))) continue;
    const Frame next = alive.receive();
    ASSERT_TRUE(next.is_ping());
    alive.send_raw(frame(op::pong, next.payload));
  }

  EXPECT_FALSE(dead.receive_or_end());
  EXPECT_EQ(server.statistic("keepalive_drops"), 1u);
  EXPECT_EQ(server.statistic("ws_current_connections"), 1u);
}

}  // namespace
}  // namespace sipwsd::test
