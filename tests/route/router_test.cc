// The routing host with real connections on one side and a small stage on the other: what the stage's acts do.
#include "src/route/router.h"

#include <sys/socket.h>

#include <stdexcept>

#include "tests/net/net_fixture.h"

namespace sipwsd::route {
namespace {

using namespace std::chrono_literals;
using net::Peer;
using net::server_close;
using net::server_frame;
using shm::Counter;
using test::frame;
namespace op = test::op;
using Strings = std::vector<std::string>;

// Registers, looks up, keeps dialogs together: as little as the tests need.
class SmallStage final : public RoutingStage {
 public:
  explicit SmallStage(Strings& log) : log_(log) {}
  std::string_view name() const noexcept override { return "small"; }
  Verdict on_data(DataExchange& exchange) override {
    if (exchange.bytes() == "throw") throw std::runtime_error("as asked");
    if (exchange.bytes() == "bye") {
      exchange.close(4001, "as asked");
      return Verdict::handled;
    }
    return Verdict::next;
  }
  Verdict on_http(HttpExchange& exchange) override {
    if (exchange.target() == "/throw") throw std::runtime_error("as asked");
    if (exchange.is_upgrade()) return Verdict::next;
    const HeaderLine headers[]{{"Content-Type", "text/plain"}};
    exchange.reply(404, "", headers, "nothing here\n");
    return Verdict::handled;
  }
  Verdict on_request(RequestExchange& exchange) override {
    const auto method = exchange.message().method();
    if (method == "THROW") throw std::runtime_error("as asked");
    if (method == "IDLE") return Verdict::handled;
    if (method == "OPTIONS") return Verdict::next;
    if (method == "REGISTER") {
      exchange.save_registration();
    } else if (exchange.has_to_tag()) {
      if (const auto relayed = exchange.relay_in_dialog(); !relayed)
        exchange.reply(relayed.is(Errc::refused) ? 403 : relayed.is(Errc::gone) ? 430 : 481, "In Dialog");
    } else {
      const auto targets = exchange.lookup(exchange.message().request_uri());
      exchange.relay(targets ? *targets : std::vector<Target>{});
    }
    return Verdict::handled;
  }
  Verdict on_reply(ReplyExchange& exchange) override {
    log_.push_back("reply " + std::to_string(exchange.message().status_code()));
    return Verdict::next;
  }
  void on_closed(const ClosedConnection& closed) override {
    log_.push_back("closed " + std::to_string(number(closed.id)) + " " + std::string(closed.cause));
  }

 private:
  Strings& log_;
};

// A SIP client's words.
struct Words {
  std::string method, uri;
  std::string to = "<sip:bob@example.org>";
  Strings lines = {};
  unsigned cseq = 1;
  std::string call_id = "call-1";
  std::string from = "<sip:alice@example.org>;tag=a";
  [[nodiscard]] std::string text() const {
    std::string out = method + " " + uri + " SIP/2.0\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK" + call_id + method + std::to_string(cseq) +
                      "\r\nMax-Forwards: 70\r\nFrom: " + from + "\r\nTo: " + to + "\r\nCall-ID: " + call_id + "\r\nCSeq: " + std::to_string(cseq) + " " +
                      method + "\r\n";
    for (const auto& line : lines) out += line + "\r\n";
    return out + "Content-Length: 0\r\n\r\n";
  }
};

std::string answer_to(std::string_view request_bytes, int status) {
  const auto request = sip::parse(request_bytes);
  EXPECT_TRUE(request) << request_bytes;
  std::string out = "SIP/2.0 " + std::to_string(status) + " Yes\r\n";
  for (const auto id : {sip::HeaderId::via, sip::HeaderId::record_route, sip::HeaderId::from, sip::HeaderId::to, sip::HeaderId::call_id, sip::HeaderId::cseq})
    for (const sip::Header& header : request->all(id)) {
      std::string line(header.line);
      if (id == sip::HeaderId::to && line.find(";tag=") == std::string::npos) line.insert(line.size() - 2, ";tag=b");
      out += line;
    }
  return out + "Contact: <sip:b@b.invalid>\r\nContent-Length: 0\r\n\r\n";
}

class RouterTest : public ::testing::Test {
 protected:
  static constexpr WorkerSlot slot{0};

