// Requests that the User answers later.
#include "tests/transaction/core_fixture.h"

namespace sipwsd::transaction {
namespace {

class Deferred : public CoreTest {
 protected:
  Deferred() {
    user.request_script = [this](RequestContext& request) {
      ticket = request.defer(5s);
      EXPECT_EQ(request.is_done(), request.message().method() != sip::Method::ack);
    };
  }
  std::uint64_t ticket = 0;
};

TEST_F(Deferred, AreAnsweredOnce) {
  RequestText text;
  text.method = "REGISTER";
  feed(text);
  EXPECT_NE(ticket, 0u);
  EXPECT_TRUE(transport.sent.empty());
  const HeaderLine headers[] = {{"Contact", "<sip:a@b>;expires=60"}};
  core().answer(ticket, 200, {}, headers);
  ASSERT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 OK"}));
  EXPECT_EQ(header_of(transport.sent[0].bytes, sip::HeaderId::contact), "<sip:a@b>;expires=60");
  core().answer(ticket, 500);
  EXPECT_EQ(lines_to(alice).size(), 1u);
  EXPECT_EQ(core().size(), 0u);
  EXPECT_EQ(core().kept_bytes(), 0u);
  EXPECT_EQ(wheel.size(), 0u);
}

TEST_F(Deferred, AbsorbWhatIsSentAgain) {
  user.datagram_clients[alice] = true;
  const RequestText text;
  feed(text);
  feed(text);
  EXPECT_EQ(user.requests, 1u);
  EXPECT_TRUE(transport.sent.empty());
  core().answer(ticket, 200);
  feed(text);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 OK", "SIP/2.0 200 OK"})) << "Timer J";
}

TEST_F(Deferred, InvitesGetTheir100AndItIsGivenAgain) {
  user.datagram_clients[alice] = true;
  const RequestText text = invite_text();
  feed(text);
  feed(text);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 100 Trying", "SIP/2.0 100 Trying"}));
  transport.take();
  core().answer(ticket, 486);
  pass(500ms);
  EXPECT_EQ(lines_to(alice).size(), 2u) << "Timer G";
  feed(ack_to(text, transport.sent.at(0).bytes), alice);
  pass(6s);
  EXPECT_EQ(core().size(), 0u);
}

TEST_F(Deferred, TooLongAre503) {
  feed(RequestText{});
  pass(6s);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 100 Trying", "SIP/2.0 503 Service Unavailable"})) << "RFC 4320: a late 100";
  EXPECT_EQ(header_of(transport.sent.back().bytes, sip::HeaderId::retry_after), "5");
  core().answer(ticket, 200);
  EXPECT_EQ(lines_to(alice).size(), 2u);
  EXPECT_EQ(core().size(), 0u);
}

TEST_F(Deferred, WithoutRoomAre503AtOnce) {
  settings.max_transactions = 1;
  feed(RequestText{});
  RequestText second;
  second.branch += "2";
  feed(second);
  EXPECT_EQ(ticket, 0u);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 503 Service Unavailable"}));
  EXPECT_FALSE(header_of(transport.sent.back().bytes, sip::HeaderId::retry_after).empty());
}

TEST_F(Deferred, AnAckIsNot) {
  RequestText ack;
  ack.method = "ACK";
  feed(ack);
  EXPECT_EQ(ticket, 0u);
  EXPECT_TRUE(transport.sent.empty());
}

TEST_F(Deferred, EndWithTheirConnection) {
  feed(RequestText{});
  core().on_connection_closed(alice);
  EXPECT_EQ(core().size(), 0u);
  core().answer(ticket, 200);
  EXPECT_TRUE(transport.sent.empty());
}

TEST_F(Deferred, EndWithACancel) {
  RequestText text = invite_text();
  feed(text);
  text.method = "CANCEL";
  text.body.clear();
  feed(text);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 100 Trying", "SIP/2.0 200 OK", "SIP/2.0 487 Request Terminated"}));
  core().answer(ticket, 200);
  EXPECT_EQ(lines_to(alice).size(), 3u);
}

TEST_F(Deferred, ThatCameOverTwoPathsAre482) {
  user.datagram_clients[alice] = true;
  RequestText text;
  feed(text);
  text.branch += "other";
  feed(text);
  EXPECT_EQ(ticket, 0u);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 482 Merged Request"}));
}

TEST_F(Deferred, AreNobodyElsesToAnswer) {
  forward_to({target(bob)});
  feed(RequestText{});
  const Sent out = transport.take().at(0);
  core().answer(out.ticket, 200);
  core().answer(0, 200);
  core().answer(~std::uint64_t{0}, 200);
  EXPECT_TRUE(transport.sent.empty());
}

}  // namespace
}  // namespace sipwsd::transaction
