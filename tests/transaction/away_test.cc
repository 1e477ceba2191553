// Clients whose connection is gone and who are expected back: what is for them waits, and follows them.
#include "tests/transaction/core_fixture.h"

namespace sipwsd::transaction {
namespace {

constexpr auto bobs_phone = static_cast<ClientId>(0xb0b);
constexpr auto alices_browser = static_cast<ClientId>(0xa11ce);
constexpr auto new_flow = static_cast<ConnectionId>(500);

class Away : public CoreTest {
 protected:
  Away() {
    user.locate_script = [this](const Wanted& wanted, std::vector<Place>& places) {
      const auto who = whereabouts.find(wanted.client);
      if (who == whereabouts.end()) return Located{};
      if (who->second != ConnectionId::none) {
        places.push_back({way_to(who->second), {}});
        return Located{.when = Located::When::now};
      }
      return Located{.when = Located::When::later, .until = clock.now() + grace, .provisional = 182};
    };
    forward_to({phone()});
  }

  Target phone(int q = 1000) const {
    Target one = target(bob, q);
    one.client = bobs_phone;
    return one;
  }
  // As the location service knows it when his connection has dropped: no flow.
  static Target suspended_phone(int q = 1000) {
    Target one;
    one.request_uri = "sip:bob@70.invalid";
    one.client = bobs_phone;
    one.q = q;
    return one;
  }
  void drop(ConnectionId connection, ClientId client) {
    whereabouts[client] = ConnectionId::none;
    core().on_connection_closed(connection);
  }
  void come_back(ClientId client, ConnectionId connection = new_flow) {
    whereabouts[client] = connection;
    core().on_client_moved(client, way_to(connection));
  }
  void feed_as_alice(const RequestText& request, ConnectionId from = alice) {
    const std::string bytes = request.text();
    const auto message = sip::parse(bytes);
    Arrival arrival = arrival_from(from);
    arrival.client = alices_browser;
    core().on_request(*message, arrival);
  }
  static RequestText cancel_of(const RequestText& invite) {
    RequestText cancel = invite;
    cancel.method = "CANCEL";
    cancel.body.clear();
    return cancel;
  }
  static RequestText ack_of(const RequestText& invite) {
    RequestText ack = invite;
    ack.method = "ACK";
    ack.to_tag = "callee";
    ack.branch += "ack";
    ack.body.clear();
    return ack;
  }
  void expect_nothing_left() {
    EXPECT_EQ(core().size(), 0u);
    EXPECT_EQ(core().kept_bytes(), 0u);
    EXPECT_EQ(wheel.size(), 0u);
  }

