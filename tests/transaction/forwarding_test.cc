// RFC 3261 16.3 and 16.6: what a forwarded request looks like, and what is not forwarded.
#include "tests/transaction/core_fixture.h"

namespace sipwsd::transaction {
namespace {

class Forwarding : public CoreTest {
 protected:
  Sent forward_one(const RequestText& text) {
    feed(text);
    auto out = transport.to(bob);
    transport.take();
    EXPECT_EQ(out.size(), 1u);
    return out.empty() ? Sent{} : out.front();
  }
  // The one response to a request that must not get through.
  Sent refused(const RequestText& text) {
    feed(text);
    EXPECT_TRUE(transport.to(bob).empty());
    auto out = transport.to(alice);
    transport.take();
    EXPECT_EQ(out.size(), 1u);
    return out.empty() ? Sent{} : out.front();
  }
};

TEST_F(Forwarding, PutsOurViaOnTopAndLeavesTheClientsSentByAlone) {
  const Sent out = forward_one({});

  const auto vias = values_of(out.bytes, sip::HeaderId::via);
  ASSERT_EQ(vias.size(), 2u);
  EXPECT_TRUE(vias[0].starts_with("SIP/2.0/WSS edge.example.org;branch=z9hG4bK")) << vias[0];
  EXPECT_EQ(vias[1], "SIP/2.0/WSS k3j4.invalid;branch=z9hG4bKclient1;received=192.0.2.33");
}

TEST_F(Forwarding, NamesThisWorkerAndTheTicketInItsBranch) {
  const Sent out = forward_one({});

  const auto parsed = sip::parse(out.bytes);
  const auto branch = core().branch_key().recognise(sip::topmost_via(*parsed)->branch());
  ASSERT_TRUE(branch);
  EXPECT_EQ(branch->slot, own_slot);
  EXPECT_EQ(branch->generation, 5u);
  EXPECT_EQ(number(branch->token), out.ticket);
  EXPECT_NE(out.ticket, 0u);
}

TEST_F(Forwarding, SetsTheRequestUriOfTheTargetAndCountsDownMaxForwards) {
  const Sent out = forward_one({});

  EXPECT_EQ(out.first_line(), "MESSAGE sip:bob@70.invalid SIP/2.0");
  EXPECT_EQ(header_of(out.bytes, sip::HeaderId::max_forwards), "69");
  EXPECT_EQ(out.flow, (Flow{bob, static_cast<WorkerSlot>(4)}));
}

TEST_F(Forwarding, AddsMaxForwardsWhereItIsMissingAndLowersAHugeOne) {
  RequestText without;
  without.max_forwards.clear();
  EXPECT_EQ(header_of(forward_one(without).bytes, sip::HeaderId::max_forwards), "70");
  RequestText huge;
  huge.max_forwards = "255";
  huge.branch += "2";
  EXPECT_EQ(header_of(forward_one(huge).bytes, sip::HeaderId::max_forwards), "70");
}

TEST_F(Forwarding, ChangesNothingElse) {
  RequestText text;
  text.headers = "X-Weird:   a,b\r\n  folded\r\nm: <sip:a@k3j4.invalid;transport=ws>\r\n";
  text.body = std::string{"bin\0ary\r\n", 9};
  std::string expected = text.text();
  const Sent out = forward_one(text);

  // Undo what 16.6 asks for; what is left must be what came in.
  std::string back = out.bytes;
  const std::size_t via = back.find("Via: ");
  back.erase(via, back.find("\r\n", via) + 2 - via);
  back.erase(back.find(";received=192.0.2.33"), 20);
  back.replace(back.find("bob@70.invalid"), 14, "bob@example.org");
  back.replace(back.find("Max-Forwards: 69"), 16, "Max-Forwards: 70");
  back.erase(back.find("Max-Breadth: 60\r\n"), 17);
  EXPECT_EQ(back, expected);
}

TEST_F(Forwarding, AddsAContentLengthThatTheWebSocketClientMayLeaveOut) {
  std::string text = RequestText{}.text();
  text.erase(text.find("Content-Length: 0\r\n"), 19);
  text += "hello";
  feed(text, alice);
  EXPECT_EQ(header_of(transport.to(bob).at(0).bytes, sip::HeaderId::content_length), "5");
}

TEST_F(Forwarding, GivesTheSourcePortToWhoAsksForIt) {
  RequestText asks;
  asks.via = "SIP/2.0/WSS 192.0.2.33:5060;rport;branch=z9hG4bKr";
  EXPECT_EQ(values_of(forward_one(asks).bytes, sip::HeaderId::via).at(1),
            "SIP/2.0/WSS 192.0.2.33:5060;rport=40022;branch=z9hG4bKr;received=192.0.2.33");
  RequestText truthful;
  truthful.via = "SIP/2.0/WSS 192.0.2.33:40022;branch=z9hG4bKt";
  EXPECT_EQ(values_of(forward_one(truthful).bytes, sip::HeaderId::via).at(1), truthful.via);
}

TEST_F(Forwarding, ReplacesAReceivedThatTheClientInvented) {
  RequestText liar;
  liar.via = "SIP/2.0/WSS k3j4.invalid;received=10.0.0.1;branch=z9hG4bKl";
  EXPECT_EQ(values_of(forward_one(liar).bytes, sip::HeaderId::via).at(1),
            "SIP/2.0/WSS k3j4.invalid;received=192.0.2.33;branch=z9hG4bKl");
}

TEST_F(Forwarding, InsertsRecordRoutesAboveThoseOfOthersAndTheTargetsPathAsRoute) {
  Target to = target(bob);
  to.route = {"<sip:edge1.example.org;lr;ob>", "sip:edge2.example.org;lr"};
  static constexpr HeaderLine extra[] = {{"X-Extra", "1"}};
  user.outfit_script = [](const Leg& leg, Outfit& outfit) {
    EXPECT_EQ(leg.stay, Stay::record_route);
    EXPECT_EQ(leg.upstream.flow.connection, alice);
    EXPECT_EQ(leg.to.flow.connection, bob);
    outfit.lines = "Record-Route: <sip:tok1@edge.example.org;lr>\r\nRecord-Route: <sip:tok2@edge.example.org;lr>\r\n";
  };
  forward_to({to}, {.stay = Stay::record_route, .headers = extra});
  RequestText text;
  text.method = "INVITE";
  text.headers = "Record-Route: <sip:other.example.org;lr>\r\n";
  const Sent out = forward_one(text);

  EXPECT_EQ(values_of(out.bytes, sip::HeaderId::record_route),
            (Lines{"<sip:tok1@edge.example.org;lr>", "<sip:tok2@edge.example.org;lr>", "<sip:other.example.org;lr>"}));
  EXPECT_EQ(values_of(out.bytes, sip::HeaderId::route), (Lines{"<sip:edge1.example.org;lr;ob>", "<sip:edge2.example.org;lr>"}));
  const auto parsed = sip::parse(out.bytes);
  ASSERT_TRUE(parsed->first("X-Extra"));
  EXPECT_EQ(parsed->first("X-Extra")->value, "1");
  EXPECT_EQ(parsed->header(0).id, sip::HeaderId::via) << "Via stands first";
}

TEST_F(Forwarding, TakesOffTheRoutesThatNamedUs) {
  forward_to({target(bob)}, {.consumed_routes = 2});
  RequestText text;
  text.to_tag = "x";
  text.headers = "Route: <sip:t1@edge.example.org;lr>, <sip:t2@edge.example.org;lr>\r\nRoute: <sip:next.example.org;lr>\r\n";
  EXPECT_EQ(values_of(forward_one(text).bytes, sip::HeaderId::route), (Lines{"<sip:next.example.org;lr>"}));
}

TEST_F(Forwarding, RewritesTheRequestForAStrictRouterBehindUs) {
  forward_to({target(bob)}, {.consumed_routes = 1});
  RequestText text;
  text.to_tag = "x";
  text.headers = "Route: <sip:t1@edge.example.org;lr>, <sip:strict.example.org>, <sip:far.example.org;lr>\r\n";
  const Sent out = forward_one(text);
  EXPECT_EQ(out.first_line(), "MESSAGE sip:strict.example.org SIP/2.0");
  EXPECT_EQ(values_of(out.bytes, sip::HeaderId::route), (Lines{"<sip:far.example.org;lr>", "<sip:bob@70.invalid>"}));
}

TEST_F(Forwarding, LetsNoTextOfAStageSmuggleAHeaderIn) {
  Target to = target(bob);
  to.route = {"<sip:edge1.example.org;lr>\r\nX-Evil: 1"};
  static constexpr HeaderLine extra[] = {{"X-Good", "1\r\nX-Evil: 3"}, {"X-Bad\r\nX-Evil", "4"}, {"X-Fine", "5"}};
  forward_to({to}, {.headers = extra});
  const Sent out = forward_one({});
  EXPECT_EQ(out.bytes.find("Evil"), std::string::npos);
  EXPECT_NE(out.bytes.find("X-Fine: 5\r\n"), std::string::npos);
}

TEST_F(Forwarding, RefusesMaxForwardsZeroWith483) {
  for (const char* method : {"MESSAGE", "OPTIONS", "INVITE"}) {
    RequestText text;
    text.method = method;
    text.branch += method;
    text.max_forwards = "0";
    EXPECT_TRUE(refused(text).is("SIP/2.0 483 ")) << method;
  }
  RequestText broken;
  broken.max_forwards = "seventy";
  EXPECT_TRUE(refused(broken).is("SIP/2.0 400 "));
}

TEST_F(Forwarding, RefusesWhatAProxyMustUnderstandAndWeDont) {
  RequestText text;
  text.headers = "Proxy-Require: sec-agree, foo\r\n";
  const Sent out = refused(text);
  EXPECT_TRUE(out.is("SIP/2.0 420 "));
  EXPECT_EQ(values_of(out.bytes, sip::HeaderId::unsupported), (Lines{"sec-agree", "foo"}));
}

// A request that we sent comes back with our Via below its own, as from a callee that forwards to us.
RequestText coming_back(const test::FakeTransport::Sent& sent, std::string_view uri) {
  const auto parsed = sip::parse(sent.bytes);
  RequestText again;
  again.uri = uri;
  again.via = "SIP/2.0/WSS other.invalid;branch=z9hG4bKother\r\nVia: " + std::string{sip::topmost_via(*parsed)->text};
  return again;
}

TEST_F(Forwarding, AnswersARequestThatComesRoundUnchangedWith482) {
  const Sent first = forward_one({});
  EXPECT_TRUE(refused(coming_back(first, RequestText{}.uri)).is("SIP/2.0 482 "));
  EXPECT_EQ(counters[Count::loops], 1u);
}

TEST_F(Forwarding, LetsASpiralThrough) {
  const Sent first = forward_one({});
  EXPECT_EQ(forward_one(coming_back(first, "sip:somebody-else@example.org")).first_line(), "MESSAGE sip:bob@70.invalid SIP/2.0");
  RequestText routed = coming_back(first, RequestText{}.uri);
  routed.headers = "Route: <sip:elsewhere.example.org;lr>\r\n";
  routed.via.replace(routed.via.find("z9hG4bKother"), 12, "z9hG4bKother2");
  EXPECT_FALSE(forward_one(routed).bytes.empty()) << "another Route is another decision";
}

TEST_F(Forwarding, SaysNotAvailableWhenThereIsNoTarget) {
  forward_to({});
  EXPECT_TRUE(refused({}).is("SIP/2.0 480 "));
}

TEST_F(Forwarding, SendsTryingAtOnceForAnInviteOnly) {
  feed(invite_text());
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 100 Trying"}));
  EXPECT_EQ(transport.sent.front().flow.connection, alice) << "before the INVITE goes on";
  transport.take();
  feed(RequestText{});
  EXPECT_TRUE(lines_to(alice).empty());
}

TEST_F(Forwarding, TriesTargetsOfEqualQTogetherAndLowerOnesLater) {
  forward_to({target(carol, 300), target(bob, 700), target(dave, 700)});
  auto out = invite(invite_text());
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].flow.connection, bob);
  EXPECT_EQ(out[1].flow.connection, dave);
  EXPECT_NE(out[0].ticket, out[1].ticket);

