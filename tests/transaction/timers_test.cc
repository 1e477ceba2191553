// RFC 3261 16.8, 17 and RFC 4320 on streams: what happens when nothing happens.
#include "tests/transaction/core_fixture.h"

namespace sipwsd::transaction {
namespace {

class TimersOfCore : public CoreTest {};

TEST_F(TimersOfCore, BEndsAnInviteNobodyAnswersWith408) {
  invite(invite_text());
  pass(31'900ms);
  EXPECT_TRUE(transport.sent.empty()) << "and nothing is retransmitted on a stream";
  pass(200ms);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 408 Request Timeout"}));
  EXPECT_TRUE(lines_to(bob).empty());
  EXPECT_EQ(counters[Count::timeouts], 1u);
}

TEST_F(TimersOfCore, BTriesTheNextTarget) {
  forward_to({target(bob, 700), target(carol, 300)});
  invite(invite_text());
  pass(33s);
  EXPECT_EQ(lines_to(carol), (Lines{"INVITE sip:bob@71.invalid SIP/2.0"}));
  EXPECT_TRUE(lines_to(alice).empty());
}

TEST_F(TimersOfCore, FEndsANonInviteWithoutAnyResponse) {
  feed(RequestText{});
  transport.take();
  pass(33s);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 100 Trying"})) << "the late one, and no 408";
  EXPECT_EQ(core().size(), 0u);
  EXPECT_EQ(wheel.size(), 0u);
}

TEST_F(TimersOfCore, ASlowNonInviteGetsOneTryingAfterThreeAndAHalfSeconds) {
  feed(RequestText{});
  const Sent out = transport.take().at(0);
  pass(3'400ms);
  EXPECT_TRUE(transport.sent.empty());
  pass(200ms);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 100 Trying"}));
  pass(10s);
  respond(out, 200);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 100 Trying", "SIP/2.0 200 Whatever"}));
}

TEST_F(TimersOfCore, CCancelsACallThatRingsForEver) {
  const Sent out = invite(invite_text()).at(0);
  respond(out, 180);
  transport.take();
  pass(179s);
  EXPECT_TRUE(transport.sent.empty());
  pass(2s);
  EXPECT_EQ(lines_to(bob), (Lines{"CANCEL sip:bob@70.invalid SIP/2.0"}));
  respond(out, 487);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 487 Whatever"}));
}

TEST_F(TimersOfCore, CStartsAgainWithEveryProvisionalButTrying) {
  const Sent out = invite(invite_text()).at(0);
  respond(out, 180);
  pass(150s);
  respond(out, 183);
  pass(150s);
  EXPECT_TRUE(lines_to(bob).empty());
  respond(out, 100);
  pass(31s);
  EXPECT_EQ(lines_to(bob), (Lines{"CANCEL sip:bob@70.invalid SIP/2.0"}));
}

TEST_F(TimersOfCore, CEndsACallWhoseCalleeIgnoresTheCancelToo) {
  const Sent out = invite(invite_text()).at(0);
  respond(out, 180);
  transport.take();
  pass(181s);
  pass(33s);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 408 Request Timeout"}));
}

TEST_F(TimersOfCore, AreAllGoneWithTheCore) {
  invite(invite_text());
  feed(RequestText{});
  EXPECT_EQ(wheel.size(), 2u);
  end_core();
  EXPECT_EQ(wheel.size(), 0u);
}

}  // namespace
}  // namespace sipwsd::transaction