  std::map<ClientId, ConnectionId> whereabouts;  // none: expected back
  std::chrono::seconds grace{30};
};

// --- a call for who is away

TEST_F(Away, ACallIsHeldAndDeliveredWhenHeIsBack) {
  whereabouts[bobs_phone] = ConnectionId::none;
  forward_to({suspended_phone()});
  feed(invite_text());
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 100 Trying", "SIP/2.0 182 Queued"}));
  pass(20s);
  come_back(bobs_phone);
  ASSERT_EQ(lines_to(new_flow), (Lines{"INVITE sip:bob@70.invalid SIP/2.0"}));
  respond(transport.to(new_flow).at(0), 200);
  EXPECT_EQ(lines_to(alice).back(), "SIP/2.0 200 Whatever");
  come_back(bobs_phone, carol);
  EXPECT_TRUE(lines_to(carol).empty()) << "once";
}

TEST_F(Away, ACallToAConnectionThatHasJustGoneIsHeldToo) {
  transport.failures[bob] = Errc::gone;
  whereabouts[bobs_phone] = ConnectionId::none;
  feed(invite_text());
  come_back(bobs_phone);
  EXPECT_EQ(lines_to(new_flow), (Lines{"INVITE sip:bob@70.invalid SIP/2.0"}));
}

TEST_F(Away, AConnectionOfAnotherWorkerMayTurnOutToBeGoneLater) {
  const Sent out = invite(invite_text()).at(0);
  whereabouts[bobs_phone] = ConnectionId::none;
  core().on_send_failed(out.ticket);
  come_back(bobs_phone);
  EXPECT_EQ(lines_to(new_flow), (Lines{"INVITE sip:bob@70.invalid SIP/2.0"}));
}

// A phone that changed its network is back before anybody knows that its old connection is dead.
TEST_F(Away, WhatIsUnderWayFollowsOneWhoLeftAConnectionThatSeemsToLive) {
  auto text = invite_text();
  feed_as_alice(text);
  const auto first = transport.to(bob).at(0);
  RequestText other = invite_text();
  other.branch = "z9hG4bKother";
  other.call_id = "call-2";
  forward_to({target(bob)});  // somebody else's, over the same connection
  feed(other);
  transport.take();

  whereabouts[bobs_phone] = new_flow;
  core().on_client_left(bobs_phone, bob);

  ASSERT_EQ(lines_to(new_flow), (Lines{"INVITE sip:bob@70.invalid SIP/2.0"}));
  EXPECT_EQ(transport.to(new_flow).at(0).bytes, first.bytes) << "a retransmission, for who has it already";
  EXPECT_TRUE(lines_to(alice).empty()) << "the other one is still under way";
  respond(transport.to(new_flow).at(0), 180);
  whereabouts[alices_browser] = carol;
  core().on_client_left(alices_browser, alice);
  respond(first, 200);
  EXPECT_EQ(lines_to(carol).back(), "SIP/2.0 200 Whatever");
}

TEST_F(Away, WhoDoesNotComeBackIs480AsTheStageSays) {
  whereabouts[bobs_phone] = ConnectionId::none;
  forward_to({suspended_phone()}, {.gone_status = 430, .gone_reason = "Flow Failed"});
  feed(invite_text());
  pass(29s);
  EXPECT_EQ(lines_to(alice).size(), 2u);
  pass(2s);
  EXPECT_EQ(lines_to(alice).back(), "SIP/2.0 430 Flow Failed");
  come_back(bobs_phone);
  EXPECT_TRUE(lines_to(new_flow).empty());
}

TEST_F(Away, WhoIsNotExpectedIs480AtOnce) {
  forward_to({suspended_phone()});
  feed(invite_text());
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 100 Trying", "SIP/2.0 480 Temporarily Unavailable"}));
}

TEST_F(Away, ACallIsCancelledAtOnceWhileItWaits) {
  whereabouts[bobs_phone] = ConnectionId::none;
  forward_to({suspended_phone()});
  const RequestText text = invite_text();
  feed(text);
  transport.take();
  feed(cancel_of(text));
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 OK", "SIP/2.0 487 Request Terminated"}));
  come_back(bobs_phone);
  EXPECT_TRUE(lines_to(new_flow).empty());
}

TEST_F(Away, ACallIsForgottenWhenItsCallerGoesForGood) {
  whereabouts[bobs_phone] = ConnectionId::none;
  forward_to({suspended_phone()});
  feed(invite_text());
  core().on_connection_closed(alice);
  expect_nothing_left();
}

TEST_F(Away, ARequestThatIsNoInviteIsHeldWithoutAWordAndOnlyUntilItsTimerF) {
  whereabouts[bobs_phone] = ConnectionId::none;
  grace = 600s;
  forward_to({suspended_phone()});
  feed(RequestText{});
  EXPECT_TRUE(transport.sent.empty()) << "RFC 4320: no provisional";
  pass(20s);
  come_back(bobs_phone);
  respond(transport.to(new_flow).at(0), 200);
  EXPECT_EQ(lines_to(alice).back(), "SIP/2.0 200 Whatever");

  whereabouts[bobs_phone] = ConnectionId::none;
  RequestText second;
  second.branch += "2";
  feed(second);
  pass(33s);
  expect_nothing_left();
}

TEST_F(Away, TheirRequestsComeInTheOrderTheyWereMade) {
  whereabouts[bobs_phone] = ConnectionId::none;
  forward_to({suspended_phone()});
  for (unsigned i = 1; i <= 5; ++i) {
    RequestText text;
    text.branch += std::to_string(i);
    text.cseq = i;
    feed(text);
  }
  come_back(bobs_phone);
  std::vector<std::string> order;
  for (const Sent& one : transport.to(new_flow)) order.push_back(header_of(one.bytes, sip::HeaderId::cseq));
  EXPECT_EQ(order, (Lines{"1 MESSAGE", "2 MESSAGE", "3 MESSAGE", "4 MESSAGE", "5 MESSAGE"}));
}

TEST_F(Away, OnlyWhatIsForThemFollows) {
  const auto neighbour = static_cast<ClientId>(number(bobs_phone) + 4096);  // in the same list
  whereabouts[bobs_phone] = whereabouts[neighbour] = ConnectionId::none;
  Target other = suspended_phone();
  other.client = neighbour;
  other.request_uri = "sip:other@70.invalid";
  forward_to({suspended_phone(), other});
  feed(invite_text());
  come_back(bobs_phone);
  EXPECT_EQ(lines_to(new_flow), (Lines{"INVITE sip:bob@70.invalid SIP/2.0"}));
  come_back(neighbour, carol);
  EXPECT_EQ(lines_to(carol), (Lines{"INVITE sip:other@70.invalid SIP/2.0"}));
}

// --- forks

TEST_F(Away, TheOthersRingAtOnceAndHeJoinsThem) {
  whereabouts[bobs_phone] = ConnectionId::none;
  forward_to({suspended_phone(), target(carol)});
  feed(invite_text());
  EXPECT_EQ(lines_to(carol).size(), 1u);
  respond(transport.to(carol).at(0), 180);
  come_back(bobs_phone);
  EXPECT_EQ(lines_to(new_flow).size(), 1u);
  respond(transport.to(carol).at(0), 486);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 100 Trying", "SIP/2.0 182 Queued", "SIP/2.0 180 Whatever"}));
  respond(transport.to(new_flow).at(0), 200);
  EXPECT_EQ(lines_to(alice).back(), "SIP/2.0 200 Whatever");
}

TEST_F(Away, TheAnswerOfAnotherDoesNotWaitForHimWhateverItIs) {
  whereabouts[bobs_phone] = ConnectionId::none;
  forward_to({suspended_phone(), target(carol)});
  feed(invite_text());
  respond(transport.to(carol).at(0), 486);
  EXPECT_EQ(lines_to(alice).back(), "SIP/2.0 486 Whatever");
  come_back(bobs_phone);
  EXPECT_TRUE(lines_to(new_flow).empty());
}

TEST_F(Away, TheEndOfAnothersConnectionIsNoAnswer) {
  whereabouts[bobs_phone] = ConnectionId::none;
  forward_to({suspended_phone(), target(carol)});
  feed(invite_text());
  core().on_connection_closed(carol);
  come_back(bobs_phone);
  EXPECT_EQ(lines_to(new_flow), (Lines{"INVITE sip:bob@70.invalid SIP/2.0"}));
}

TEST_F(Away, TheSuccessOrTheDeclineOfAnotherEndsTheWaiting) {
  whereabouts[bobs_phone] = ConnectionId::none;
  forward_to({suspended_phone(), target(carol)});
  feed(invite_text());
  respond(transport.to(carol).at(0), 200);
  come_back(bobs_phone);
  EXPECT_TRUE(lines_to(new_flow).empty()) << "answered elsewhere";

  whereabouts[bobs_phone] = ConnectionId::none;
  RequestText second = invite_text();
  second.branch += "2";
  second.call_id += "2";
  feed(second);
  transport.sent.erase(transport.sent.begin(), transport.sent.end() - 1);
  respond(transport.to(carol).at(0), 603);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 603 Whatever"}));
}

TEST_F(Away, HeDoesNotKeepTargetsOfLowerQWaiting) {
  whereabouts[bobs_phone] = ConnectionId::none;
  forward_to({suspended_phone(900), target(carol, 500), target(dave, 100)});
  feed(invite_text());
  EXPECT_EQ(lines_to(carol).size(), 1u);
  EXPECT_TRUE(lines_to(dave).empty()) << "carol does";
  respond(transport.to(carol).at(0), 404);
  EXPECT_EQ(lines_to(dave).size(), 1u);
}

// --- a call that was there already

TEST_F(Away, WhoRangGetsTheSameInviteOverTheNewConnectionAndAbsorbsIt) {
  const Sent out = invite(invite_text()).at(0);
  respond(out, 180);
  transport.take();
  drop(bob, bobs_phone);
  EXPECT_TRUE(transport.sent.empty()) << "it rings on for the caller";
  come_back(bobs_phone);
  const auto again = transport.to(new_flow);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].bytes, out.bytes);
  EXPECT_NE(again[0].ticket, out.ticket);
  respond(again[0], 200);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 Whatever"}));
}

