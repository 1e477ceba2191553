// SIP over the running daemon with the edge stage, between clients in one worker and in two (RFC 3261, RFC 7118, RFC 5626;
// reference/browser-clients.md). Whatever crosses workers goes as letters; nobody outside may see a difference.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

#include "tests/support/sip_client.h"
#include "tests/support/test_server.h"

namespace sipwsd::test {
namespace {

class DaemonSip : public testing::Test {
 protected:
  // Who breaks is forgotten at once: one test is not to wait for the clients of another.
  static void SetUpTestSuite() { server_ = new TestServer(2, {"--flow-grace", "0"}); }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }
  static TestServer& server() { return *server_; }
  static SipClient client(const std::string& user) { return {server().port(), user}; }

  // Contacts of a 200 as the URIs with their expires.
  static std::vector<std::string> contacts(const SipMessage& response) {
    std::vector<std::string> out;
    for (const auto& line : response.all("Contact")) {
      std::size_t from = 0;
      while (from < line.size()) {
        auto to = line.find(", <", from);
        if (to == std::string::npos) to = line.size();
        out.push_back(line.substr(from, to - from));
        from = to + 2;
      }
    }
    return out;
  }

 private:
  static TestServer* server_;
};
TestServer* DaemonSip::server_ = nullptr;

// --- REGISTER ------------------------------------------------------------------------------------------------------------

TEST_F(DaemonSip, Answers200WithTheClientsContactAndItsExpires) {
  auto alice = client("reg-alice");

  const auto ok = alice.register_contact(";+sip.ice", 600);

  const auto listed = contacts(ok);
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(uri_in(listed[0]), alice.contact());
  EXPECT_EQ(parameter(listed[0], "expires"), "600");
  EXPECT_NE(listed[0].find(";+sip.ice"), std::string::npos);
  EXPECT_FALSE(parameter(ok.header("To"), "tag").empty());
  EXPECT_EQ(ok.all("Via").size(), 1u);
  EXPECT_TRUE(ok.header("Via").starts_with("SIP/2.0/WS reg-alice.invalid;"));
}

TEST_F(DaemonSip, GivesEachOfSeveralContactsItsOwnExpires) {
  auto alice = client("reg-several");

  const auto ok = alice.ask(alice.registration(
      {"<sip:a@a.invalid;transport=ws>;expires=100, <sip:b@b.invalid;transport=ws>;q=0.5", "<sip:c@c.invalid>;expires=7200"}, 300));

  ASSERT_EQ(ok.status(), 200);
  auto listed = contacts(ok);
  ASSERT_EQ(listed.size(), 3u);
  std::sort(listed.begin(), listed.end());
  EXPECT_EQ(parameter(listed[0], "expires"), "100");
  EXPECT_EQ(parameter(listed[1], "expires"), "300");
  EXPECT_EQ(parameter(listed[1], "q"), "0.5");
  EXPECT_EQ(parameter(listed[2], "expires"), "3600") << "lowered to max_expires";
}

TEST_F(DaemonSip, RaisesAnExpiryThatIsTooShortInsteadOfRefusingIt) {
  auto alice = client("reg-short");
  const auto ok = alice.register_contact({}, 5);
  EXPECT_EQ(parameter(contacts(ok).at(0), "expires"), "60");
}

TEST_F(DaemonSip, ListsTheBindingsWhenNoContactIsGiven) {
  auto alice = client("reg-query");
  alice.register_contact();

  const auto ok = alice.ask(alice.registration({}, 600));

  EXPECT_EQ(ok.status(), 200);
  EXPECT_EQ(contacts(ok).size(), 1u);
}

TEST_F(DaemonSip, RemovesOneContactWithExpires0AndAllWithAStar) {
  auto alice = client("reg-remove");
  ASSERT_EQ(contacts(alice.ask(alice.registration({"<sip:a@a.invalid>", "<sip:b@b.invalid>", "<sip:c@c.invalid>"}, 600))).size(), 3u);

  const auto two = alice.ask(alice.registration({"<sip:b@b.invalid>;expires=0"}, 600));
  const auto none = alice.ask(alice.registration({"*"}, 0));

  EXPECT_EQ(contacts(two).size(), 2u);
  EXPECT_EQ(none.status(), 200);
  EXPECT_TRUE(contacts(none).empty());
  EXPECT_EQ(alice.ask(alice.make("MESSAGE", alice.aor())).status(), 480);
}

TEST_F(DaemonSip, RefusesAStarThatDoesNotRemove) {
  auto alice = client("reg-star");
  EXPECT_EQ(alice.ask(alice.registration({"*"}, 600)).status(), 400);
}

TEST_F(DaemonSip, ReplacesTheBindingOfTheSameInstanceAndRegIdAfterAReconnect) {
  const std::string instance = ";reg-id=1;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000a95a0e128>\"";
  auto before = client("reg-again");
  before.register_contact(instance);
  auto after = client("reg-again");

  const auto ok = after.ask(after.registration({"<sip:x@new.invalid;transport=ws>" + instance}, 600));

  const auto listed = contacts(ok);
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(uri_in(listed[0]), "sip:x@new.invalid;transport=ws");
  EXPECT_EQ(ok.header("Require"), "outbound");
  // The new flow counts, also once the old one has gone.
  before.ws.abort();
  auto caller = client("reg-again-caller");
  caller.send(caller.make("MESSAGE", after.aor()));
  EXPECT_EQ(after.receive_request("MESSAGE").uri(), "sip:x@new.invalid;transport=ws");
}

TEST_F(DaemonSip, DropsTheBindingWithItsConnection) {
  auto caller = client("gone-caller");
  {
    auto alice = client("gone");
    alice.register_contact();
    alice.ws.send_close(1001);
    alice.ws.receive_close();
  }
  EXPECT_EQ(caller.ask(caller.make("MESSAGE", "sip:gone@example.org")).status(), 480);
  EXPECT_EQ(contacts(caller.ask([&] {
              auto query = caller.registration({}, 600);
              query.to = "<sip:gone@example.org>";
              return query;
            }())).size(), 0u);
}

// --- what is answered here -----------------------------------------------------------------------------------------------

TEST_F(DaemonSip, AnswersOptionsToTheServer) {
  auto alice = client("options");

  const auto ok = alice.ask(alice.make("OPTIONS", "sip:example.org"));

  EXPECT_EQ(ok.status(), 200);
  EXPECT_NE(ok.header("Allow").find("INVITE"), std::string::npos);
  EXPECT_NE(ok.header("Supported").find("outbound"), std::string::npos);
  EXPECT_FALSE(ok.header("Server").empty());
}

TEST_F(DaemonSip, RefusesWithTheStatusThatFits) {
  auto alice = client("refused");
  alice.register_contact();
  auto hops = alice.make("MESSAGE", alice.aor());
  auto no_hops = alice.text(hops);
  no_hops.replace(no_hops.find("Max-Forwards: 70"), 16, "Max-Forwards: 0");
  auto required = alice.make("OPTIONS", "sip:example.org");
  required.headers.emplace_back("Require: 100rel, path");

  EXPECT_EQ(alice.ask(alice.make("MESSAGE", "sip:nobody@example.org")).status(), 480);
  EXPECT_EQ(alice.ask(alice.invite("sip:nobody@example.org")).status(), 480);
  EXPECT_EQ(alice.ask(alice.make("MESSAGE", "sip:somebody@elsewhere.test")).status(), 403);
  EXPECT_EQ(alice.ask(alice.make("MESSAGE", "sip:x@df7jal23ls0d.invalid")).status(), 403);
  EXPECT_EQ(alice.ask(alice.make("MESSAGE", "sip:example.org")).status(), 404);
  EXPECT_EQ(alice.ask(alice.make("MESSAGE", "tel:+4912345")).status(), 416);
  const auto extension = alice.ask(required);
  EXPECT_EQ(extension.status(), 420);
  EXPECT_EQ(extension.header("Unsupported"), "100rel");
  alice.ws.send_text(no_hops);
  EXPECT_EQ(alice.receive().status(), 483);
}

TEST_F(DaemonSip, S25RefusesAForgedFlowTokenAndARouteToElsewhere) {
  auto alice = client("forger");
  const std::string here = "127.0.0.1:" + std::to_string(server().port());
  auto forged = alice.make("BYE", "sip:x@y.invalid");
  forged.to += ";tag=there";
  forged.headers.push_back("Route: <sip:AAAAAAAAAAAAAAAAAAAAAAAAAAA@" + here + ";transport=ws;lr>");
  auto elsewhere = alice.make("MESSAGE", alice.aor());
  elsewhere.headers.emplace_back("Route: <sip:192.0.2.1;lr>");
  auto lost = alice.make("BYE", "sip:x@y.invalid");
  lost.to += ";tag=there";
  alice.register_contact();

  EXPECT_EQ(alice.ask(forged).status(), 403);
  EXPECT_EQ(alice.ask(elsewhere).status(), 403);
  EXPECT_EQ(alice.ask(lost).status(), 481);
}

TEST_F(DaemonSip, Answers481ToACancelOfNothing) {
  auto alice = client("canceller");
  EXPECT_EQ(alice.ask(alice.make("CANCEL", "sip:nobody@example.org")).status(), 481);
}

TEST_F(DaemonSip, TakesSeveralMessagesInOneAndAnswersKeepalives) {
  auto alice = client("several");

  alice.ws.send_text(alice.text(alice.make("OPTIONS", "sip:example.org")) + "\r\n\r\n" +
                     alice.text(alice.make("OPTIONS", "sip:example.org")));
  alice.ws.send_binary("\r\n\r\n");
  alice.ws.send_text("\r\n\r\n");

  EXPECT_EQ(alice.receive().status(), 200);
  std::vector<Frame> frames;
  for (int i = 0; i < 4; ++i) frames.push_back(alice.ws.receive());
  const auto count = [&](auto condition) { return std::count_if(frames.begin(), frames.end(), condition); };
  EXPECT_EQ(count([](const Frame& f) { return f.payload.starts_with("SIP/2.0 200"); }), 1);
  EXPECT_EQ(count([](const Frame& f) { return f.is_text() && f.payload == "\r\n"; }), 2);
  EXPECT_EQ(count([](const Frame& f) { return f.is_binary() && f.payload == "\r\n"; }), 1);
}

TEST_F(DaemonSip, Answers400ToAMalformedRequestAndGoesOn) {
  auto alice = client("malformed");
  const auto good = alice.text(alice.make("OPTIONS", "sip:example.org"));
  const auto broken = [&](std::string_view what, std::string_view by) {
    auto text = good;
    return text.replace(text.find(what), what.size(), by);
  };
  for (const auto& wire : {broken("CSeq: 1 OPTIONS", "CSeq: x OPTIONS"), broken("CSeq: 1 OPTIONS", "CSeq: 1 INVITE"),
                           broken("To: <sip:example.org>\r\n", ""), broken("Content-Length: 0", "Content-Length: 99")}) {
    SCOPED_TRACE(wire);
    alice.ws.send_text(wire);
    EXPECT_EQ(alice.receive().status(), 400);
  }
  alice.ws.send_text("complete nonsense");
  alice.ws.send_text("SIP/2.0 200 OK\r\nVia: SIP/2.0/WS stray.invalid;branch=z9hG4bKx\r\n\r\n");
  alice.ws.send_binary(std::string(1000, '\0'));

  EXPECT_EQ(alice.ask(alice.make("OPTIONS", "sip:example.org")).status(), 200);
}

// --- between two clients -------------------------------------------------------------------------------------------------

// The same calls with both in one worker, and with each in its own.
class DaemonSipBetween : public DaemonSip, public testing::WithParamInterface<bool> {
 protected:
  DaemonSipBetween()
      : first_(server().process("worker 0")),
        second_(server().process(GetParam() ? "worker 1" : "worker 0")),
        alice(SipClient::in_worker(server(), first_, "alice")),
        bob(SipClient::in_worker(server(), second_, "bob")) {
    alice.register_contact();
    bob.register_contact();
  }
  // Up to bob's ringing: what he got, what alice got.
  struct Ringing {
    SipRequest sent;
    SipMessage at_bob, at_alice;
  };
  Ringing ring() {
    Ringing call{.sent = alice.invite(bob.aor()), .at_bob = {}, .at_alice = {}};
    alice.send(call.sent);
    alice.receive_response(100);
    call.at_bob = bob.receive_request("INVITE");
    bob.respond(call.at_bob, 180, "Ringing");
    call.at_alice = alice.receive_response(180);
    return call;
  }
  struct Call {
    SipDialog alices, bobs;
  };
  Call talk() {
    auto call = ring();
    bob.respond(call.at_bob, 200, "OK", {"Content-Type: application/sdp"}, "v=0\r\n");
    const auto ok = alice.receive_response(200);
    Call made{SipClient::dialog_of(call.sent, ok), bob.dialog_of(call.at_bob)};
    alice.send(alice.within(made.alices, "ACK"));
    bob.receive_request("ACK");
    return made;
  }