  RouterTest() {
    os::ignore_broken_pipes();
    clock.advance(10'000s);
    settings.server_header = "test";
    settings.alias = {"example.org"};
    settings.auth_mode = config::AuthMode::none;
    router = std::make_unique<Router>(Router::Place{.loop = loop,
                                                    .settings = settings,
                                                    .shared = *segment,
                                                    .mailbox = mailbox,
                                                    .random = random,
                                                    .slot = slot,
                                                    .generation = 1,
                                                    .secrets = {{1, 2}, {3, 4}},
                                                    .listeners = {{test::at("198.51.100.1", 80), {}}}},
                                      store);
    std::vector<StagePointer> stages;
    stages.emplace_back(new SmallStage(log), [](RoutingStage* s) { delete s; });
    router->set_stages(std::move(stages));
    loop.run_once(0ms);
  }
  ~RouterTest() override { router.reset(); }

  void turn() {
    for (int i = 0; i < 6; ++i) loop.run_once(0ms);
  }
  Peer connect(const std::string& request) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    router->connections().adopt(os::Fd{ends[0]}, test::at("192.0.2.7", 4711), test::at("198.51.100.1", 80));
    Peer peer{os::Fd{ends[1]}};
    peer.send(request);
    turn();
    return peer;
  }
  void pass(base::Seconds time) {
    for (base::Seconds i{0}; i < time; i += 1s) {
      clock.advance(1s);
      turn();
    }
  }
  Peer open() {
    Peer peer = connect(net::get);
    EXPECT_EQ(peer.take(), net::switching);
    return peer;
  }
  // The client says it; everything is done; what the client then has is taken apart from its frame.
  std::string say(Peer& peer, const std::string& text, std::uint8_t opcode = op::text) {
    peer.send(frame(opcode, text));
    turn();
    return hear(peer);
  }
  std::string ask(Peer& peer, const Words& words) { return say(peer, words.text()); }
  static std::string hear(Peer& peer) {
    const auto bytes = peer.take();
    if (bytes.size() < 2) return bytes;
    const auto length = static_cast<unsigned char>(bytes[1]);
    return bytes.substr(length < 126 ? 2 : length == 126 ? 4 : 10);
  }
  static std::string first_line(const std::string& text) { return text.substr(0, text.find('\r')); }
  void sign_in(Peer& peer, const std::string& user) {
    EXPECT_EQ(first_line(ask(peer, {"REGISTER", "sip:example.org", "<sip:" + user + "@example.org>", {"Contact: <sip:" + user + "@" + user + ".invalid>"}, 1, "reg-" + user})),
              "SIP/2.0 200 OK");
  }
  std::uint64_t count(Counter counter) { return segment->value(counter); }