TEST_F(Away, ANewConnectionThatIsThereBeforeTheOldOneIsMissedIsUsedAtOnce) {
  const Sent out = invite(invite_text()).at(0);
  whereabouts[bobs_phone] = new_flow;
  core().on_connection_closed(bob);
  ASSERT_EQ(lines_to(new_flow).size(), 1u);
  EXPECT_EQ(transport.to(new_flow).at(0).bytes, out.bytes);
}

TEST_F(Away, WordOfAMessageThatTheOldConnectionLostComesTooLateToHarmTheNewOne) {
  const Sent out = invite(invite_text()).at(0);
  whereabouts[bobs_phone] = new_flow;
  core().on_connection_closed(bob);
  core().on_send_failed(out.ticket);
  const Sent again = transport.to(new_flow).at(0);
  EXPECT_TRUE(lines_to(alice).empty());
  whereabouts.clear();
  core().on_send_failed(again.ticket);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 480 Temporarily Unavailable"}));
}

TEST_F(Away, WordOfALostMessageDoesNotStartTheWaitingAnew) {
  const Sent out = invite(invite_text()).at(0);
  drop(bob, bobs_phone);
  pass(20s);
  core().on_send_failed(out.ticket);
  pass(11s);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 480 Temporarily Unavailable"}));
}

