// Connections that the worker makes, to real listeners on loopback; only time is not real.
#include <sys/socket.h>

#include <array>

#include "src/os/socket_address.h"
#include "src/os/tcp_dial.h"
#include "src/os/tcp_listener.h"
#include "tests/net/net_fixture.h"
#include "tests/net/tls_contexts.h"

namespace sipwsd::net {
namespace {

using namespace std::chrono_literals;
using shm::Counter;
using P = TransportProtocol;

const std::string options = "OPTIONS sip:example.org SIP/2.0\r\nContent-Length: 0\r\n\r\n";
const std::string ok = "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n";

// Somebody else's listener.
class Server {
 public:
  explicit Server(P protocol = P::tcp, const char* address = "127.0.0.1", int backlog = 16) {
    Endpoint at = test::at(address, 0, protocol);
    auto listener = os::listen_tcp(at, {.backlog = backlog});
    if (!listener) throw std::runtime_error(listener.error().why);
    listener_ = std::move(*listener);
    at_ = *os::local_endpoint(listener_.raw(), protocol);
  }
  const Endpoint& at() const { return at_; }
  // Who has connected; none: nobody.
  std::optional<Peer> accept() {
    auto accepted = os::accept_tcp(listener_.raw(), at_.protocol);
    if (!accepted) return std::nullopt;
    return Peer{std::move(accepted->socket)};
  }
  void leave() { listener_.close(); }

