// What happens between accept and the end of the handshake: who is let in, behind which proxy, and in which order.
#include "tests/net/net_fixture.h"

namespace sipwsd::net {
namespace {

using namespace std::chrono_literals;
using shm::Counter;

const std::string get_forwarded =
    "GET / HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\nX-Forwarded-For: 6.6.6.6, 203.0.113.9\r\n\r\n";

// --- behind a proxy -----------------------------------------------------------------------------------------------

class BehindAProxy : public NetTest {
 protected:
  BehindAProxy() { settings.trusted_proxies = *base::Networks::parse("192.0.2.0/24"); }  // connect()'s peer is 192.0.2.7
};

TEST_F(BehindAProxy, S08TheClientIsWhoThePROXYHeaderSays) {
  Peer peer = connect();
  peer.send("PROXY TCP4 203.0.113.9 198.51.100.77 5555 443\r\n" + get);
  turn();
  EXPECT_EQ(peer.take(), switching);
  EXPECT_EQ(record()->remote.to_string(), "ws:203.0.113.9:5555");
  EXPECT_EQ(record()->local.to_string(), "ws:198.51.100.77:443");
}

TEST_F(BehindAProxy, S08ThePROXYHeaderMayComeByteByByte) {
  Peer peer = connect();
  for (const char byte : "PROXY TCP6 2001:db8::9 2001:db8::1 5555 443\r\n" + get) {
    peer.send({&byte, 1});
    turn();
  }
  EXPECT_EQ(peer.take(), switching);
  EXPECT_EQ(record()->remote.to_string(), "ws:[2001:db8::9]:5555");
}

TEST_F(BehindAProxy, S08AMalformedPROXYHeaderEndsTheConnectionWithoutAWord) {
  Peer peer = connect();
  peer.send("PROXY TCP4 203.0.113.9 nowhere 5555 443\r\n" + get);
  turn();
  EXPECT_TRUE(peer.has_ended());
  EXPECT_EQ(count(Counter::bad_proxy_headers), 1u);
}

TEST_F(BehindAProxy, ItsHealthCheckIsTheProxyItself) {
  Peer peer = connect();
  peer.send("PROXY UNKNOWN\r\n" + get);
  turn();
  EXPECT_EQ(peer.take(), switching);
  EXPECT_EQ(record()->remote.to_string(), "ws:192.0.2.7:4711");
}

TEST_F(BehindAProxy, TheClientIsTheLastOneThatXForwardedForDoesNotTakeFromTheClientItself) {
  Peer peer = connect();
  peer.send(get_forwarded);
  turn();
  EXPECT_EQ(peer.take(), switching);
  EXPECT_EQ(record()->remote.to_string(), "ws:203.0.113.9:4711");
}

TEST_F(BehindAProxy, AForwardedHeaderThatIsNoneIsABadRequest) {
  Peer peer = connect();
  std::string bad = get_forwarded;
  bad.replace(bad.find("203.0.113.9"), 11, "203.0.113.x");
  peer.send(bad);
  turn();
  EXPECT_TRUE(peer.take().starts_with("HTTP/1.1 400 "));
}

TEST_F(BehindAProxy, TheClientsAddressIsTheOneThatIsCounted) {
  settings.max_connections_per_address = 1;
  Peer first = connect();
  first.send("PROXY TCP4 203.0.113.9 198.51.100.77 5555 443\r\n" + get);
  turn();
  EXPECT_EQ(first.take(), switching);

  Peer second = connect();
  second.send("PROXY TCP4 203.0.113.9 198.51.100.77 5556 443\r\n" + get);
  turn();
  EXPECT_TRUE(second.take().starts_with("HTTP/1.1 429 Too Many Requests\r\n"));
  Peer other = connect();
  other.send("PROXY TCP4 203.0.113.10 198.51.100.77 5555 443\r\n" + get);
  turn();
  EXPECT_EQ(other.take(), switching);

  first.leave();
  turn();
  Peer third = connect();
  third.send("PROXY TCP4 203.0.113.9 198.51.100.77 5557 443\r\n" + get);
  turn();
  EXPECT_EQ(third.take(), switching);
}

using WithoutAProxy = NetTest;

TEST_F(WithoutAProxy, S08APROXYHeaderIsNoHttp) {
  Peer peer = connect();
  peer.send("PROXY TCP4 203.0.113.9 198.51.100.77 5555 443\r\n" + get);
  turn();
  EXPECT_TRUE(peer.take().starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(peer.has_ended());
}

TEST_F(WithoutAProxy, XForwardedForIsJustAHeader) {
  Peer peer = connect();
  peer.send(get_forwarded);
  turn();
  EXPECT_EQ(peer.take(), switching);
  EXPECT_EQ(record()->remote.to_string(), "ws:192.0.2.7:4711");
}

// --- who is let in ------------------------------------------------------------------------------------------------

class Door : public NetTest {};

TEST_F(Door, IsShutBeforeTheFirstByteOfWhoIsBanned) {
  ASSERT_TRUE(registry.admission().is_exempt(test::at("127.0.0.1", 1)));
  settings.ban_strikes = 1;
  Peer bad = connect();
  bad.send("nonsense\r\n\r\n");
  turn();
  EXPECT_TRUE(bad.take().starts_with("HTTP/1.1 400 "));
  bad.leave();
  turn();

  Peer again = connect();
  turn();
  EXPECT_TRUE(again.has_ended());
  EXPECT_EQ(registry.size(), 0u);
  EXPECT_EQ(count(Counter::closed_not_welcome), 1u);
}

TEST_F(Door, TheOldestThatIsNotThroughMakesRoomForANewcomer) {
  settings.max_pending_handshakes = 2;
  Peer open_one = open();
  Peer slow = connect(), slower = connect();
  turn();
  Peer newcomer = connect();
  newcomer.send(get);
  turn();
  EXPECT_TRUE(slow.has_ended());
  EXPECT_FALSE(slower.has_ended());
  EXPECT_EQ(newcomer.take(), switching);
  EXPECT_FALSE(open_one.has_ended());
  EXPECT_EQ(count(Counter::handshakes_crowded_out), 1u);
}

TEST_F(Door, IsCrowdedByYoungHandshakesNotBySlowOnes) {
  settings.handshake_rate = 0;
  std::vector<Peer> slow;
  for (int i = 0; i < 512; ++i) slow.push_back(connect());
  EXPECT_TRUE(registry.is_crowded());
  pass(2001ms);
  EXPECT_FALSE(registry.is_crowded()) << "slowloris holds up nobody";
}

TEST_F(Door, ManyWhoComeAtOnceAreAllServed) {
  std::vector<Peer> peers;
  for (int i = 0; i < 200; ++i) {
    peers.push_back(connect());
    peers.back().send(get);
  }
  for (int i = 0; i < 50; ++i) turn();
  for (Peer& peer : peers) EXPECT_EQ(peer.take(), switching);
  EXPECT_FALSE(registry.is_crowded());
}

// --- rates --------------------------------------------------------------------------------------------------------

class Rates : public NetTest {};

TEST_F(Rates, WhoSendsTooManyMessagesIsReadLaterAndLosesNone) {
  settings.message_rate = 10;
  Peer peer = open();
  std::string burst;
  for (int i = 0; i < 40; ++i) burst += frame(op::text, std::to_string(i));
  peer.send(burst);
  turn();
  EXPECT_EQ(user.messages.size(), 40u) << "what was read is handled";
  EXPECT_EQ(count(Counter::reads_paused), 1u);

  peer.send(frame(op::text, "later"));
  turn();
  EXPECT_EQ(user.messages.size(), 40u) << "but nothing more is read";
  pass(2100ms);
  ASSERT_EQ(user.messages.size(), 41u);
  EXPECT_EQ(user.messages.back(), "text later");
}

TEST_F(Rates, WhoLeavesWhileItIsNotReadIsReadToItsEndAtOnce) {
  settings.message_rate = 1;
  Peer peer = open();
  for (int i = 0; i < 20; ++i) peer.send(frame(op::text, "x"));
  turn();
  peer.send(frame(op::text, "last words") + frame(op::close, test::close_payload(1000)));
  turn();
  EXPECT_EQ(user.messages.size(), 20u);
  peer.end_sending();
  turn();
  ASSERT_EQ(user.messages.size(), 21u);
  EXPECT_EQ(user.messages.back(), "text last words");
  EXPECT_EQ(user.closed, Strings{"1 closed by peer"});
}

TEST_F(Rates, WhoStaysAboveThemIsClosedInTheEnd) {
  settings.message_rate = 10;
  settings.rate_patience = 5s;
  Peer peer = open();
  int seconds = 0;
  for (; seconds < 20 && user.closed.empty(); ++seconds) {
    if (connection().is_open()) for (int i = 0; i < 30; ++i) peer.send(frame(op::text, "x"));
    pass(1s);
    if (peer.take() != "") break;
  }
  EXPECT_GE(seconds, 5);
  EXPECT_LT(seconds, 20);
  peer.leave();
  turn();
  EXPECT_EQ(user.closed, Strings{"1 too fast"});
}

TEST_F(Rates, NobodyIsReadWhileAnotherWorkerDoesNotKeepUp) {
  Peer peer = open();
  const std::string large(1000, 'x');
  const auto other = shm::ProcessSlot{1};
  while (!mailbox.is_congested())
    ASSERT_TRUE(mailbox.post(other, bus::SendMessage{.connection = ConnectionId{9}, .opcode = {}, .branch = {}, .bytes = large}));
  peer.send(frame(op::text, "wait"));
  turn();
  EXPECT_EQ(user.messages, Strings{});

  bus::Mailbox reader(segment->mailboxes, other);
  reader.drain(10'000, [](shm::ProcessSlot, const bus::Letter&) {});
  pass(6ms);
  EXPECT_EQ(user.messages, Strings{"text wait"});
}

TEST_F(Rates, AWorkerThatIsStuckHoldsUpNobodyForLong) {
  Peer peer = open();
  const std::string large(1000, 'x');
  while (!mailbox.is_congested())
    ASSERT_TRUE(mailbox.post(shm::ProcessSlot{1}, bus::SendMessage{.connection = ConnectionId{9}, .opcode = {}, .branch = {}, .bytes = large}));
  peer.send(frame(op::text, "wait"));
  for (int i = 0; i < 80; ++i) pass(5ms);
  EXPECT_EQ(user.messages, Strings{});
  for (int i = 0; i < 30; ++i) pass(5ms);
  EXPECT_EQ(user.messages, Strings{"text wait"});
  peer.send(frame(op::text, "go on"));
  turn();
  EXPECT_EQ(user.messages, (Strings{"text wait", "text go on"}));
}

TEST_F(Rates, WhoLeavesMeanwhileIsReadToItsEndAllTheSame) {
  Peer peer = open();
  const std::string large(1000, 'x');
  while (!mailbox.is_congested())
    ASSERT_TRUE(mailbox.post(shm::ProcessSlot{1}, bus::SendMessage{.connection = ConnectionId{9}, .opcode = {}, .branch = {}, .bytes = large}));
  peer.send(frame(op::text, "last words"));
  turn();
  EXPECT_EQ(user.messages, Strings{});
  peer.leave();
  for (int i = 0; i < 3; ++i) turn();
  EXPECT_EQ(user.messages, Strings{"text last words"});
  EXPECT_EQ(registry.size(), 0u);
}

TEST_F(Rates, WhoSendsTooManyBytesIsReadLater) {
  settings.byte_rate = 1000;
  Peer peer = open();
  peer.send(frame(op::text, std::string(5000, 'x')));
  turn();
  peer.send(frame(op::text, "later"));
  pass(2500ms);
  EXPECT_EQ(user.messages.size(), 1u);
  pass(1000ms);
  EXPECT_EQ(user.messages.size(), 2u);
}

TEST_F(Rates, ExemptNetworksHaveNone) {
  settings.message_rate = 1;
  settings.limits_exempt = *base::Networks::parse("192.0.2.0/24");
  Peer peer = open();
  for (int i = 0; i < 20; ++i) peer.send(frame(op::text, "x"));
  turn();
  peer.send(frame(op::text, "x"));
  turn();
  EXPECT_EQ(user.messages.size(), 21u);
}

// --- idle ---------------------------------------------------------------------------------------------------------

class IdleTimeout : public NetTest {
 protected:
  IdleTimeout() {
    settings.idle_timeout = 30s;
    settings.tcp_connection_lifetime = 1000s;
  }
};

TEST_F(IdleTimeout, ClosesWhoNeitherRegistersNorSaysAnything) {
  Peer peer = open();
  pass(20s);
  peer.send(frame(op::ping, ""));  // is alive, but of no use
  pass(1s);
  peer.take();
  pass(10s);
  EXPECT_EQ(peer.take(), server_close(1008, "Not registered"));
  peer.send(frame(op::close, test::close_payload(1008)));
  turn();
  EXPECT_EQ(user.closed, Strings{"1 not registered"});
}

TEST_F(IdleTimeout, AMessageStartsItAgain) {
  Peer peer = open();
  pass(20s);
  peer.send(frame(op::text, "hello"));
  turn();
  pass(29s);
  EXPECT_EQ(peer.take(), "");
  pass(2s);
  EXPECT_EQ(peer.take(), server_close(1008, "Not registered"));
}

TEST_F(IdleTimeout, IsNotForWhoHasRegistered) {
  Peer peer = open();
  connection().remember_aor("sip:alice@example.org");
  pass(500s);
  EXPECT_EQ(peer.take(), "");
}

}  // namespace
}  // namespace sipwsd::net