TEST_F(Away, ACallerWhoGoesAwayWithACallThatIsUpIsNotLost) {
  feed_as_alice(invite_text());
  respond(transport.to(bob).at(0), 200);
  drop(alice, alices_browser);
  pass(40s);
  EXPECT_EQ(counters[Count::callers_lost], 0u);
  expect_nothing_left();
}

TEST_F(Away, TheViaSaysWhatTheNewConnectionIs) {
  const Sent out = invite(invite_text()).at(0);
  user.outfit_script = [](const Leg& leg, Outfit& outfit) {
    if (leg.to.flow.connection == new_flow) {
      outfit.transport = TransportProtocol::ws;
      outfit.sent_by = "another-and-longer-name.example.org";
    }
  };
  drop(bob, bobs_phone);
  come_back(bobs_phone);
  const auto via = [](const Sent& sent) { return values_of(sent.bytes, sip::HeaderId::via).at(0); };
  const std::string before = via(out), after = via(transport.to(new_flow).at(0));
  EXPECT_TRUE(after.starts_with("SIP/2.0/WS another-and-longer-name.example.org;branch="));
  EXPECT_EQ(after.substr(after.find(";branch=")), before.substr(before.find(";branch=")));
}

TEST_F(Away, AnAnswerOverAnyConnectionCountsWhileHeIsAway) {
  const Sent out = invite(invite_text()).at(0);
  respond(out, 180);
  drop(bob, bobs_phone);
  transport.take();
  feed(response_to(out.bytes, 200), carol);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 Whatever"}));
  come_back(bobs_phone);
  EXPECT_TRUE(lines_to(new_flow).empty());
}

TEST_F(Away, WhoRangAndDoesNotComeBackEndsTheCall) {
  respond(invite(invite_text()).at(0), 180);
  transport.take();
  drop(bob, bobs_phone);
  pass(31s);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 480 Temporarily Unavailable"}));
}

