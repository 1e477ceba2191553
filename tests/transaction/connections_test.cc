// Connections that end while something hangs on them, and calls that nest.
#include "tests/transaction/core_fixture.h"

namespace sipwsd::transaction {
namespace {

class Connections : public CoreTest {};

TEST_F(Connections, ARequestToAClosedOneFailsAtOnceWith480) {
  transport.failures[bob] = Errc::gone;
  for (const char* method : {"INVITE", "BYE", "MESSAGE"}) {
    RequestText text;
    text.method = method;
    text.branch += method;
    feed(text);
    const auto lines = lines_to(alice);
    EXPECT_EQ(lines.back(), "SIP/2.0 480 Temporarily Unavailable") << method;
    transport.take();
  }
  EXPECT_EQ(counters[Count::flows_lost], 3u);
}

TEST_F(Connections, AClosedOneIsAnsweredAsTheStageSays) {
  transport.failures[bob] = Errc::gone;
  forward_to({target(bob)}, {.gone_status = 430, .gone_reason = "Flow Failed"});
  feed(RequestText{});
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 430 Flow Failed"}));
}

TEST_F(Connections, AFullOutboxIs500AndAMessageTooLongIs513) {
  transport.failures[bob] = Errc::full;
  feed(RequestText{});
  transport.failures[bob] = Errc::too_large;
  RequestText second;
  second.branch += "2";
  feed(second);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 500 Server Internal Error", "SIP/2.0 513 Message Too Large"}));
}

TEST_F(Connections, OneDeadBindingDoesNotHideTheBusyOfALiveOne) {
  transport.failures[bob] = Errc::gone;
  forward_to({target(bob), target(carol)});
  const auto out = invite(invite_text());
  EXPECT_TRUE(lines_to(alice).empty()) << "the live one rings on";
  respond(out.at(0), 486);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 486 Whatever"}));
}

TEST_F(Connections, DeadBindingsOfTheFirstGroupLeadToTheNextOneAtOnce) {
  transport.failures[bob] = Errc::gone;
  transport.failures[carol] = Errc::gone;
  forward_to({target(bob, 700), target(carol, 700), target(dave, 100)});
  const auto out = invite(invite_text());
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].flow.connection, dave);
}

TEST_F(Connections, AllDeadIsOneAnswer) {
  transport.failures[bob] = Errc::gone;
  transport.failures[carol] = Errc::gone;
  forward_to({target(bob, 700), target(carol, 300)});
  feed(invite_text());
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 100 Trying", "SIP/2.0 480 Temporarily Unavailable"}));
}

TEST_F(Connections, ThatCloseEndTheirBranchesAtOnce) {
  const Sent ringing = invite(invite_text()).at(0);
  respond(ringing, 180);
  feed(RequestText{});
  transport.take();
  core().on_connection_closed(bob);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 480 Temporarily Unavailable", "SIP/2.0 480 Temporarily Unavailable"}));
}