 private:
  os::Fd listener_;
  Endpoint at_;
};

class Dialling : public NetTest {
 protected:
  Result<Flow> send(const Endpoint& to, std::string_view message, std::string_view server_name = {}) {
    return registry.send({.flow = {}, .remote = to, .local = {}}, message, 0, server_name);
  }
  Errc refusal(const Endpoint& to, std::string_view server_name = {}) {
    const auto sent = send(to, options, server_name);
    EXPECT_FALSE(sent);
    return sent ? Errc::incomplete : sent.error().code;
  }
  std::string state(std::uint32_t id = 1) {
    const auto found = record(id);
    return found ? std::string(name(found->state())) : "none";
  }
};

TEST_F(Dialling, WhatIsForAnAddressGoesOverAConnectionMadeThere) {
  Server server;
  const auto sent = send(server.at(), options);
  ASSERT_TRUE(sent);
  EXPECT_EQ(*sent, (Flow{ConnectionId{1}, slot})) << "the flow is known before the connection is";
  EXPECT_EQ(state(), "CONNECTING");
  turn();
  auto peer = server.accept();
  ASSERT_TRUE(peer);
  EXPECT_EQ(peer->take(), options);
  EXPECT_EQ(state(), "OPEN");
  EXPECT_EQ(record()->remote, server.at());
  EXPECT_EQ(count(Counter::tcp_connect_success), 1u);
  peer->send(ok);
  turn();
  EXPECT_EQ(user.messages, Strings{"sip " + ok});
  EXPECT_TRUE(connection().arrival().flow == *sent);
}

TEST_F(Dialling, Ipv6IsTheSame) {
  Server server(P::tcp, "::1");
  ASSERT_TRUE(send(server.at(), options));
  turn();
  EXPECT_EQ(server.accept()->take(), options);
}

TEST_F(Dialling, EverythingForOneAddressSharesOneConnection) {
  Server server, other;
  ASSERT_TRUE(send(server.at(), "one\r\n"));
  ASSERT_TRUE(send(server.at(), "two\r\n"));
  turn();
  const auto later = send(server.at(), "three\r\n");
  ASSERT_TRUE(later);
  EXPECT_EQ(later->connection, ConnectionId{1});
  ASSERT_TRUE(send(other.at(), "elsewhere\r\n"));
  turn();
  EXPECT_EQ(server.accept()->take(), "one\r\ntwo\r\nthree\r\n");
  EXPECT_FALSE(server.accept());
  EXPECT_EQ(other.accept()->take(), "elsewhere\r\n");
}

TEST_F(Dialling, TheFlowOfOneThatIsBeingMadeCanBeSentAlong) {
  Server server;
  const auto flow = send(server.at(), "one\r\n");
  ASSERT_TRUE(flow);
  ASSERT_TRUE(registry.send({.flow = *flow, .remote = {}, .local = {}}, "two\r\n", 0));
  turn();
  EXPECT_EQ(server.accept()->take(), "one\r\ntwo\r\n");
}

TEST_F(Dialling, WhoDoesNotListenIsToldOfOnceAndNotTriedAgainForAMoment) {
  Server server;
  server.leave();
  ASSERT_TRUE(send(server.at(), options));
  turn();
  EXPECT_EQ(user.failed_dials, Strings{"1 " + server.at().to_string()});
  EXPECT_EQ(user.closed, Strings{}) << "it has never been open";
  EXPECT_EQ(state(), "none");
  EXPECT_EQ(registry.size(), 0u);
  EXPECT_EQ(refusal(server.at()), Errc::gone);
  pass(1s);
  EXPECT_TRUE(send(server.at(), options));
  turn();
  EXPECT_EQ(count(Counter::tcp_connect_failed), 2u);
  EXPECT_EQ(count(Counter::strikes), 0u);
}

// A listener whose queue is full answers nothing, as a firewall that drops does.
TEST_F(Dialling, WhoDoesNotAnswerIsGivenUpInTime) {
  Server server(P::tcp, "127.0.0.1", 0);
  std::vector<os::Fd> crowd;
  for (int i = 0; i < 4; ++i) crowd.push_back(std::move(*os::dial_tcp(server.at())));
  settings.tcp_connect_timeout = 3s;
  ASSERT_TRUE(send(server.at(), options));
  pass(2900ms);
  EXPECT_EQ(user.failed_dials, Strings{});
  EXPECT_EQ(state(), "CONNECTING");
  pass(200ms);
  EXPECT_EQ(user.failed_dials, Strings{"1 " + server.at().to_string()});
  EXPECT_EQ(state(), "none");
  EXPECT_EQ(count(Counter::closed_dial_timeout), 1u);
  EXPECT_TRUE(is_asleep());
}

TEST_F(Dialling, WhatWaitsForAConnectionIsBounded) {
  Server server(P::tcp, "127.0.0.1", 0);
  std::vector<os::Fd> crowd;
  for (int i = 0; i < 4; ++i) crowd.push_back(std::move(*os::dial_tcp(server.at())));
  settings.outbox_bytes = 100'000;
  int taken = 0;
  while (send(server.at(), std::string(1000, 'x'))) ++taken;
  EXPECT_EQ(taken, 100);
  EXPECT_EQ(refusal(server.at()), Errc::full);
  EXPECT_EQ(state(), "CONNECTING") << "what waits already still has its chance";
}

TEST_F(Dialling, AWorkerMakesOnlySoMany) {
  settings.tcp_max_dialled = 2;
  Server a, b, c;
  EXPECT_TRUE(send(a.at(), options));
  EXPECT_TRUE(send(b.at(), options));
  EXPECT_EQ(refusal(c.at()), Errc::full);
  turn();
  a.accept();  // and leaves
  turn();
  EXPECT_TRUE(send(c.at(), options)) << "there is room again";
}

TEST_F(Dialling, ItsEndIsAnEventAndTheNextMessageMakesAnother) {
  Server server;
  ASSERT_TRUE(send(server.at(), options));
  turn();
  server.accept()->leave();
  turn();
  EXPECT_EQ(user.closed, Strings{"1 connection lost"});
  EXPECT_EQ(state(), "none");
  const auto again = send(server.at(), options);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->connection, ConnectionId{2});
  turn();
  EXPECT_EQ(server.accept()->take(), options);
}

TEST_F(Dialling, WhatItsPeerDoesWrongIsNotHeldAgainstAnybody) {
  settings.limits_exempt = {};
  Server server;
  ASSERT_TRUE(send(server.at(), options));
  turn();
  auto peer = server.accept();
  peer->send("INVITE without end of line\n\r\n\r\n");
  turn();
  EXPECT_EQ(user.closed, Strings{"1 protocol error"});
  EXPECT_EQ(count(Counter::strikes), 0u);
  EXPECT_EQ(count(Counter::unregistered_connections), 0u);
}

TEST_F(Dialling, AWebSocketListenerOfOursIsNotDialled) {
  Server ws(P::ws), sip(P::tcp);
  registry.use_own_addresses({ws.at(), sip.at()});
  Endpoint at = ws.at();
  at.protocol = P::tcp;
  EXPECT_EQ(refusal(at), Errc::refused);
  EXPECT_TRUE(send(sip.at(), options)) << "a SIP listener of ours may be meant";
}

TEST_F(Dialling, WeAreCalledAsOurListenerOfThatTransport) {
  Server server, ours;
  registry.use_own_addresses({ours.at()});
  ASSERT_TRUE(send(server.at(), options));
  EXPECT_EQ(connection().local(), ours.at());
}

TEST_F(Dialling, WithoutAListenerWeAreCalledAsTheConnectionIs) {
  Server server;
  ASSERT_TRUE(send(server.at(), options));
  EXPECT_EQ(connection().local().to_string().substr(0, 14), "tcp:127.0.0.1:");
  EXPECT_NE(connection().local().port, 0);
}

TEST_F(Dialling, TransportsWithoutADiallerAreUnsupported) {
  EXPECT_EQ(refusal(test::at("127.0.0.1", 5060, P::sctp)), Errc::unsupported);
  EXPECT_EQ(refusal(test::at("127.0.0.1", 5060, P::ws)), Errc::unsupported);
  EXPECT_EQ(refusal(test::at("127.0.0.1", 5060, P::tls)), Errc::unsupported) << "there is no TLS profile";
}

TEST_F(Dialling, WhereNoWayLeadsThereIsNoFlow) {
  EXPECT_EQ(refusal(test::at("255.255.255.255", 5060, P::tcp)), Errc::gone);
  EXPECT_EQ(registry.size(), 0u);
}

TEST_F(Dialling, AShutdownAlsoEndsWhatIsBeingMade) {
  Server server(P::tcp, "127.0.0.1", 0);
  std::vector<os::Fd> crowd;
  for (int i = 0; i < 4; ++i) crowd.push_back(std::move(*os::dial_tcp(server.at())));
  ASSERT_TRUE(send(server.at(), options));
  registry.close_all(ws::CloseCode::going_away, "bye");
  turn();
  EXPECT_EQ(registry.size(), 0u);
  EXPECT_EQ(user.failed_dials.size(), 1u);
}

// --- keepalives (RFC 5626 4.4.1)

TEST_F(Dialling, ASilentConnectionIsAskedWithAnEmptyLineAndStaysWhenItIsAnswered) {
  settings.tcp_crlf_keepalive = 60s;
  Server server;
  ASSERT_TRUE(send(server.at(), options));
  turn();
  auto peer = server.accept();
  EXPECT_EQ(peer->take(), options);
  for (int i = 0; i < 3; ++i) {
    pass(59s);
    EXPECT_EQ(peer->take(), "");
    pass(2s);
    EXPECT_EQ(peer->take(), "\r\n\r\n");
    peer->send("\r\n");
    turn();
  }
  pass(30s);
  EXPECT_EQ(user.closed, Strings{});
}

TEST_F(Dialling, OneThatDoesNotAnswerAnEmptyLineIsDead) {
  settings.tcp_crlf_keepalive = 60s;
  Server server;
  ASSERT_TRUE(send(server.at(), options));
  turn();
  pass(61s);
  pass(9s);
  EXPECT_EQ(user.closed, Strings{});
  pass(2s);
  EXPECT_EQ(user.closed, Strings{"1 no pong"});
}

TEST_F(Dialling, WithoutKeepalivesNothingIsAsked) {
  Server server;
  ASSERT_TRUE(send(server.at(), options));
  turn();
  auto peer = server.accept();
  peer->take();
  pass(3600s);
  EXPECT_EQ(peer->take(), "");
  pass(5s);
  EXPECT_EQ(user.closed, Strings{"1 idle too long"}) << "tcp_connection_lifetime";
}

// --- TLS

// The other end of TLS: what it has understood, what it says.
class TlsEnd {
 public:
  TlsEnd(Peer peer, tls::Session session) : peer_(std::move(peer)), session_(std::move(session)) {}
  std::string take() {
    std::array<std::byte, 32 * 1024> room;
    std::string out;
    const auto progress = session_.feed(as_bytes(peer_.take()), room, out);
    if (!out.empty()) peer_.send(out);
    return std::string(as_text(ByteView{room}.first(progress.plain)));
  }
  void send(std::string_view plain) {
    std::string out;
    ASSERT_TRUE(session_.write(plain, out));
    peer_.send(out);
  }
  tls::State state() const { return session_.state(); }
  Peer& peer() { return peer_; }

