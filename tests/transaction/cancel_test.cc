// RFC 3261 9 and 16.10: CANCEL and what it races with.
#include "tests/transaction/core_fixture.h"

namespace sipwsd::transaction {
namespace {

class Cancel : public CoreTest {
 protected:
  static RequestText cancel_of(const RequestText& invite) {
    RequestText cancel = invite;
    cancel.method = "CANCEL";
    cancel.body.clear();
    return cancel;
  }
};

TEST_F(Cancel, IsAnsweredAndSentToWhoRingsAndTheCallEndsWith487) {
  const RequestText text = invite_text();
  const Sent out = invite(text).at(0);
  respond(out, 180);
  transport.take();
  RequestText cancel = cancel_of(text);
  cancel.headers = "Reason: SIP;cause=487;text=\"gone\"\r\n";
  feed(cancel);

  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 OK"}));
  const auto sent = transport.to(bob);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].first_line(), "CANCEL sip:bob@70.invalid SIP/2.0");
  EXPECT_EQ(values_of(sent[0].bytes, sip::HeaderId::via), (Lines{values_of(out.bytes, sip::HeaderId::via).at(0)}));
  EXPECT_EQ(header_of(sent[0].bytes, sip::HeaderId::cseq), "1 CANCEL");
  EXPECT_EQ(header_of(sent[0].bytes, sip::HeaderId::reason), "SIP;cause=487;text=\"gone\"");

  transport.take();
  respond(sent[0], 200);
  EXPECT_TRUE(transport.sent.empty()) << "the answer to our CANCEL is nobody else's";
  respond(out, 487);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 487 Whatever"}));
  EXPECT_EQ(lines_to(bob), (Lines{"ACK sip:bob@70.invalid SIP/2.0"}));
}

TEST_F(Cancel, WaitsForTheFirstProvisionalResponse) {
  const RequestText text = invite_text();
  const Sent out = invite(text).at(0);
  feed(cancel_of(text));
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 OK"}));
  EXPECT_TRUE(lines_to(bob).empty());

  respond(out, 100);
  EXPECT_EQ(lines_to(bob), (Lines{"CANCEL sip:bob@70.invalid SIP/2.0"}));
  respond(out, 180);
  EXPECT_EQ(lines_to(bob).size(), 1u) << "once";
}

TEST_F(Cancel, LosesAgainstA2xxThatCrossesIt) {
  const RequestText text = invite_text();
  const Sent out = invite(text).at(0);
  respond(out, 180);
  feed(cancel_of(text));
  transport.take();
  respond(out, 200);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 Whatever"}));
}

TEST_F(Cancel, LosesAgainstA2xxThatComesBeforeAnyProvisional) {
  const RequestText text = invite_text();
  const Sent out = invite(text).at(0);
  feed(cancel_of(text));
  transport.take();
  respond(out, 200);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 Whatever"}));
  EXPECT_TRUE(lines_to(bob).empty());
}

TEST_F(Cancel, AfterTheFinalResponseIsAnsweredAndDoesNothing) {
  const RequestText text = invite_text();
  const Sent out = invite(text).at(0);
  respond(out, 200);
  transport.take();
  feed(cancel_of(text));
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 OK"}));
  EXPECT_TRUE(lines_to(bob).empty());
}

TEST_F(Cancel, TwiceIsSentOnceAndAnsweredTwice) {
  const RequestText text = invite_text();
  const Sent out = invite(text).at(0);
  respond(out, 180);
  transport.take();
  feed(cancel_of(text));
  feed(cancel_of(text));
  const auto answers = transport.to(alice);
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].bytes, answers[1].bytes);
  EXPECT_EQ(lines_to(bob).size(), 1u);
}

TEST_F(Cancel, OfNothingIs481) {
  feed(cancel_of(invite_text()));
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 481 Call/Transaction Does Not Exist"}));
  EXPECT_EQ(user.requests, 0u);
}

TEST_F(Cancel, OfSomebodyElsesCallIs481) {
  const RequestText text = invite_text();
  const Sent out = invite(text).at(0);
  respond(out, 180);
  transport.take();
  feed(cancel_of(text), carol);
  EXPECT_EQ(lines_to(carol), (Lines{"SIP/2.0 481 Call/Transaction Does Not Exist"}));
  EXPECT_TRUE(lines_to(bob).empty());
}

TEST_F(Cancel, OfARequestThatIsNoInviteIsAnsweredAndDoesNothing) {
  RequestText text;
  feed(text);
  const Sent out = transport.take().at(0);
  feed(cancel_of(text));
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 OK"}));
  EXPECT_TRUE(lines_to(bob).empty());
  transport.take();
  respond(out, 200);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 Whatever"}));
}

TEST_F(Cancel, EndsTheSearchAndAllBranches) {
  forward_to({target(bob), target(carol), target(dave, 10)});
  const RequestText text = invite_text();
  const auto out = invite(text);
  respond(out.at(0), 180);
  respond(out.at(1), 180);
  transport.take();
  feed(cancel_of(text));
  EXPECT_EQ(lines_to(bob).size(), 1u);
  EXPECT_EQ(lines_to(carol).size(), 1u);
  respond(out.at(0), 487);
  respond(out.at(1), 487);
  EXPECT_TRUE(lines_to(dave).empty());
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 OK", "SIP/2.0 487 Whatever"}));
}

TEST_F(Cancel, GivesUpOnACalleeThatNeverEndsAndSays487) {
  const RequestText text = invite_text();
  const Sent out = invite(text).at(0);
  respond(out, 180);
  feed(cancel_of(text));
  transport.take();
  pass(31s);
  EXPECT_TRUE(transport.sent.empty());
  pass(2s);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 487 Request Terminated"}));
}

TEST_F(Cancel, OfACallToNobodyWhoAnswersEndsWith487NotWith408) {
  const RequestText text = invite_text();
  invite(text);
  feed(cancel_of(text));
  transport.take();
  pass(33s);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 487 Request Terminated"}));
}

TEST_F(Cancel, OfACallWhoseCalleeGoesAwayEndsWith487) {
  const RequestText text = invite_text();
  const Sent out = invite(text).at(0);
  respond(out, 180);
  feed(cancel_of(text));
  transport.take();
  core().on_connection_closed(bob);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 487 Request Terminated"}));
}

TEST_F(Cancel, HasTheToTagOfOurOwn487) {
  const RequestText text = invite_text();
  const Sent out = invite(text).at(0);
  respond(out, 180);
  transport.take();
  feed(cancel_of(text));
  core().on_connection_closed(bob);
  const auto up = transport.to(alice);
  ASSERT_EQ(up.size(), 2u);
  EXPECT_EQ(header_of(up[0].bytes, sip::HeaderId::to), header_of(up[1].bytes, sip::HeaderId::to)) << "RFC 3261 9.2";
}

}  // namespace
}  // namespace sipwsd::transaction