TEST_F(Connections, ThatCloseAreToldByTicketWhenAnotherWorkerOwnsThem) {
  const Sent out = invite(invite_text()).at(0);
  core().on_send_failed(out.ticket);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 480 Temporarily Unavailable"}));
  transport.take();
  core().on_send_failed(out.ticket);
  core().on_send_failed(0);
  core().on_send_failed(0xffff'ffff'ffff'ffff);
  EXPECT_TRUE(transport.sent.empty());
}

TEST_F(Connections, OfACallThatIsUpMayCloseWithoutAWord) {
  const Sent out = invite(invite_text()).at(0);
  respond(out, 200);
  transport.take();
  core().on_connection_closed(bob);
  EXPECT_TRUE(transport.sent.empty());
  core().on_connection_closed(alice);
  EXPECT_EQ(core().size(), 0u);
  EXPECT_EQ(wheel.size(), 0u);
}

TEST_F(Connections, ACallerThatGoesAwayStopsTheRinging) {
  forward_to({target(bob), target(carol), target(dave, 10)});
  const auto out = invite(invite_text());
  respond(out.at(0), 180);
  transport.take();
  core().on_connection_closed(alice);
  EXPECT_EQ(lines_to(bob), (Lines{"CANCEL sip:bob@70.invalid SIP/2.0"}));
  EXPECT_TRUE(lines_to(carol).empty()) << "not before a provisional";
  respond(out.at(1), 100);
  EXPECT_EQ(lines_to(carol), (Lines{"CANCEL sip:bob@71.invalid SIP/2.0"}));
  respond(out.at(0), 487);
  respond(out.at(1), 487);

  EXPECT_TRUE(lines_to(alice).empty()) << "nothing goes to who is gone";
  EXPECT_TRUE(lines_to(dave).empty());
  EXPECT_EQ(core().size(), 0u);
  EXPECT_EQ(counters[Count::callers_lost], 1u);
}

TEST_F(Connections, ACallerThatGoesAwayWhileNobodyAnswersIsForgottenInTheEnd) {
  invite(invite_text());
  core().on_connection_closed(alice);
  EXPECT_EQ(core().size(), 1u);
  pass(33s);
  EXPECT_EQ(core().size(), 0u);
  EXPECT_TRUE(transport.sent.empty());
}

TEST_F(Connections, ACallerThatGoesAwayWithAMessageUnderWayIsForgottenAtOnce) {
  feed(RequestText{});
  const Sent out = transport.take().at(0);
  core().on_connection_closed(alice);
  EXPECT_EQ(core().size(), 0u);
  respond(out, 200);
  EXPECT_TRUE(transport.sent.empty());
}

TEST_F(Connections, WhoCallsHimselfAndGoesAwayLeavesNothing) {
  forward_to({target(alice)});
  feed(invite_text());
  transport.take();
  core().on_connection_closed(alice);
  EXPECT_TRUE(transport.sent.empty());
  pass(33s);
  EXPECT_EQ(core().size(), 0u);
}

TEST_F(Connections, WithTheSameListAreNotMixedUp) {
  const auto other = static_cast<ConnectionId>(number(bob) + 4096);
  forward_to({target(bob), target(other)});
  const auto out = invite(invite_text());
  core().on_connection_closed(other);
  EXPECT_TRUE(lines_to(alice).empty());
  respond(out.at(0), 200);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 Whatever"}));
}

// A transport that finds, while it is being used, that some connection is dead.
TEST_F(Connections, MayBeReportedLostFromWithinASend) {
  forward_to({target(bob), target(carol)});
  transport.on_send = [&](Flow flow) {
    if (flow.connection == bob) core().on_connection_closed(bob);
    if (flow.connection == carol) {
      transport.failures[carol] = Errc::gone;
      core().on_connection_closed(carol);
    }
  };
  feed(invite_text());
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 100 Trying", "SIP/2.0 480 Temporarily Unavailable"}));
}

TEST_F(Connections, TheCallersMayBeLostWhileItsRequestIsBeingSentOn) {
  forward_to({target(bob), target(carol, 10)});
  transport.on_send = [&](Flow flow) {
    if (flow.connection == bob) core().on_connection_closed(alice);
  };
  RequestText text;
  feed(text);
  EXPECT_EQ(core().size(), 0u);
  text.branch += "2";
  text.method = "INVITE";
  feed(text);
  EXPECT_EQ(core().size(), 1u);
  pass(33s);
  EXPECT_EQ(core().size(), 0u);
  EXPECT_TRUE(lines_to(carol).empty());
}

TEST_F(Connections, TheCallersMayBeLostWhileItsResponseIsBeingSent) {
  const Sent out = invite(invite_text()).at(0);
  transport.on_send = [&](Flow flow) {
    if (flow.connection == alice) core().on_connection_closed(alice);
  };
  transport.failures[alice] = Errc::gone;
  respond(out, 404);
  EXPECT_EQ(core().size(), 0u);
  EXPECT_EQ(counters[Count::replies_unsent], 1u);
}

TEST_F(Connections, OfTheCalleeMayBeLostWhileTheUserLooksAtItsResponse) {
  const Sent out = invite(invite_text()).at(0);
  user.reply_script = [&](ReplyContext&) { core().on_connection_closed(bob); };
  respond(out, 180);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 180 Whatever", "SIP/2.0 480 Temporarily Unavailable"}));
}

TEST_F(Connections, ManyLostAtOnceEndEverythingOnThem) {
  for (unsigned i = 0; i < 200; ++i) {
    RequestText text = i % 2 == 0 ? invite_text() : RequestText{};
    text.branch = "z9hG4bK" + std::to_string(i);
    text.call_id = "c" + std::to_string(i);
    forward_to({target(static_cast<ConnectionId>(1000 + i % 10)), target(static_cast<ConnectionId>(1000 + i % 7))});
    feed(text, static_cast<ConnectionId>(1 + i % 5));
  }
  for (unsigned i = 0; i < 10; ++i) core().on_connection_closed(static_cast<ConnectionId>(1000 + i));
  for (unsigned i = 1; i <= 5; ++i) core().on_connection_closed(static_cast<ConnectionId>(i));
  EXPECT_EQ(core().size(), 0u);
  EXPECT_EQ(core().kept_bytes(), 0u);
  EXPECT_EQ(wheel.size(), 0u);
}

}  // namespace
}  // namespace sipwsd::transaction
