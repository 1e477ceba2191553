// The same machines on an unreliable transport: A, E, G retransmit, D, I, J, K wait.
#include "tests/transaction/core_fixture.h"

namespace sipwsd::transaction {
namespace {

class Datagrams : public CoreTest {
 protected:
  Datagrams() {
    user.datagram_clients[alice] = true;
    user.datagram_clients[bob] = true;
    forward_to({target(bob)});
  }
  std::size_t sent_to(ConnectionId connection) { return transport.to(connection).size(); }
};

TEST_F(Datagrams, AnInviteIsSentAgainByTimerAUntilAProvisional) {
  const Sent out = invite(invite_text()).at(0);
  EXPECT_TRUE(values_of(out.bytes, sip::HeaderId::via).at(0).starts_with("SIP/2.0/UDP "));
  pass(500ms);
  EXPECT_EQ(sent_to(bob), 1u);
  EXPECT_EQ(transport.to(bob).at(0).bytes, out.bytes) << "the same bytes";
  pass(1'000ms);
  EXPECT_EQ(sent_to(bob), 2u);
  pass(2'000ms);
  EXPECT_EQ(sent_to(bob), 3u);
  respond(out, 180);
  pass(60s);
  EXPECT_EQ(sent_to(bob), 3u);
}

TEST_F(Datagrams, AnInviteIsSentSevenTimesBeforeTimerB) {
  invite(invite_text());
  pass(33s);
  EXPECT_EQ(sent_to(bob), 6u);
  EXPECT_EQ(lines_to(alice).front(), "SIP/2.0 408 Request Timeout");
}

TEST_F(Datagrams, ARequestIsSentAgainByTimerEAndEveryT2AfterAProvisional) {
  feed(RequestText{});
  const Sent out = transport.take().at(0);
  pass(3'500ms);
  EXPECT_EQ(sent_to(bob), 3u) << "0.5, 1.5, 3.5";
  respond(out, 100);
  pass(4'000ms);
  pass(4'000ms);
  EXPECT_EQ(sent_to(bob), 5u);
}

TEST_F(Datagrams, AFinalResponseIsGivenAgainToARetransmittedRequestForTimerJ) {
  RequestText text;
  feed(text);
  respond(transport.take().at(0), 200);
  const std::string answer = transport.take().at(0).bytes;
  pass(20s);
  feed(text);
  ASSERT_EQ(sent_to(alice), 1u);
  EXPECT_EQ(transport.take().at(0).bytes, answer);
  EXPECT_EQ(user.requests, 1u);
  pass(13s);
  EXPECT_EQ(core().size(), 0u);
  EXPECT_EQ(core().kept_bytes(), 0u);
}

TEST_F(Datagrams, AProvisionalIsGivenAgainToARetransmittedInvite) {
  const RequestText text = invite_text();
  const Sent out = invite(text).at(0);
  feed(text);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 100 Trying"}));
  respond(out, 180);
  transport.take();
  feed(text);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 180 Whatever"}));
  EXPECT_TRUE(lines_to(bob).empty());
}

TEST_F(Datagrams, AFailureIsSentAgainByTimerGUntilTheAckAndAcksAreAbsorbedForTimerI) {
  const RequestText text = invite_text();
  respond(invite(text).at(0), 486);
  const std::string failure = transport.to(alice).at(0).bytes;
  transport.take();
  pass(1'500ms);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 486 Whatever", "SIP/2.0 486 Whatever"}));
  transport.take();
  feed(ack_to(text, failure), alice);
  pass(4'900ms);
  feed(ack_to(text, failure), alice);
  EXPECT_TRUE(transport.sent.empty());
  EXPECT_EQ(user.requests, 1u);
  pass(33s);
  EXPECT_EQ(core().size(), 0u);
}

TEST_F(Datagrams, TheCalleesFailureIsAckedEachTimeForTimerD) {
  const RequestText text = invite_text();
  const Sent out = invite(text).at(0);
  respond(out, 486);
  feed(ack_to(text, transport.to(alice).at(0).bytes), alice);
  transport.take();
  pass(20s);
  respond(out, 486);
  EXPECT_EQ(lines_to(bob), (Lines{"ACK sip:bob@70.invalid SIP/2.0"}));
  EXPECT_TRUE(lines_to(alice).empty());
  pass(33s);
  EXPECT_EQ(core().size(), 0u);
}

TEST_F(Datagrams, ACancelIsSentAgainUntilItIsAnswered) {
  RequestText text = invite_text();
  const Sent out = invite(text).at(0);
  respond(out, 180);
  transport.take();
  text.method = "CANCEL";
  text.body.clear();
  feed(text);
  pass(500ms);
  const auto cancels = transport.to(bob);
  ASSERT_EQ(cancels.size(), 2u);
  EXPECT_EQ(cancels[0].bytes, cancels[1].bytes);
  EXPECT_TRUE(cancels[0].is("CANCEL "));
  respond(cancels[0], 200);
  transport.take();
  pass(20s);
  EXPECT_TRUE(lines_to(bob).empty());
}

TEST_F(Datagrams, OurOwnFinalResponsesHaveStateToo) {
  answer_with(404);
  const RequestText text = invite_text();
  feed(text);
  EXPECT_EQ(core().size(), 1u);
  const std::string failure = transport.take().at(0).bytes;
  feed(text);
  EXPECT_EQ(transport.take().at(0).bytes, failure);
  EXPECT_EQ(user.requests, 1u);
  pass(500ms);
  EXPECT_EQ(transport.take().size(), 1u) << "Timer G";
  feed(ack_to(text, failure), alice);
  pass(6s);
  EXPECT_EQ(core().size(), 0u);
}

TEST_F(Datagrams, OneRequestOverTwoPathsIsAnsweredOnceAndThen482) {
  answer_with(200);
  RequestText text;
  feed(text);
  RequestText other_path = text;
  other_path.branch += "other";
  bool was_merged = false;
  user.request_script = [&](RequestContext& request) {
    was_merged = request.is_merged();
    request.reply(200);
  };
  feed(other_path);
  EXPECT_TRUE(was_merged);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 OK", "SIP/2.0 482 Merged Request"}));

  RequestText next = text;
  next.branch += "next";
  next.cseq = 2;
  feed(next);
  RequestText in_dialog = text;
  in_dialog.branch += "dialog";
  in_dialog.to_tag = "x";
  feed(in_dialog);
  EXPECT_EQ(lines_to(alice).at(2), "SIP/2.0 200 OK");
  EXPECT_EQ(lines_to(alice).at(3), "SIP/2.0 200 OK") << "8.2.2.2 is for requests without a To tag";
}

TEST_F(Datagrams, AreOnlyMergedWhenWeAnswerThem) {
  RequestText text;
  feed(text);
  text.branch += "other";
  feed(text);
  EXPECT_EQ(sent_to(bob), 2u) << "a proxy forwards both";
}

TEST_F(Datagrams, AStreamToADatagramHasTheTimersOfEachSide) {
  user.datagram_clients.erase(alice);
  const RequestText text = invite_text();
  const Sent out = invite(text).at(0);
  pass(500ms);
  EXPECT_EQ(sent_to(bob), 1u) << "A";
  respond(out, 404);
  transport.take();
  pass(10s);
  EXPECT_TRUE(lines_to(alice).empty()) << "no G on a stream";
}

}  // namespace
}  // namespace sipwsd::transaction
