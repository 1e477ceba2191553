// TLS between the socket and everything else: the client's end is a tls::Session in the test's hand.
#include "tests/net/net_fixture.h"
#include "tests/net/tls_contexts.h"

namespace sipwsd::net {
namespace {

using namespace std::chrono_literals;
using shm::Counter;

class OverTls : public NetTest {
 protected:
  OverTls() { registry.use_tls(&contexts_); }

  Peer connect_wss(const char* client = "192.0.2.7") {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    auto remote = test::at(client, 4711), local = test::at("198.51.100.1", 443);
    remote.protocol = local.protocol = TransportProtocol::wss;
    registry.adopt(os::Fd{ends[0]}, remote, local);
    return Peer{os::Fd{ends[1]}};
  }

  // A client with a finished handshake.
  struct Client {
    Peer peer;
    tls::Session session;

    // Plain bytes that have come.
    std::string take() {
      std::string plain, out;
      std::array<std::byte, 64 * 1024> room;
      const std::string wire = peer.take();
      const auto progress = session.feed(as_bytes(wire), room, out);
      plain.append(as_text(ByteView{room}.first(progress.plain)));
      if (!out.empty()) peer.send(out);
      return plain;
    }
    void send(std::string_view plain) {
      std::string out;
      ASSERT_TRUE(session.write(plain, out));
      peer.send(out);
    }
  };
  Client handshake(const char* before_it = "") {
    auto session = tls::Session::connect(client_contexts_, test::at("198.51.100.1", 443), "localhost");
    EXPECT_TRUE(session);
    Client client{connect_wss(), std::move(*session)};
    client.peer.send(before_it);
    std::string out;
    std::array<std::byte, 1024> room;
    client.session.feed({}, room, out);
    client.peer.send(out);
    for (int i = 0; i < 4 && client.session.state() == tls::State::handshaking; ++i) {
      turn();
      EXPECT_EQ(client.take(), "");
    }
    turn();
    EXPECT_EQ(client.session.state(), tls::State::open);
    return client;
  }