TEST_F(Away, ACancelWaitsForWhoRang) {
  const RequestText text = invite_text();
  const Sent out = invite(text).at(0);
  respond(out, 180);
  drop(bob, bobs_phone);
  transport.take();
  feed(cancel_of(text));
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 OK"}));
  come_back(bobs_phone);
  ASSERT_EQ(lines_to(new_flow), (Lines{"CANCEL sip:bob@70.invalid SIP/2.0"})) << "and no INVITE";
  EXPECT_EQ(header_of(transport.to(new_flow).at(0).bytes, sip::HeaderId::via), values_of(out.bytes, sip::HeaderId::via).at(0));
  feed(response_to(out.bytes, 487), new_flow);
  EXPECT_EQ(lines_to(alice).back(), "SIP/2.0 487 Whatever");
}

TEST_F(Away, ACancelThatWasUnderWayIsSentAgain) {
  const RequestText text = invite_text();
  respond(invite(text).at(0), 180);
  feed(cancel_of(text));
  transport.take();
  drop(bob, bobs_phone);
  EXPECT_TRUE(lines_to(alice).empty());
  come_back(bobs_phone);
  EXPECT_EQ(lines_to(new_flow), (Lines{"CANCEL sip:bob@70.invalid SIP/2.0"}));
  pass(33s);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 487 Request Terminated"}));
}

TEST_F(Away, ACancelForWhoNeverAnsweredDoesNotWait) {
  const RequestText text = invite_text();
  invite(text);
  drop(bob, bobs_phone);
  feed(cancel_of(text));
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 OK", "SIP/2.0 487 Request Terminated"}));
}

TEST_F(Away, ACancelledCallOfWhoDoesNotComeBackIs487) {
  const RequestText text = invite_text();
  respond(invite(text).at(0), 180);
  drop(bob, bobs_phone);
  feed(cancel_of(text));
  transport.take();
  pass(31s);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 487 Request Terminated"}));
}

TEST_F(Away, WhoMovesOftenDoesNotGrowTheRequestAndIsNotFollowedForEver) {
  invite(invite_text());
  std::size_t kept = 0;
  for (unsigned i = 0; i < 15; ++i) {
    const auto from = i == 0 ? bob : static_cast<ConnectionId>(500 + i);
    drop(from, bobs_phone);
    come_back(bobs_phone, static_cast<ConnectionId>(501 + i));
    ASSERT_EQ(transport.to(static_cast<ConnectionId>(501 + i)).size(), 1u) << i;
    if (i == 0) kept = core().kept_bytes();
  }
  EXPECT_EQ(core().kept_bytes(), kept);
  transport.take();
  drop(static_cast<ConnectionId>(515), bobs_phone);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 480 Temporarily Unavailable"}));
}

TEST_F(Away, TheSameConnectionOnceMoreIsNoPlace) {
  transport.failures[bob] = Errc::gone;
  whereabouts[bobs_phone] = bob;
  feed(RequestText{});
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 480 Temporarily Unavailable"}));
}

// --- callers

TEST_F(Away, ACallersAnswersWaitForHim) {
  feed_as_alice(invite_text());
  const Sent out = transport.to(bob).at(0);
  drop(alice, alices_browser);
  transport.take();
  respond(out, 183);
  respond(out, 180);
  respond(out, 200);
  respond(out, 200);
  EXPECT_TRUE(transport.sent.empty()) << "no CANCEL, and nothing to a connection that is gone";
  EXPECT_GT(core().kept_bytes(), 0u);
  come_back(alices_browser);
  EXPECT_EQ(lines_to(new_flow), (Lines{"SIP/2.0 200 Whatever"})) << "the provisional ones are history";
  transport.take();
  respond(out, 200);
  EXPECT_EQ(lines_to(new_flow), (Lines{"SIP/2.0 200 Whatever"})) << "RFC 6026: and what his callee sends again";
  pass(40s);
  expect_nothing_left();
}