 private:
  Peer peer_;
  tls::Session session_;
};

class DiallingTls : public Dialling {
 protected:
  DiallingTls() { registry.use_tls(&ours_); }
  // After the handshake, as far as it goes.
  TlsEnd accept(Server& server) {
    turn();
    auto session = tls::Session::accept(theirs_, server.at());
    EXPECT_TRUE(session);
    TlsEnd end{std::move(*server.accept()), std::move(*session)};
    for (int i = 0; i < 3; ++i) {
      read_ += end.take();
      turn();
    }
    read_ += end.take();
    return end;
  }
  tls::Contexts theirs_ = server_contexts({});
  tls::Contexts ours_ = client_contexts();
  std::string read_;
};

TEST_F(DiallingTls, WhatWaitedIsSaidOnceTheServerHasShownWhoItIs) {
  Server server(P::tls);
  ASSERT_TRUE(send(server.at(), options, "localhost"));
  EXPECT_EQ(state(), "CONNECTING");
  TlsEnd end = accept(server);
  EXPECT_EQ(read_, options);
  EXPECT_EQ(state(), "OPEN");
  end.send(ok);
  turn();
  EXPECT_EQ(user.messages, Strings{"sip " + ok});
}

TEST_F(DiallingTls, WithoutANameTheCertificateMustHaveTheAddress) {
  Server server(P::tls);
  ASSERT_TRUE(send(server.at(), options));
  accept(server);
  EXPECT_EQ(read_, options);
}

TEST_F(DiallingTls, WhoIsNotTheServerThatWasMeantGetsNothing) {
  Server server(P::tls);
  ASSERT_TRUE(send(server.at(), options, "example.org"));
  TlsEnd end = accept(server);
  EXPECT_EQ(read_, "");
  EXPECT_EQ(user.failed_dials, Strings{"1 " + server.at().to_string()});
  EXPECT_EQ(user.closed, Strings{});
  EXPECT_EQ(count(Counter::tls_failures_certificate), 1u);
  EXPECT_EQ(refusal(server.at(), "example.org"), Errc::gone);
  EXPECT_TRUE(send(server.at(), options, "localhost")) << "another name there has not failed";
}

// What goes on in a dialog knows where the dialog went, not by which name that was found.
TEST_F(DiallingTls, WhatIsForNoNameGoesOverTheConnectionThereIs) {
  Server server(P::tls);
  const auto first = send(server.at(), options, "localhost"), second = send(server.at(), options);
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(*first == *second);
}

TEST_F(DiallingTls, WhatIsForAnotherNameAtTheSameAddressGoesOverAnotherConnection) {
  Server server(P::tls);
  const auto first = send(server.at(), options, "localhost"), second = send(server.at(), options, "127.0.0.1"),
             third = send(server.at(), options, "localhost");
  ASSERT_TRUE(first && second && third);
  EXPECT_FALSE(*first == *second);
  EXPECT_TRUE(*first == *third);
}

TEST_F(DiallingTls, AServerThatSpeaksNoTlsIsADialThatFailed) {
  Server server(P::tls);
  ASSERT_TRUE(send(server.at(), options, "localhost"));
  turn();
  auto peer = server.accept();
  ASSERT_TRUE(peer);
  peer->send("SIP/2.0 200 OK\r\n\r\n");
  turn();
  EXPECT_EQ(user.failed_dials.size(), 1u);
  EXPECT_EQ(user.messages, Strings{});
}

TEST_F(DiallingTls, AServerThatNeverFinishesItsHandshakeIsGivenUpInTime) {
  Server server(P::tls);
  ASSERT_TRUE(send(server.at(), options, "localhost"));
  turn();
  auto peer = server.accept();
  ASSERT_TRUE(peer);
  EXPECT_NE(peer->take(), "") << "our ClientHello";
  EXPECT_TRUE(is_asleep()) << "what waits for the handshake does not keep the loop busy";
  pass(6s);
  EXPECT_EQ(user.failed_dials.size(), 1u);
}

// --- RFC 5923

class Aliases : public Dialling {
 protected:
  // Somebody has connected to us and speaks SIP.
  std::uint32_t accepted(P protocol = P::tcp) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    registry.adopt(os::Fd{ends[0]}, test::at("192.0.2.7", 40000, protocol), test::at("198.51.100.1", 5060, protocol));
    peer_ = Peer{os::Fd{ends[1]}};
    return 1;
  }
  Peer peer_;
};