  tls::Contexts contexts_ = server_contexts(segment->ticket_keys);
  tls::Contexts client_contexts_ = client_contexts();
};

TEST_F(OverTls, AWebSocketIsTheSameAsWithout) {
  Client client = handshake();
  client.send(get);
  turn();
  EXPECT_EQ(client.take(), switching);
  EXPECT_EQ(record()->remote.to_string(), "wss:192.0.2.7:4711");
  client.send(frame(op::text, "hello"));
  turn();
  EXPECT_EQ(user.messages, Strings{"text hello"});
  EXPECT_TRUE(connection().send_message("answer"));
  turn();
  EXPECT_EQ(client.take(), server_frame(op::text, "answer"));
  EXPECT_EQ(count(Counter::tls_handshakes), 1u);
}

TEST_F(OverTls, ALargeMessageGoesBothWays) {
  Client client = handshake();
  client.send(get);
  turn();
  EXPECT_EQ(client.take(), switching);
  const std::string large(60'000, 'x');
  client.send(frame(op::text, large));
  for (int i = 0; i < 3; ++i) turn();
  ASSERT_EQ(user.messages.size(), 1u);
  EXPECT_EQ(user.messages[0], "text " + large);
  EXPECT_TRUE(connection().send_message(large));
  std::string got;
  for (int i = 0; i < 6; ++i) {
    turn();
    got += client.take();
  }
  EXPECT_EQ(got, server_frame(op::text, large));
}

TEST_F(OverTls, TheRequestMayCutARecordAnywhere) {
  Client client = handshake();
  std::string wire;
  ASSERT_TRUE(client.session.write(get, wire));
  for (const char byte : wire) {
    client.peer.send({&byte, 1});
    turn();
  }
  EXPECT_EQ(client.take(), switching);
}

TEST_F(OverTls, APROXYHeaderStandsBeforeTheFirstRecord) {
  settings.trusted_proxies = *base::Networks::parse("192.0.2.7");
  Client client = handshake("PROXY TCP4 203.0.113.9 198.51.100.77 5555 443\r\n");
  client.send(get);
  turn();
  EXPECT_EQ(client.take(), switching);
  EXPECT_EQ(record()->remote.to_string(), "wss:203.0.113.9:5555");
}

TEST_F(OverTls, TheProfileIsTheListenersWhateverAPROXYHeaderSaysTheClientConnectedTo) {
  settings.trusted_proxies = *base::Networks::parse("192.0.2.7");
  contexts_ = server_contexts(segment->ticket_keys, test::at("198.51.100.1", 443));
  Client client = handshake("PROXY TCP4 203.0.113.9 198.51.100.77 5555 8443\r\n");
  client.send(get);
  turn();
  EXPECT_EQ(client.take(), switching);
  EXPECT_EQ(record()->local.to_string(), "wss:198.51.100.77:8443");
}

TEST_F(OverTls, PlainHttpIsNoTlsAndIsHeldAgainstTheAddress) {
  Peer peer = connect_wss();
  peer.send(get);
  turn();
  EXPECT_TRUE(peer.has_ended());
  EXPECT_EQ(count(Counter::tls_failures_no_tls), 1u);
  peer.leave();
  turn();
  EXPECT_EQ(count(Counter::closed_tls_failed), 1u);
  EXPECT_EQ(user.closed, Strings{});
}

TEST_F(OverTls, S02HalfAHandshakeEndsAfterTenSeconds) {
  auto session = tls::Session::connect(client_contexts_, test::at("198.51.100.1", 443), "localhost");
  Peer peer = connect_wss();
  std::string hello;
  std::array<std::byte, 1024> room;
  session->feed({}, room, hello);
  peer.send(hello);
  turn();
  EXPECT_NE(peer.take(), "") << "the server's part";
  pass(9900ms);
  EXPECT_FALSE(peer.has_ended());
  pass(200ms);
  EXPECT_TRUE(peer.has_ended());
  EXPECT_EQ(count(Counter::handshake_timeouts), 1u);
}

TEST_F(OverTls, SilenceCostsNoSession) {
  Peer peer = connect_wss();
  pass(5s);
  EXPECT_EQ(connection().stream().tls(), nullptr);
  pass(5001ms);
  EXPECT_TRUE(peer.has_ended());
}

TEST_F(OverTls, BehindOurCloseComesACloseNotify) {
  Client client = handshake();
  client.send(get);
  turn();
  client.take();
  client.send(frame(op::close, test::close_payload(1000)));
  turn();
  EXPECT_EQ(client.take(), server_close(1000));
  EXPECT_EQ(client.session.state(), tls::State::closed);
  EXPECT_EQ(user.closed, Strings{"1 closed by peer"});
}

TEST_F(OverTls, ACloseNotifyWithoutACloseIsALostConnection) {
  Client client = handshake();
  client.send(get);
  turn();
  client.take();
  std::string bye;
  client.session.close(bye);
  client.peer.send(bye);
  turn();
  EXPECT_EQ(user.closed, Strings{"1 connection lost"});
}

TEST_F(OverTls, GarbageInsideASessionEndsIt) {
  Client client = handshake();
  client.send(get);
  turn();
  client.take();
  client.peer.send(std::string("\x17\x03\x03\x00\x05hello", 10));
  turn();
  EXPECT_EQ(user.closed, Strings{"1 TLS failed"});
  EXPECT_EQ(count(Counter::tls_failures_protocol), 1u);
}

TEST_F(OverTls, ASlowReaderIsDroppedInTimeAndCostsNoMoreThanItsOutbox) {
  settings.outbox_bytes = 200'000;
  Client client = handshake();
  client.send(get);
  turn();
  client.take();
  const std::string large(50'000, 'x');
  int sent = 0;
  while (registry.find(ConnectionId{1}) != nullptr && connection().is_open() && connection().send_message(large) && sent < 100) {
    ++sent;
    turn();
  }
  EXPECT_LT(sent, 100);
  EXPECT_EQ(user.closed, Strings{"1 slow reader"});
}

TEST_F(OverTls, NewContextsAreForNewConnectionsAndOldSessionsGoOn) {
  Client client = handshake();
  client.send(get);
  turn();
  client.take();
  {
    tls::Contexts gone = std::move(contexts_);
    contexts_ = server_contexts(segment->ticket_keys);
    registry.use_tls(&contexts_);
  }
  client.send(frame(op::text, "still here"));
  turn();
  EXPECT_EQ(user.messages, Strings{"text still here"});
  Client newcomer = handshake();
  EXPECT_EQ(newcomer.session.state(), tls::State::open);
}

// A peer's last words and its close_notify, or a record that is none, may come in one read; the socket stays open.
TEST_F(OverTls, ACloseNotifyBehindAMessageInOneReadEndsTheConnectionToo) {
  Client client = handshake();
  client.send(get);
  turn();
  client.take();
  user.message_script = [](StreamConnection& c, std::string_view) { EXPECT_TRUE(c.send_message("answer")); };
  std::string wire;
  ASSERT_TRUE(client.session.write(frame(op::text, "last words"), wire));
  client.session.close(wire);
  client.peer.send(wire);
  turn();
  EXPECT_EQ(user.messages, Strings{"text last words"});
  EXPECT_EQ(user.closed, Strings{"1 connection lost"});
  EXPECT_EQ(registry.size(), 0u);
}

TEST_F(OverTls, GarbageBehindAMessageInOneReadEndsTheConnectionToo) {
  Client client = handshake();
  client.send(get);
  turn();
  client.take();
  std::string wire;
  ASSERT_TRUE(client.session.write(frame(op::ping, "alive?"), wire));
  client.peer.send(wire + std::string("\x17\x03\x03\x00\x05hello", 10));
  turn();
  EXPECT_EQ(user.closed, Strings{"1 TLS failed"});
  EXPECT_EQ(count(Counter::tls_failures_protocol), 1u);
  EXPECT_TRUE(is_asleep()) << "nothing that can't be sent is waited for";
}

TEST_F(OverTls, WhoRefusedSaysNoMoreIsAnsweredAndNotWaitedForInALoop) {
  Client client = handshake();
  std::string wire;
  ASSERT_TRUE(client.session.write("GET / HTTP/1.1\nHost: x\n\n", wire));
  client.session.close(wire);
  client.peer.send(wire);
  turn();
  EXPECT_TRUE(client.take().starts_with("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_TRUE(is_asleep());
}

}  // namespace
}  // namespace sipwsd::net