TEST_F(Away, ACallerHearsThatItRings) {
  feed_as_alice(invite_text());
  const Sent out = transport.to(bob).at(0);
  drop(alice, alices_browser);
  transport.take();
  respond(out, 180);
  come_back(alices_browser);
  EXPECT_EQ(lines_to(new_flow), (Lines{"SIP/2.0 180 Whatever"}));
}

TEST_F(Away, ACallerMayCancelOverHisNewConnection) {
  const RequestText text = invite_text();
  feed_as_alice(text);
  const Sent out = transport.to(bob).at(0);
  respond(out, 180);
  drop(alice, alices_browser);
  come_back(alices_browser);
  transport.take();
  feed_as_alice(text, new_flow);
  EXPECT_TRUE(transport.sent.empty()) << "his INVITE once more is a retransmission";
  feed_as_alice(cancel_of(text), new_flow);
  EXPECT_EQ(lines_to(new_flow), (Lines{"SIP/2.0 200 OK"}));
  EXPECT_EQ(lines_to(bob), (Lines{"CANCEL sip:bob@70.invalid SIP/2.0"}));
  respond(out, 487);
  EXPECT_EQ(lines_to(new_flow).back(), "SIP/2.0 487 Whatever");
  const std::size_t seen = user.requests;
  const std::string bytes = ack_to(text, transport.to(new_flow).back().bytes);
  feed(bytes, new_flow);
  EXPECT_EQ(user.requests, seen) << "and so does his ACK end here";
  EXPECT_EQ(core().size(), 0u);
}

TEST_F(Away, ACallerWhoDoesNotComeBackIsLost) {
  feed_as_alice(invite_text());
  const Sent out = transport.to(bob).at(0);
  respond(out, 180);
  drop(alice, alices_browser);
  transport.take();
  pass(31s);
  EXPECT_EQ(lines_to(bob), (Lines{"CANCEL sip:bob@70.invalid SIP/2.0"}));
  EXPECT_EQ(counters[Count::callers_lost], 1u);
  respond(out, 487);
  expect_nothing_left();
}

TEST_F(Away, TheAnswersOfACallerWhoDoesNotComeBackAreDroppedAndCounted) {
  feed_as_alice(RequestText{});
  const Sent out = transport.to(bob).at(0);
  drop(alice, alices_browser);
  respond(out, 200);
  EXPECT_EQ(core().size(), 1u);
  pass(31s);
  EXPECT_EQ(counters[Count::replies_unsent], 1u);
  expect_nothing_left();
}

TEST_F(Away, AnAnswerThatFindsTheConnectionGoneWaitsToo) {
  feed_as_alice(RequestText{});
  const Sent out = transport.to(bob).at(0);
  transport.take();
  transport.failures[alice] = Errc::gone;
  whereabouts[alices_browser] = ConnectionId::none;
  respond(out, 200);
  come_back(alices_browser);
  EXPECT_EQ(lines_to(new_flow), (Lines{"SIP/2.0 200 Whatever"}));
  expect_nothing_left();
}

TEST_F(Away, AnAnswerThatFindsTheConnectionGoneTakesTheNewOne) {
  feed_as_alice(RequestText{});
  const Sent out = transport.to(bob).at(0);
  transport.take();
  transport.failures[alice] = Errc::gone;
  whereabouts[alices_browser] = new_flow;
  respond(out, 200);
  EXPECT_EQ(lines_to(new_flow), (Lines{"SIP/2.0 200 Whatever"}));
}

TEST_F(Away, ACallersCallIsUpAndItsRepeated2xxFindsHim) {
  feed_as_alice(invite_text());
  const Sent out = transport.to(bob).at(0);
  respond(out, 200);  // and this one is lost with the connection
  drop(alice, alices_browser);
  transport.take();
  come_back(alices_browser);
  EXPECT_TRUE(lines_to(new_flow).empty());
  respond(out, 200);
  EXPECT_EQ(lines_to(new_flow), (Lines{"SIP/2.0 200 Whatever"}));
}