TEST_F(Aliases, APeerIsReachedOverTheConnectionItHasMade) {
  ASSERT_TRUE(settings.peers.add("192.0.2.0/24"));
  const auto id = accepted();
  peer_.send(options);
  turn();
  const Endpoint alias = test::at("192.0.2.7", 5060, P::tcp);
  registry.offer_alias(ConnectionId{id}, alias);
  const auto sent = send(alias, ok);
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->connection, ConnectionId{id});
  turn();
  EXPECT_EQ(peer_.take(), ok);
  peer_.leave();
  turn();
  EXPECT_NE(send(alias, ok)->connection, ConnectionId{id}) << "it ends with the connection";
}

TEST_F(Aliases, NobodyElseGetsWhatIsForAnAddressBySayingThatItIsHis) {
  const auto id = accepted();
  peer_.send(options);
  turn();
  const Endpoint alias = test::at("192.0.2.7", 5060, P::tcp);
  registry.offer_alias(ConnectionId{id}, alias);
  const auto sent = send(alias, ok);
  EXPECT_TRUE(!sent || sent->connection != ConnectionId{id});
}

TEST_F(Aliases, APeerGetsOnlyWhatIsForItsOwnAddress) {
  ASSERT_TRUE(settings.peers.add("192.0.2.0/24"));
  const auto id = accepted();
  peer_.send(options);
  turn();
  const Endpoint another = test::at("192.0.2.8", 5060, P::tcp);
  registry.offer_alias(ConnectionId{id}, another);
  const auto sent = send(another, ok);
  EXPECT_TRUE(!sent || sent->connection != ConnectionId{id});
}

