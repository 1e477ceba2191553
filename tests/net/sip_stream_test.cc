// SIP on a tcp listener: the same connection object without HTTP and WebSocket (RFC 3261 18.3).
#include "tests/net/net_fixture.h"

namespace sipwsd::net {
namespace {

using namespace std::chrono_literals;
using shm::Counter;

const std::string message =
    "MESSAGE sip:b@x SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nContent-Length: 2\r\n\r\nhi";

class SipStream : public NetTest {
 protected:
  Peer connect_tcp() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    auto remote = test::at("192.0.2.7", 4711), local = test::at("198.51.100.1", 5060);
    remote.protocol = local.protocol = TransportProtocol::tcp;
    registry.adopt(os::Fd{ends[0]}, remote, local);
    return Peer{os::Fd{ends[1]}};
  }
};

TEST_F(SipStream, IsToldFromHttpByItsFirstLineAndStandsInTheTable) {
  Peer peer = connect_tcp();
  for (const char byte : message) {
    peer.send({&byte, 1});
    turn();
  }
  EXPECT_EQ(user.messages, Strings{"sip " + message});
  ASSERT_TRUE(record());
  EXPECT_EQ(record()->remote.to_string(), "tcp:192.0.2.7:4711");
  EXPECT_FALSE(record()->is_websocket());
}

TEST_F(SipStream, TheSameListenerStillServesWebSockets) {
  Peer peer = connect_tcp();
  peer.send(get);
  turn();
  EXPECT_EQ(peer.take(), switching);
  EXPECT_EQ(record()->remote.to_string(), "ws:192.0.2.7:4711");
}

TEST_F(SipStream, SendsAMessageAsItIs) {
  Peer peer = connect_tcp();
  peer.send(message);
  turn();
  EXPECT_TRUE(connection().send_message("SIP/2.0 200 OK\r\n\r\n"));
  turn();
  EXPECT_EQ(peer.take(), "SIP/2.0 200 OK\r\n\r\n");
}

TEST_F(SipStream, AnswersAKeepalive) {
  Peer peer = connect_tcp();
  peer.send("\r\n\r\n");
  turn();
  EXPECT_EQ(peer.take(), "\r\n");
  peer.send(message + "\r\n\r\n" + message);
  turn();
  EXPECT_EQ(peer.take(), "\r\n");
  EXPECT_EQ(user.messages.size(), 2u);
}

TEST_F(SipStream, EndsWhereItStopsMakingSense) {
  Peer peer = connect_tcp();
  peer.send("MESSAGE sip:b@x SIP/2.0\r\nContent-Length: many\r\n\r\n" + message);
  turn();
  EXPECT_EQ(user.messages, Strings{"broken 400"});
  EXPECT_TRUE(peer.has_ended());
  EXPECT_EQ(user.closed, Strings{"1 protocol error"});
}

TEST_F(SipStream, S14AMessageMustEndInTime) {
  Peer peer = connect_tcp();
  peer.send(message.substr(0, 60));
  turn();
  pass(9900ms);
  EXPECT_FALSE(peer.has_ended());
  pass(200ms);
  EXPECT_TRUE(peer.has_ended());
  EXPECT_EQ(user.closed, Strings{"1 message timeout"});
}

TEST_F(SipStream, ClosingItIsItsEnd) {
  Peer peer = connect_tcp();
  peer.send(message);
  turn();
  EXPECT_TRUE(connection().close(ws::CloseCode::going_away, "x", CloseCause::shutdown));
  turn();
  EXPECT_TRUE(peer.has_ended());
  EXPECT_EQ(user.closed, Strings{"1 shutdown"});
}

// RFC 5626 4.4, 5.4
TEST_F(SipStream, WhoWasToldAFlowTimerAndFallsSilentIsDropped) {
  settings.flow_timer = 60s;
  Peer peer = connect_tcp();
  peer.send(message);
  turn();
  connection().expect_keepalives();
  for (int i = 0; i < 3; ++i) {
    pass(65s);
    peer.send("\r\n\r\n");
    turn();
    EXPECT_EQ(peer.take(), "\r\n");
  }
  pass(69s);
  EXPECT_TRUE(connection().send_message("what we say is no sign of life of its own"));
  pass(500ms);
  EXPECT_EQ(user.closed, Strings{});
  pass(1500ms);
  EXPECT_EQ(user.closed, Strings{"1 no pong"});
}

TEST_F(SipStream, WhoHasPromisedNothingMayBeSilent) {
  settings.flow_timer = 60s;
  Peer peer = connect_tcp();
  peer.send(message);
  turn();
  pass(3000s);
  EXPECT_EQ(user.closed, Strings{});
}

}  // namespace
}  // namespace sipwsd::net