  respond(out[0], 486);
  EXPECT_TRUE(lines_to(carol).empty());
  respond(out[1], 404);

  EXPECT_EQ(lines_to(carol), (Lines{"INVITE sip:bob@71.invalid SIP/2.0"}));
  EXPECT_TRUE(lines_to(alice).empty()) << "no final response while a target is left";
}

TEST_F(Forwarding, TriesAtMostTenTargets) {
  std::vector<Target> many;
  for (unsigned i = 0; i < 15; ++i) many.push_back(target(static_cast<ConnectionId>(100 + i)));
  forward_to(many);
  EXPECT_EQ(invite(invite_text()).size(), 10u);
}

TEST_F(Forwarding, RepeatsTheWholeRequestForTheNextTarget) {
  forward_to({target(bob, 700), target(carol, 300)});
  const auto out = invite(invite_text());
  transport.take();
  respond(out.at(0), 404);
  const auto second = transport.to(carol).at(0);

  // Equal but for the Request-URI and our branch.
  const auto without_ours = [](std::string bytes) {
    bytes.erase(0, bytes.find("\r\n"));
    bytes.erase(0, bytes.find("\r\n", 2));
    return bytes;
  };
  EXPECT_EQ(without_ours(second.bytes), without_ours(out.at(0).bytes));
}