TEST_F(Away, BothEndsMayBeAway) {
  feed_as_alice(invite_text());
  respond(transport.to(bob).at(0), 180);
  drop(bob, bobs_phone);
  drop(alice, alices_browser);
  transport.take();
  come_back(bobs_phone);
  ASSERT_EQ(lines_to(new_flow).size(), 1u);
  respond(transport.to(new_flow).at(0), 200);
  come_back(alices_browser, carol);
  EXPECT_EQ(lines_to(carol), (Lines{"SIP/2.0 200 Whatever"}));
}

TEST_F(Away, HeldAnswersAreKeptWithinTheBytesThatMayBeKept) {
  settings.max_kept_bytes = 2'000;
  feed_as_alice(invite_text());
  const Sent out = transport.to(bob).at(0);
  drop(alice, alices_browser);
  feed(response_to(out.bytes, 200, "callee", {}, std::string(2'000, 'v')), bob);
  EXPECT_EQ(counters[Count::replies_unsent], 1u);
  EXPECT_LE(core().kept_bytes(), 2'000u);
}

// --- the ACK to a 2xx (RFC 3261 16.11)

TEST_F(Away, AnAckIsHeldAndGoesBeforeTheBye) {
  whereabouts[bobs_phone] = ConnectionId::none;
  forward_to({suspended_phone()});
  RequestText bye;
  bye.method = "BYE";
  bye.to_tag = "callee";
  bye.cseq = 2;
  feed(bye);
  feed(ack_of(invite_text()));
  EXPECT_TRUE(transport.sent.empty());
  come_back(bobs_phone);
  EXPECT_EQ(lines_to(new_flow), (Lines{"ACK sip:bob@70.invalid SIP/2.0", "BYE sip:bob@70.invalid SIP/2.0"}));
  EXPECT_EQ(counters[Count::acks_unsent], 0u);
}

TEST_F(Away, AnAckToAConnectionThatHasJustGoneFollows) {
  transport.failures[bob] = Errc::gone;
  whereabouts[bobs_phone] = new_flow;
  feed(ack_of(invite_text()));
  EXPECT_EQ(lines_to(new_flow), (Lines{"ACK sip:bob@70.invalid SIP/2.0"}));
}

TEST_F(Away, AnAckForWhoDoesNotComeBackIsDroppedAndCounted) {
  whereabouts[bobs_phone] = ConnectionId::none;
  forward_to({suspended_phone()});
  feed(ack_of(invite_text()));
  EXPECT_GT(core().kept_bytes(), 0u);
  pass(29s);
  EXPECT_EQ(counters[Count::acks_unsent], 0u);
  pass(2s);
  EXPECT_EQ(counters[Count::acks_unsent], 1u);
  expect_nothing_left();
}

TEST_F(Away, AcksAreHeldInASmallNumber) {
  settings.max_held = 2;
  whereabouts[bobs_phone] = ConnectionId::none;
  forward_to({suspended_phone()});
  for (unsigned i = 0; i < 3; ++i) {
    RequestText ack = ack_of(invite_text());
    ack.branch += std::to_string(i);
    feed(ack);
  }
  EXPECT_EQ(counters[Count::acks_unsent], 1u);
  come_back(bobs_phone);
  EXPECT_EQ(lines_to(new_flow).size(), 2u);
  expect_nothing_left();
}

TEST_F(Away, AnAckWaitsForTheNameOfItsServerAsWell) {
  Target server;
  server.request_uri = "sip:bob@gateway.example.net";
  server.next_hop = "sip:gateway.example.net";
  forward_to({server});
  user.locate_script = [this](const Wanted&, std::vector<Place>&) {
    return Located{.when = Located::When::later, .until = clock.now() + 10s};
  };
  feed(ack_of(invite_text()));
  const Place found[] = {{way_to(carol), {}}};
  core().on_located(user.asked.at(0).ticket, found);
  EXPECT_EQ(lines_to(carol), (Lines{"ACK sip:bob@gateway.example.net SIP/2.0"}));
  expect_nothing_left();
}

}  // namespace
}  // namespace sipwsd::transaction