  test::PrivateSegment segment;
  config::Settings settings;
  base::FakeClock clock;
  base::FixedRandom random;
  os::EventLoop loop{clock};
  bus::Mailbox mailbox{segment->mailboxes, shm::process_slot(slot)};
  location::ShmStore store{segment->bindings, clock, shm::process_slot(slot)};
  Strings log;
  std::unique_ptr<Router> router;
};

// --- HTTP ---------------------------------------------------------------------------------------------------------

TEST_F(RouterTest, AnswersPlainHttpAsTheStageSays) {
  Peer peer = connect("GET /x HTTP/1.1\r\nHost: example.org\r\n\r\n");
  const auto reply = peer.take();
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 404 Not Found\r\n")) << reply;
  EXPECT_TRUE(reply.ends_with("\r\n\r\nnothing here\n")) << reply;
  EXPECT_TRUE(peer.has_ended());
}

TEST_F(RouterTest, Answers500WhenTheStageThrowsOverHttp) {
  EXPECT_TRUE(connect("GET /throw HTTP/1.1\r\nHost: example.org\r\n\r\n").take().starts_with("HTTP/1.1 500 "));
}

TEST_F(RouterTest, RefusesHandshakesWhileDisabledOrLeavingAndCountsWhy) {
  segment->switches->set_ws_enabled(false);
  const auto disabled = connect(net::get).take();
  EXPECT_TRUE(disabled.starts_with("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n")) << disabled;
  segment->switches->set_ws_enabled(true);
  segment->switches->set_drain(shm::DrainLevel::no_new_connections);
  EXPECT_TRUE(connect(net::get).take().starts_with("HTTP/1.1 503 "));
  segment->switches->set_drain(shm::DrainLevel::none);
  auto foreign = net::get;
  foreign.replace(foreign.find("example.org"), 11, "evil.example");
  EXPECT_TRUE(connect(foreign).take().starts_with("HTTP/1.1 403 "));
  open();
  EXPECT_EQ(count(Counter::handshake_refused_503), 2u);
  EXPECT_EQ(count(Counter::handshake_refused_403), 1u);
  EXPECT_EQ(count(Counter::ws_failed_handshakes), 3u);
}

TEST_F(RouterTest, Answers503WithRetryAfterWhenTheTableIsFull) {
  for (std::uint32_t id = 1000; segment->connections.insert({.id = ConnectionId{id}, .local = {}, .remote = {}, .owner = slot}); ++id) {
  }
  const auto reply = connect(net::get).take();
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n")) << reply;
  EXPECT_EQ(count(Counter::full_table_refusals), 1u);
  EXPECT_EQ(count(Counter::handshake_refused_503), 1u);
}

// --- data ---------------------------------------------------------------------------------------------------------

TEST_F(RouterTest, AnswersAKeepaliveOfTwoLineEndsWithOne) {  // RFC 5626 4.4.1, RFC 7118 6
  Peer peer = open();
  peer.send(frame(op::binary, "\r\n\r\n"));
  turn();
  EXPECT_EQ(peer.take(), server_frame(op::binary, "\r\n"));
  peer.send(frame(op::text, "\r\n\r\n"));
  turn();
  EXPECT_EQ(peer.take(), server_frame(op::text, "\r\n"));
}

TEST_F(RouterTest, AnswersAMalformedRequestAndGoesOn) {
  Peer peer = open();
  auto bad = Words{"OPTIONS", "sip:example.org"}.text();
  bad.replace(bad.find("CSeq: 1 "), 8, "CSeq: x ");
  EXPECT_TRUE(first_line(say(peer, bad)).starts_with("SIP/2.0 400 ")) << bad;
  EXPECT_EQ(say(peer, "this is no SIP"), "");
  EXPECT_EQ(first_line(ask(peer, {"OPTIONS", "sip:example.org", "<sip:example.org>", {}, 2})), "SIP/2.0 405 Method Not Allowed") << "nobody claimed it";
}

TEST_F(RouterTest, ClosesOneConnectionWhenTheStageThrowsOverDataOrAsksForIt) {
  Peer peer = open(), other = open(), third = open();
  peer.send(frame(op::text, "throw"));
  third.send(frame(op::text, "bye"));
  turn();
  EXPECT_TRUE(peer.take().starts_with(server_close(1011).substr(0, 1)));
  EXPECT_EQ(third.take(), server_close(4001, "as asked"));
  EXPECT_EQ(other.take(), "");
}

TEST_F(RouterTest, Answers500WhenAStageThrowsOverARequestOrDoesNothingWithIt) {
  Peer peer = open();
  EXPECT_TRUE(first_line(ask(peer, {"THROW", "sip:example.org"})).starts_with("SIP/2.0 500 "));
  EXPECT_TRUE(first_line(ask(peer, {"IDLE", "sip:example.org", "<sip:x@example.org>", {}, 2, "call-2"})).starts_with("SIP/2.0 500 "));
}

// --- registration and calls ---------------------------------------------------------------------------------------

TEST_F(RouterTest, BringsAMessageToWhoRegisteredAndItsAnswerBack) {
  Peer alice = open(), bob = open();
  sign_in(bob, "bob");
  EXPECT_EQ(ask(alice, {"MESSAGE", "sip:bob@example.org"}), "");
  const auto at_bob = hear(bob);
  EXPECT_EQ(first_line(at_bob), "MESSAGE sip:bob@bob.invalid SIP/2.0");
  EXPECT_EQ(at_bob.find("Record-Route"), std::string::npos) << "a MESSAGE makes no dialog (RFC 3428 4)";
  EXPECT_EQ(say(bob, answer_to(at_bob, 200)), "");
  EXPECT_EQ(first_line(hear(alice)), "SIP/2.0 200 Yes");
  EXPECT_EQ(log, Strings{"reply 200"});
  EXPECT_EQ(count(Counter::registrar_accepted_regs), 1u);
}

TEST_F(RouterTest, TakesTheBindingAwayWithAConnectionThatWasClosed) {
  Peer alice = open(), bob = open();
  sign_in(bob, "bob");
  say(bob, test::close_payload(1001), op::close);
  bob.leave();
  turn();
  EXPECT_EQ(segment->bindings.contacts(), 0u);
  EXPECT_EQ(count(Counter::bindings_dropped), 1u);
  EXPECT_EQ(count(Counter::closed_events), 1u);
  EXPECT_TRUE(first_line(ask(alice, {"MESSAGE", "sip:bob@example.org"})).starts_with("SIP/2.0 480 "));
}

TEST_F(RouterTest, KeepsTheBindingOfAConnectionThatBrokeForAWhile) {
  Peer alice = open(), bob = open();
  sign_in(bob, "bob");
  bob.leave();
  turn();
  EXPECT_EQ(segment->bindings.contacts(), 1u);
  EXPECT_EQ(log, Strings{"closed 2 connection lost"});
  const auto ringing = ask(alice, {"INVITE", "sip:bob@example.org", "<sip:bob@example.org>", {"Contact: <sip:a@a.invalid>"}});
  EXPECT_NE(ringing.find("SIP/2.0 100 "), std::string::npos) << ringing;
  EXPECT_NE(ringing.find("SIP/2.0 182 "), std::string::npos) << ringing;

  Peer again = open();
  again.send(frame(op::text, Words{"REGISTER", "sip:example.org", "<sip:bob@example.org>", {"Contact: <sip:bob@bob.invalid>"}, 2, "reg-bob"}.text()));
  turn();
  const auto heard = again.take();
  EXPECT_NE(heard.find("SIP/2.0 200 OK"), std::string::npos);
  EXPECT_NE(heard.find("INVITE sip:bob@bob.invalid SIP/2.0"), std::string::npos) << "the call that waited for him";
}

TEST_F(RouterTest, GivesUpACallForOneWhoDoesNotComeBack) {
  Peer alice = open(), bob = open();
  sign_in(bob, "bob");
  bob.leave();
  turn();
  ask(alice, {"INVITE", "sip:bob@example.org", "<sip:bob@example.org>", {"Contact: <sip:a@a.invalid>"}});
  alice.take();
  pass(29s);
  EXPECT_EQ(alice.take(), "");
  pass(3s);
  EXPECT_EQ(first_line(hear(alice)), "SIP/2.0 480 Temporarily Unavailable");
}

TEST_F(RouterTest, ForgetsWhoBreaksAtOnceWhenThereIsNoGrace) {
  settings.flow_grace = 0s;
  Peer alice = open(), bob = open();
  sign_in(bob, "bob");
  bob.leave();
  turn();
  EXPECT_EQ(segment->bindings.contacts(), 0u);
  EXPECT_TRUE(first_line(ask(alice, {"MESSAGE", "sip:bob@example.org"})).starts_with("SIP/2.0 480 "));
}

class DialogTest : public RouterTest {
 protected:
  DialogTest() {
    sign_in(bob, "bob");
    ask(alice, {"INVITE", "sip:bob@example.org", "<sip:bob@example.org>", {"Contact: <sip:a@a.invalid>"}});
    invite = hear(bob);
    const auto parsed = sip::parse(invite);
    EXPECT_TRUE(parsed) << invite;
    const auto line = std::string(parsed->value(sip::HeaderId::record_route));
    EXPECT_TRUE(line.starts_with("<sip:") && line.ends_with("@198.51.100.1:80;transport=ws;lr>")) << line;
    route = "Route: " + line;
    say(bob, answer_to(invite, 200));
    EXPECT_NE(hear(alice).find("SIP/2.0 200 Yes"), std::string::npos);
  }
  [[nodiscard]] Words from_alice(std::string method, std::string with_route, unsigned cseq = 2) const {
    return {std::move(method), "sip:b@b.invalid", "<sip:bob@example.org>;tag=b", {std::move(with_route)}, cseq};
  }
  [[nodiscard]] Words from_bob(std::string method) const {
    return {std::move(method), "sip:a@a.invalid", "<sip:alice@example.org>;tag=a", {route}, 1, "call-1", "<sip:bob@example.org>;tag=b"};
  }
  Peer alice = open(), bob = open();
  std::string invite, route;
};

TEST_F(DialogTest, RunsAlongTheTokenFromEitherEnd) {
  ask(alice, from_alice("ACK", route, 1));
  const auto ack = hear(bob);
  EXPECT_EQ(first_line(ack), "ACK sip:b@b.invalid SIP/2.0");
  EXPECT_EQ(ack.find("Route:"), std::string::npos) << "ours is taken off (RFC 3261 16.4)";
  ask(bob, from_bob("BYE"));
  EXPECT_EQ(first_line(hear(alice)), "BYE sip:a@a.invalid SIP/2.0");
}

// A machine has many addresses, and a PROXY header names those of others: a client sends back the Route as it got it,
// whichever of them it came in on itself.
TEST_F(DialogTest, RunsAlongTheTokenWhateverAddressStandsBesideIt) {
  route.replace(route.find("198.51.100.1:80"), 15, "203.0.113.77:443");
  ask(bob, from_bob("BYE"));
  EXPECT_EQ(first_line(hear(alice)), "BYE sip:a@a.invalid SIP/2.0");
}

TEST_F(DialogTest, S25RefusesAForgedToken) {
  auto forged = route;
  char& one = forged[forged.find("sip:") + 10];
  one = one == 'A' ? 'B' : 'A';
  EXPECT_TRUE(first_line(ask(alice, from_alice("BYE", forged))).starts_with("SIP/2.0 403 ")) << forged;
  EXPECT_EQ(hear(bob), "");
}

TEST_F(DialogTest, S25RefusesAThirdPartyWhileBothEndsAreThere) {
  Peer mallory = open();
  EXPECT_TRUE(first_line(ask(mallory, from_alice("BYE", route))).starts_with("SIP/2.0 403 "));
  EXPECT_EQ(hear(bob), "");
  EXPECT_EQ(hear(alice), "");
}

TEST_F(DialogTest, FollowsAnEndThatHasReconnected) {
  alice.leave();
  turn();
  Peer again = open();
  ask(again, from_alice("BYE", route));
  EXPECT_EQ(first_line(hear(bob)), "BYE sip:b@b.invalid SIP/2.0");
}

TEST_F(DialogTest, FollowsTheOtherEndToItsNewConnection) {
  ask(alice, from_alice("ACK", route, 1));
  hear(bob);
  bob.leave();
  turn();
  EXPECT_EQ(ask(alice, from_alice("BYE", route)), "") << "he is expected back";
  Peer again = open();
  again.send(frame(op::text, Words{"REGISTER", "sip:example.org", "<sip:bob@example.org>", {"Contact: <sip:bob@bob.invalid>"}, 2, "reg-bob"}.text()));
  turn();
  const auto heard = again.take();
  const auto bye = heard.find("BYE sip:b@b.invalid SIP/2.0");
  ASSERT_NE(bye, std::string::npos) << heard;
  EXPECT_EQ(say(again, answer_to(heard.substr(bye), 200)), "");
  EXPECT_EQ(first_line(hear(alice)), "SIP/2.0 200 Yes");
  ask(alice, from_alice("INFO", route, 3));
  EXPECT_EQ(first_line(hear(again)), "INFO sip:b@b.invalid SIP/2.0") << "and so does everything after it";
}

TEST_F(DialogTest, SaysWhenTheOtherEndIsGone) {
  say(bob, test::close_payload(1001), op::close);
  bob.leave();
  turn();
  hear(alice);
  EXPECT_TRUE(first_line(ask(alice, from_alice("BYE", route))).starts_with("SIP/2.0 430 "));
  Peer third = open();
  alice.leave();
  turn();
  EXPECT_TRUE(first_line(ask(third, from_alice("BYE", route, 3))).starts_with("SIP/2.0 430 "));
}

TEST_F(DialogTest, NeedsARouteOfOurs) {
  EXPECT_TRUE(first_line(ask(alice, from_alice("BYE", "Route: <sip:other.example;lr>"))).starts_with("SIP/2.0 481 "));
  EXPECT_TRUE(first_line(ask(alice, from_alice("BYE", "Subject: none", 3))).starts_with("SIP/2.0 481 "));
}

TEST_F(RouterTest, S25RelaysToNoRouteThatOnlyTheClientPointsAt) {
  Peer alice = open(), bob = open();
  sign_in(bob, "bob");
  EXPECT_TRUE(first_line(ask(alice, {"MESSAGE", "sip:bob@example.org", "<sip:bob@example.org>", {"Route: <sip:evil.example;lr>"}})).starts_with("SIP/2.0 403 "));
  EXPECT_EQ(hear(bob), "");
  EXPECT_EQ(ask(alice, {"MESSAGE", "sip:bob@example.org", "<sip:bob@example.org>", {"Route: <sip:example.org;lr>"}, 2}), "");
  EXPECT_EQ(first_line(hear(bob)), "MESSAGE sip:bob@bob.invalid SIP/2.0") << "a Route that names us is just taken off";
}

// --- letters ------------------------------------------------------------------------------------------------------

class LettersTest : public RouterTest {
 protected:
  void post(const bus::Letter& letter) { router->on_letter(shm::ProcessSlot{3}, letter); }
  // The answers that mi has got: "ticket code".
  Strings answers() {
    Strings out;
    mi.drain(100, [&](shm::ProcessSlot, const bus::Letter& letter) {
      if (const auto* m = std::get_if<bus::MiAnswer>(&letter)) out.push_back(std::to_string(m->ticket) + " " + std::to_string(m->code));
      else if (const auto* f = std::get_if<bus::SendFailed>(&letter)) out.push_back("failed " + std::string(f->branch));
      else out.emplace_back("something else");
    });
    return out;
  }
  bus::Mailbox mi{segment->mailboxes, shm::ProcessSlot{3}};
};

TEST_F(LettersTest, PingAndPongAConnectionAndAnswerTheTicket) {
  Peer peer = open();
  post(bus::Ping{.connection = ConnectionId{1}, .ticket = 5, .payload = "there?"});
  post(bus::Pong{.connection = ConnectionId{1}, .ticket = 6, .payload = "beat"});
  post(bus::Ping{.connection = ConnectionId{9}, .ticket = 7, .payload = "there?"});
  turn();
  EXPECT_EQ(peer.take(), server_frame(op::ping, "there?") + server_frame(op::pong, "beat"));
  EXPECT_EQ(answers(), (Strings{"5 200", "6 200", "7 500"}));
  post(bus::Ping{.connection = ConnectionId{1}, .ticket = 0, .payload = "keepalive"});
  EXPECT_EQ(answers(), Strings{}) << "nobody asked";
  EXPECT_EQ(count(Counter::pings_sent), 2u);
  EXPECT_EQ(count(Counter::pongs_sent), 1u);
}

TEST_F(LettersTest, CloseAConnectionOnceWithWordsAndTheSecondTimeWithout) {
  Peer peer = open();
  post(bus::Close{.connection = ConnectionId{1}, .ticket = 5, .code = 1000, .reason = "Normal closure"});
  turn();
  EXPECT_EQ(peer.take(), server_close(1000, "Normal closure"));
  post(bus::Ping{.connection = ConnectionId{1}, .ticket = 6, .payload = "x"});
  post(bus::Close{.connection = ConnectionId{1}, .ticket = 7, .code = 1000, .reason = {}});
  turn();
  EXPECT_TRUE(peer.has_ended());
  post(bus::Close{.connection = ConnectionId{1}, .ticket = 8, .code = 1000, .reason = {}});
  EXPECT_EQ(answers(), (Strings{"5 200", "6 500", "7 200", "8 500"}));
  EXPECT_EQ(log, Strings{"closed 1 closed by the operator"});
}

TEST_F(LettersTest, DropAConnectionThatDidNotAnswer) {
  Peer peer = open();
  post(bus::Drop{.connection = ConnectionId{1}, .reason = bus::DropReason::no_pong});
  turn();
  EXPECT_TRUE(peer.has_ended());
  EXPECT_EQ(log, Strings{"closed 1 no pong"});
  EXPECT_EQ(count(Counter::keepalive_drops), 1u);
}

TEST_F(LettersTest, SendAMessageOrSayThatItCouldNotBe) {
  Peer peer = open();
  post(bus::SendMessage{.connection = ConnectionId{1}, .opcode = bus::OpcodeHint::automatic, .branch = "12345678", .bytes = "hello"});
  post(bus::SendMessage{.connection = ConnectionId{1}, .opcode = bus::OpcodeHint::binary, .branch = {}, .bytes = "hello"});
  post(bus::SendMessage{.connection = ConnectionId{9}, .opcode = bus::OpcodeHint::automatic, .branch = "12345678", .bytes = "hello"});
  post(bus::SendMessage{.connection = ConnectionId{9}, .opcode = bus::OpcodeHint::automatic, .branch = {}, .bytes = "hello"});
  turn();
  EXPECT_EQ(peer.take(), server_frame(op::text, "hello") + server_frame(op::binary, "hello"));
  EXPECT_EQ(answers(), Strings{"failed 12345678"});
}

TEST_F(LettersTest, TellTheOthersOfTheEndOfAConnectionTheyHaveUsed) {
  bus::Mailbox other(segment->mailboxes, shm::ProcessSlot{1});
  const auto told = [&] {
    Strings ids;
    other.drain(10, [&](shm::ProcessSlot, const bus::Letter& letter) {
      if (const auto* m = std::get_if<bus::ConnectionClosed>(&letter)) ids.push_back(std::to_string(number(m->connection)));
    });
    return ids;
  };
  Peer unused = open(), used = open();
  post(bus::SendMessage{.connection = ConnectionId{2}, .opcode = bus::OpcodeHint::automatic, .branch = {}, .bytes = "hello"});
  unused.leave();
  used.leave();
  turn();
  EXPECT_EQ(told(), Strings{"2"});
}

TEST_F(LettersTest, AnnounceALostConnectionOfADeadWorkerOnce) {
  shm::ConnectionRecord record;
  record.identity.id = ConnectionId{77};
  record.remote = test::at("192.0.2.9", 9);
  record.local = test::at("198.51.100.1", 80);
  record.remote.protocol = record.local.protocol = TransportProtocol::ws;
  router->on_lost_connection(record);
  EXPECT_EQ(log, Strings{"closed 77 worker died"});
  EXPECT_EQ(count(Counter::closed_events), 1u);
}

}  // namespace
}  // namespace sipwsd::route