TEST_F(Aliases, WhoHasShownACertificateIsReachedOverItForTheNamesInIt) {
  test::CertificateOrder order;
  order.common_name = "proxy.example.org";
  order.names = {"proxy.example.org"};
  order.use = test::CertificateUse::client;
  const auto issued = authority().issue(order);
  config::TlsProfile server = server_profile(), client = client_profile();
  server.verify_certificate = true;
  server.ca_list = authority().file();
  client.certificate = {issued.file};
  client.private_key = {issued.key_file};
  const auto ours = contexts_of({server}), theirs = contexts_of({client});
  registry.use_tls(&ours);
  const auto id = accepted(P::tls);
  auto session = tls::Session::connect(theirs, test::at("198.51.100.1", 5060, P::tls), "localhost");
  ASSERT_TRUE(session);
  TlsEnd end{std::move(peer_), std::move(*session)};
  end.take();
  turn();
  end.take();
  turn();
  end.send(options);
  turn();
  ASSERT_EQ(user.messages, Strings{"sip " + options});

  const Endpoint alias = test::at("192.0.2.7", 5061, P::tls);
  registry.offer_alias(ConnectionId{id}, alias);

  EXPECT_EQ(refusal(alias, "other.example.org"), Errc::unsupported) << "another connection would be made, and there is no client profile";
  const auto sent = send(alias, ok, "proxy.example.org");
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->connection, ConnectionId{id});
  turn();
  EXPECT_EQ(end.take(), ok);
}

}  // namespace
}  // namespace sipwsd::net