TEST_F(Forwarding, PassesTheAckToA2xxOnWithoutState) {
  RequestText ack;
  ack.method = "ACK";
  ack.to_tag = "callee";
  ack.uri = "sip:bob@70.invalid";
  ack.headers = "Route: <sip:t1@edge.example.org;lr>\r\n";
  forward_to({target(bob)}, {.consumed_routes = 1});
  feed(ack);

  const auto out = transport.to(bob);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].first_line(), "ACK sip:bob@70.invalid SIP/2.0");
  EXPECT_TRUE(values_of(out[0].bytes, sip::HeaderId::route).empty());
  EXPECT_EQ(out[0].ticket, 0u);
  EXPECT_EQ(core().size(), 0u);
  EXPECT_TRUE(lines_to(alice).empty()) << "an ACK is never answered";
}

TEST_F(Forwarding, NeverAnswersAnAckWhateverIsWrongWithIt) {
  RequestText ack;
  ack.method = "ACK";
  ack.max_forwards = "0";
  feed(ack);
  answer_with(404);
  ack.branch += "2";
  feed(ack);
  user.request_script = nullptr;
  ack.branch += "3";
  feed(ack);
  EXPECT_TRUE(transport.sent.empty());
}

TEST_F(Forwarding, KeepsTheOrderOfOneConnection) {
  RequestText ack;
  ack.method = "ACK";
  ack.to_tag = "callee";
  RequestText reinvite = invite_text();
  reinvite.to_tag = "callee";
  reinvite.cseq = 2;
  reinvite.branch += "2";
  RequestText bye;
  bye.method = "BYE";
  bye.cseq = 3;
  bye.branch += "3";
  feed(ack);
  feed(reinvite);
  feed(bye);
  EXPECT_EQ(lines_to(bob), (Lines{"ACK sip:bob@70.invalid SIP/2.0", "INVITE sip:bob@70.invalid SIP/2.0",
                                  "BYE sip:bob@70.invalid SIP/2.0"}));
}