 private:
  pid_t first_, second_;

 protected:
  SipClient alice, bob;
};
INSTANTIATE_TEST_SUITE_P(Workers, DaemonSipBetween, testing::Bool(),
                         [](const auto& p) { return std::string(p.param ? "Two" : "One"); });

TEST_P(DaemonSipBetween, RelaysAMessageAndItsAnswer) {
  auto request = alice.make("MESSAGE", bob.aor());
  request.headers.emplace_back("Content-Type: text/plain;charset=utf-8");
  request.body = "gr\xc3\xbc\xc3\x9f dich";
  alice.send(request);

  const auto received = bob.receive_request("MESSAGE");
  EXPECT_EQ(received.uri(), bob.contact());
  EXPECT_EQ(received.body, request.body);
  EXPECT_EQ(received.header("Max-Forwards"), "69");
  EXPECT_EQ(received.all("Via").size(), 2u);
  EXPECT_EQ(received.header("Call-ID"), request.call_id);
  EXPECT_TRUE(received.came_as_text);
  bob.respond(received, 202, "Accepted", {"X-Note: from bob"});

  const auto answer = alice.receive_response(202);
  EXPECT_EQ(answer.all("Via").size(), 1u);
  EXPECT_EQ(answer.header("X-Note"), "from bob");
  EXPECT_EQ(answer.header("CSeq"), "1 MESSAGE");
}

TEST_P(DaemonSipBetween, RelaysABodyThatIsNotUtf8InABinaryFrame) {
  auto request = alice.make("MESSAGE", bob.aor());
  request.headers.emplace_back("Content-Type: text/plain;charset=iso-8859-1");
  request.body = "gr\xfc\xdf dich";
  alice.ws.send_binary(alice.text(request));

  const auto received = bob.receive_request("MESSAGE");
  EXPECT_FALSE(received.came_as_text);
  EXPECT_EQ(received.body, request.body);
}

TEST_P(DaemonSipBetween, MakesACallWithEverythingInIt) {
  auto sent = alice.invite(bob.aor());
  alice.send(sent);
  EXPECT_TRUE(parameter(alice.receive_response(100).header("To"), "tag").empty());

  const auto invite = bob.receive_request("INVITE");
  EXPECT_EQ(invite.body, sent.body);
  EXPECT_EQ(invite.all("Record-Route").size(), 1u);
  EXPECT_EQ(uri_in(invite.header("Contact")), alice.contact());
  bob.respond(invite, 180, "Ringing");
  EXPECT_EQ(alice.receive_response(180).all("Record-Route"), invite.all("Record-Route"));
  bob.respond(invite, 200, "OK", {"Content-Type: application/sdp"}, "v=0\r\ns=answer\r\n");
  const auto ok = alice.receive_response(200);
  EXPECT_EQ(ok.body, "v=0\r\ns=answer\r\n");
  EXPECT_EQ(ok.all("Via").size(), 1u);
  auto alices = SipClient::dialog_of(sent, ok), bobs = bob.dialog_of(invite);

  // Back to back, as JsSIP does: the order must hold.
  const auto ack = alice.within(alices, "ACK");
  const auto again = alice.within(alices, "INVITE");
  alice.send(ack);
  alice.send(again);
  const auto ack_at_bob = bob.receive_request("ACK");
  EXPECT_TRUE(ack_at_bob.all("Route").empty());
  EXPECT_EQ(ack_at_bob.uri(), bob.contact());
  const auto again_at_bob = bob.receive_request("INVITE");
  alice.receive_response(100);
  bob.respond(again_at_bob, 200, "OK");
  alice.receive_response(200);
  alice.send(alice.within(alices, "ACK"));
  bob.receive_request("ACK");

  // And from the other end.
  bob.send(bob.within(bobs, "INVITE"));
  bob.receive_response(100);
  const auto back = alice.receive_request("INVITE");
  EXPECT_EQ(back.uri(), alice.contact());
  alice.respond(back, 488, "Not Acceptable Here");
  bob.receive_response(488);
  // The ACK to a failure is ours, hop by hop.
  EXPECT_EQ(alice.receive_request("ACK").header("CSeq"), back.header("CSeq").substr(0, back.header("CSeq").find(' ')) + " ACK");

  bob.send(bob.within(bobs, "BYE"));
  const auto bye = alice.receive_request("BYE");
  alice.respond(bye, 200, "OK");
  EXPECT_EQ(bob.receive_response(200).method(), "BYE");
}

TEST_P(DaemonSipBetween, LetsTheCallerHangUpToo) {
  auto call = talk();

  alice.send(alice.within(call.alices, "BYE"));

  bob.respond(bob.receive_request("BYE"), 200, "OK");
  EXPECT_EQ(alice.receive_response(200).method(), "BYE");
}

TEST_P(DaemonSipBetween, PassesTheOtherMethodsInADialogBothWays) {
  auto call = talk();
  for (const char* method : {"INFO", "UPDATE", "REFER", "NOTIFY", "MESSAGE", "SUBSCRIBE", "OPTIONS"}) {
    SCOPED_TRACE(method);
    alice.send(alice.within(call.alices, method));
    bob.respond(bob.receive_request(method), 200, "OK");
    EXPECT_EQ(alice.receive_response(200).method(), method);
    bob.send(bob.within(call.bobs, method));
    alice.respond(alice.receive_request(method), 481, "Call/Transaction Does Not Exist");
    EXPECT_EQ(bob.receive_response(481).method(), method);
  }
}

TEST_P(DaemonSipBetween, CancelsAPhoneThatRings) {
  const auto call = ring();
  auto cancel = call.sent;
  cancel.method = "CANCEL";
  cancel.headers = {"Reason: SIP;cause=487;text=\"changed my mind\""};
  cancel.body.clear();

  alice.send(cancel);

  const auto ok = alice.receive_response(200);
  EXPECT_EQ(ok.method(), "CANCEL");
  const auto at_bob = bob.receive_request("CANCEL");
  EXPECT_EQ(at_bob.uri(), call.at_bob.uri());
  EXPECT_EQ(at_bob.all("Via").size(), 1u);
  EXPECT_EQ(parameter(at_bob.header("Via"), "branch"), parameter(call.at_bob.header("Via"), "branch"));
  EXPECT_EQ(at_bob.header("Reason"), "SIP;cause=487;text=\"changed my mind\"");
  bob.respond(at_bob, 200, "OK");
  bob.respond(call.at_bob, 487, "Request Terminated");
  EXPECT_EQ(bob.receive_request("ACK").header("CSeq"), "1 ACK");
  EXPECT_EQ(alice.receive_response(487).method(), "INVITE");
}

TEST_P(DaemonSipBetween, PassesBusyToTheCallerAndAcksIt) {
  const auto call = ring();

  bob.respond(call.at_bob, 486, "Busy Here");

  bob.receive_request("ACK");
  const auto busy = alice.receive_response(486);
  auto ack = call.sent;
  ack.method = "ACK";
  ack.to = busy.header("To");
  alice.send(ack);  // goes no further
  EXPECT_EQ(alice.ask(alice.make("OPTIONS", "sip:example.org")).status(), 200);
  EXPECT_EQ(bob.ask(bob.make("OPTIONS", "sip:example.org")).status(), 200);
}

TEST_P(DaemonSipBetween, TellsTheCallerAtOnceWhenTheRingingPhoneGoesAway) {
  ring();

  bob.ws.abort();

  const auto final = alice.receive();
  EXPECT_EQ(final.status(), 480);
  EXPECT_EQ(final.method(), "INVITE");
}

TEST_P(DaemonSipBetween, CancelsTheRingingPhoneWhenTheCallerGoesAway) {
  const auto call = ring();

  alice.ws.abort();

  const auto cancel = bob.receive_request("CANCEL");
  EXPECT_EQ(parameter(cancel.header("Via"), "branch"), parameter(call.at_bob.header("Via"), "branch"));
}

TEST_P(DaemonSipBetween, AnswersAByeToAnEndThatIsGone) {
  auto call = talk();
  bob.ws.send_close(1001);
  bob.ws.receive_close();
  bob.ws.expect_end();

  const auto answer = alice.ask(alice.within(call.alices, "BYE"));

  EXPECT_EQ(answer.status(), 430);
}

TEST_P(DaemonSipBetween, LetsAnEndThatHasReconnectedHangUpOverItsNewConnection) {
  auto call = talk();
  bob.ws.send_close(1001);
  bob.ws.receive_close();
  bob.ws.expect_end();
  SipClient again(server().port(), "bob");

  again.send(again.within(call.bobs, "BYE"));

  alice.respond(alice.receive_request("BYE"), 200, "OK");
  again.receive_response(200);
}

TEST_P(DaemonSipBetween, S25LetsNobodyElseUseTheTokenOfADialogThatLives) {
  auto call = talk();
  SipClient mallory(server().port(), "mallory");

  EXPECT_EQ(mallory.ask(mallory.within(call.alices, "BYE")).status(), 403);

  alice.send(alice.within(call.alices, "BYE"));
  bob.respond(bob.receive_request("BYE"), 200, "OK");
  alice.receive_response(200);
}

TEST_P(DaemonSipBetween, AsksEveryPhoneOfAUserAndStopsTheOthersWhenOneAnswers) {
  auto other = SipClient(server().port(), "bob");
  other.ask(other.registration({"<sip:bob@other.invalid;transport=ws>"}, 600));
  alice.send(alice.invite(bob.aor()));
  alice.receive_response(100);
  const auto here = bob.receive_request("INVITE"), there = other.receive_request("INVITE");
  other.respond(there, 180, "Ringing");
  alice.receive_response(180);

  bob.respond(here, 200, "OK");

  alice.receive_response(200);
  const auto cancel = other.receive_request("CANCEL");
  EXPECT_NE(cancel.header("Reason").find("cause=200"), std::string::npos);
  other.respond(cancel, 200, "OK");
  other.respond(there, 487, "Request Terminated");
  other.receive_request("ACK");
  EXPECT_EQ(alice.ask(alice.make("OPTIONS", "sip:example.org")).status(), 200) << "the 487 stays here";
}

// `count` messages at once, numbered from 1.
std::string burst_of_messages(const SipClient& from, const std::string& to, int count) {
  auto request = from.make("MESSAGE", to);
  std::string wire;
  for (int i = 1; i <= count; ++i) {
    request.branch = "z9hG4bK-" + request.call_id + "-" + std::to_string(i);
    request.body = std::to_string(i);
    request.cseq = static_cast<unsigned>(i);
    wire += frame(op::text, from.text(request));
  }
  return wire;
}

std::vector<std::string> numbers_to(int count) {
  std::vector<std::string> out;
  for (int i = 1; i <= count; ++i) out.push_back(std::to_string(i));
  return out;
}

// Takes and answers `count` messages; their bodies.
std::vector<std::string> answer_messages(SipClient& at, int count) {
  std::vector<std::string> bodies;
  for (int i = 0; i < count; ++i) {
    const auto received = at.receive_request("MESSAGE");
    bodies.push_back(received.body);
    at.respond(received, 200, "OK");
  }
  return bodies;
}

// The CSeq numbers of the next `count` responses, each a 200.
std::vector<std::string> take_answers(SipClient& at, int count) {
  std::vector<std::string> numbers;
  for (int i = 0; i < count; ++i) {
    const auto cseq = at.receive_response(200).header("CSeq");
    numbers.push_back(cseq.substr(0, cseq.find(' ')));
  }
  return numbers;
}

TEST_P(DaemonSipBetween, KeepsTheOrderOfFiveHundredMessagesBothWays) {
  alice.ws.send_raw(burst_of_messages(alice, bob.aor(), 500));

  EXPECT_EQ(answer_messages(bob, 500), numbers_to(500));
  EXPECT_EQ(take_answers(alice, 500), numbers_to(500));
}

// The port of the second socket the server was told to open.
std::uint16_t second_port(const TestServer& server) {
  const std::string log = server.log();
  constexpr std::string_view said = "sipwsd: listening on ";
  const auto line = log.find(said, log.find(said) + 1);
  return static_cast<std::uint16_t>(std::stoi(log.substr(log.rfind(':', log.find('\n', line)) + 1)));
}

// A whole call between two phones of this server; the INVITE as the called one got it.
SipMessage call_and_hang_up(std::uint16_t port) {
  SipClient alice(port, "alice"), bob(port, "bob");
  bob.register_contact();
  const auto invite = alice.invite(bob.aor());
  alice.send(invite);
  alice.receive_response(100);
  const auto at_bob = bob.receive_request("INVITE");
  bob.respond(at_bob, 200, "OK", {"Content-Type: application/sdp"}, "v=0\r\n");
  auto alices = SipClient::dialog_of(invite, alice.receive_response(200));
  alice.send(alice.within(alices, "ACK"));
  bob.receive_request("ACK");
  auto bobs = bob.dialog_of(at_bob);
  bob.send(bob.within(bobs, "BYE"));
  alice.respond(alice.receive_request("BYE"), 200, "OK");
  EXPECT_EQ(bob.receive_response(200).method(), "BYE");
  return at_bob;
}

TEST(DaemonSipListeners, KeepADialogTogetherWhenTheyListenEverywhere) {
  TestServer server(1, {"--listen", "ws:0.0.0.0:0", "--auth-mode", "none"});
  const auto invite = call_and_hang_up(second_port(server));
  EXPECT_NE(invite.header("Record-Route").find("@127.0.0.1:" + std::to_string(second_port(server))), std::string::npos);
}

TEST(DaemonSipListeners, SayWhatTheyAdvertiseInViaAndRecordRoute) {
  TestServer server(1, {"--listen", "ws:127.0.0.1:0 advertise edge.example.org:443"});
  const auto invite = call_and_hang_up(second_port(server));
  EXPECT_NE(invite.header("Record-Route").find("@edge.example.org:443"), std::string::npos);
  EXPECT_TRUE(invite.header("Via").starts_with("SIP/2.0/WS edge.example.org:443;")) << invite.header("Via");
}

// A quarter of a mebibyte for a worker that is not scheduled for a while: the rings between workers are far larger.
TEST(DaemonSipBurst, HoldsWhatComesForAWorkerThatIsBusy) {
  TestServer server(2, {});
  const pid_t busy = server.process("worker 1");
  auto alice = SipClient::in_worker(server, server.process("worker 0"), "alice"), bob = SipClient::in_worker(server, busy, "bob");
  bob.register_contact();
  alice.ws.send_raw(burst_of_messages(alice, bob.aor(), 200));  // the rings are not new any more
  answer_messages(bob, 200);
  take_answers(alice, 200);

  kill(busy, SIGSTOP);
  alice.ws.send_raw(burst_of_messages(alice, bob.aor(), 500));
  server.wait_for_statistic("fwd_requests", 700);
  kill(busy, SIGCONT);

  EXPECT_EQ(answer_messages(bob, 500), numbers_to(500));
  EXPECT_EQ(take_answers(alice, 500), numbers_to(500));
}

TEST_P(DaemonSipBetween, RelaysTheLargestMessage) {
  auto request = alice.make("MESSAGE", bob.aor());
  request.body = std::string(250'000, 'b');

  alice.send(request);

  EXPECT_EQ(bob.receive_request("MESSAGE").body, request.body);
}

}  // namespace
}  // namespace sipwsd::test