// RFC 5393 5.3.3: what is under way at once shares the Max-Breadth the request came with.
struct Breadth {
  std::string_view received;    // header line
  std::vector<int> q;           // of the targets
  std::vector<std::string> sent;  // at once, each branch's; empty: 440
};

class MaxBreadth : public CoreTest, public ::testing::WithParamInterface<Breadth> {};

TEST_P(MaxBreadth, IsSharedAmongTheBranches) {
  std::vector<Target> targets;
  for (std::size_t i = 0; i < GetParam().q.size(); ++i)
    targets.push_back(target(static_cast<ConnectionId>(100 + i), GetParam().q[i]));
  forward_to(targets);
  RequestText text;
  text.headers = GetParam().received;
  feed(text);
  std::vector<std::string> breadths;
  for (const Sent& one : transport.sent)
    if (!one.is("SIP/2.0 ")) breadths.push_back(header_of(one.bytes, sip::HeaderId::max_breadth));
  EXPECT_EQ(breadths, GetParam().sent);
  EXPECT_EQ(lines_to(alice), breadths.empty() ? Lines{"SIP/2.0 440 Max-Breadth Exceeded"} : Lines{});
}

INSTANTIATE_TEST_SUITE_P(Requests, MaxBreadth,
                         ::testing::Values(Breadth{"", {1000}, {"60"}}, Breadth{"", {1, 1, 1}, {"20", "20", "20"}},
                                           Breadth{"Max-Breadth: 7\r\n", {1000}, {"7"}},
                                           Breadth{"Max-Breadth: 500\r\n", {1000}, {"60"}},
                                           Breadth{"Max-Breadth: 4294967296\r\n", {1000}, {"60"}},
                                           Breadth{"Max-Breadth: 7\r\n", {1, 1, 1}, {"2", "2", "2"}},
                                           Breadth{"Max-Breadth: 3\r\n", {1, 1, 1}, {"1", "1", "1"}},
                                           Breadth{"Max-Breadth: 2\r\n", {1, 1, 1}, {}},
                                           Breadth{"Max-Breadth: 0\r\n", {1000}, {}},
                                           Breadth{"Max-Breadth: 1\r\n", {3, 2, 1}, {"1"}},
                                           Breadth{"Max-Breadth: 10\r\n", {2, 2, 1}, {"3", "3"}}));

TEST_F(Forwarding, RefusesABrokenMaxBreadth) {
  RequestText broken;
  broken.headers = "Max-Breadth: wide\r\n";
  EXPECT_TRUE(refused(broken).is("SIP/2.0 400 "));
}

TEST_F(Forwarding, TakesOffTheCredentialsThatWereForUsAndNoOthers) {
  forward_to({target(bob)}, {.consumed_realm = "example.org"});
  RequestText text;
  text.headers =
      "Proxy-Authorization: Digest username=\"a\", realm=\"example.org\", nonce=\"n\", uri=\"sip:b\", response=\"r\"\r\n"
      "Proxy-Authorization: Digest username=\"a\", realm=\"other.example.net\", nonce=\"n\", uri=\"sip:b\", response=\"r\"\r\n"
      "Authorization: Digest username=\"a\", realm=\"example.org\", nonce=\"n\", uri=\"sip:b\", response=\"r\"\r\n";
  const Sent out = forward_one(text);
  const auto parsed = sip::parse(out.bytes);
  EXPECT_EQ(parsed->count(sip::HeaderId::proxy_authorization), 1u) << "RFC 3261 22.3";
  EXPECT_NE(header_of(out.bytes, sip::HeaderId::proxy_authorization).find("other.example.net"), std::string::npos);
  EXPECT_EQ(parsed->count(sip::HeaderId::authorization), 1u);

  RequestText ack = text;
  ack.method = "ACK";
  ack.to_tag = "x";
  ack.branch += "2";
  EXPECT_EQ(sip::parse(forward_one(ack).bytes)->count(sip::HeaderId::proxy_authorization), 1u);
}

TEST_F(Forwarding, LeavesARedirectToTheCaller) {
  forward_to({target(bob), target(carol, 10)});
  const auto out = invite(invite_text());
  respond(out.at(0), 302, "callee", "Contact: <sip:elsewhere.example.net>\r\n");
  respond(transport.to(carol).at(0), 404);
  const auto up = transport.to(alice);
  ASSERT_EQ(up.size(), 1u) << "16.7 step 4 allows to follow it; S25 does not: it is what a stranger wrote";
  EXPECT_TRUE(up[0].is("SIP/2.0 302 "));
  EXPECT_EQ(header_of(up[0].bytes, sip::HeaderId::contact), "<sip:elsewhere.example.net>");
}

}  // namespace
}  // namespace sipwsd::transaction
