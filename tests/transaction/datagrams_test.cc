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

// RFC 3261 26.3.2.4: sent again by themselves, they would be what a forged source address is good for.
TEST_F(Datagrams, AChallengeIsSentOnceForEachRequestAndKeepsNothing) {
  for (const std::uint16_t status : {401, 407}) {
    answer_with(status);
    const RequestText text = invite_text();
    feed(text);
    EXPECT_EQ(core().size(), 0u);
    const auto challenges = transport.take();
    ASSERT_EQ(challenges.size(), 1u);
    pass(20s);
    EXPECT_TRUE(transport.sent.empty()) << "no Timer G";
    feed(text);
    EXPECT_EQ(transport.take().size(), 1u) << "the first one was lost";
    feed(ack_to(text, challenges[0].bytes), alice);
    EXPECT_EQ(counters[Count::acks_absorbed], status == 401 ? 1u : 2u);
  }
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

// --- RFC 3261 18.2.2, RFC 3581 4

TEST_F(Datagrams, AreAnsweredAtThePortOfSentByUnlessRportWasAskedFor) {
  const std::pair<std::string, std::uint16_t> ports[] = {
      {"SIP/2.0/UDP client.example.org;branch=z9hG4bK1", 5060},
      {"SIP/2.0/UDP client.example.org:5999;branch=z9hG4bK2", 5999},
      {"SIP/2.0/UDP client.example.org:5999;rport;branch=z9hG4bK3", 40'022},
      {"SIP/2.0/UDP client.example.org:5999;maddr=192.0.2.99;branch=z9hG4bK4", 5999},
      {"SIP/2.0/UDP client.example.org:5999;received=192.0.2.99;branch=z9hG4bK5", 5999},
  };
  for (const auto& [via, port] : ports) {
    RequestText text;
    text.via = via;
    text.call_id = via;
    feed(text);
    respond(transport.take().at(0), 200);
    const auto up = transport.take();
    ASSERT_EQ(up.size(), 1u);
    Endpoint expected = arrival_from(alice).remote;
    expected.port = port;
    EXPECT_EQ(up[0].to.remote, expected) << via << ": its source address, whatever it wrote";
    EXPECT_EQ(up[0].to.local, arrival_from(alice).local) << "from the socket it came to (RFC 3581 4)";
    EXPECT_EQ(up[0].ticket, 0u);
  }
}

TEST_F(Datagrams, AreAnsweredTheSameWayWithoutATransaction) {
  RequestText text;
  text.via = "SIP/2.0/UDP client.example.org:5999;rport;branch=z9hG4bK3";
  const std::string bytes = text.text();
  core().reply_stateless(*sip::parse(bytes), arrival_from(alice), 400);
  ASSERT_EQ(transport.sent.size(), 1u);
  EXPECT_EQ(transport.sent[0].to.remote.port, 40'022);
  EXPECT_EQ(header_of(transport.sent[0].bytes, sip::HeaderId::via),
            "SIP/2.0/UDP client.example.org:5999;rport=40022;branch=z9hG4bK3;received=10.0.0.7");
  EXPECT_EQ(core().size(), 0u);
  pass(60s);
  EXPECT_EQ(transport.sent.size(), 1u) << "the client sends again, if it must";
}

// --- which transaction: 17.2.3, 9.2

TEST_F(Datagrams, OfOneTransactionMayComeFromAnotherPort) {
  const RequestText text = invite_text();
  const Sent out = invite(text).at(0);
  respond(out, 180);
  const auto from_elsewhere = [&](const std::string& bytes) {
    Arrival arrival = arrival_from(alice);
    arrival.remote.port = 50'000;  // a NAT has forgotten it
    core().on_request(*sip::parse(bytes), arrival);
  };
  const std::size_t seen = user.requests;
  from_elsewhere(text.text());
  EXPECT_EQ(user.requests, seen);
  RequestText cancel = text;
  cancel.method = "CANCEL";
  cancel.body.clear();
  transport.take();
  from_elsewhere(cancel.text());
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 OK"}));
  EXPECT_EQ(lines_to(bob), (Lines{"CANCEL sip:bob@70.invalid SIP/2.0"}));
  respond(out, 487);
  const std::string failure = transport.to(alice).back().bytes;
  from_elsewhere(ack_to(text, failure));
  transport.take();
  pass(4s);
  EXPECT_TRUE(lines_to(alice).empty()) << "no Timer G: the ACK was for it";
}

TEST_F(Datagrams, OfTwoClientsWithOneBranchAreToldApartBySentBy) {
  RequestText one, other;
  one.via = "SIP/2.0/UDP one.example.org;branch=z9hG4bKsame";
  other.via = "SIP/2.0/UDP other.example.org;branch=z9hG4bKsame";
  feed(one);
  feed(other);
  EXPECT_EQ(user.requests, 2u);
}

TEST_F(Datagrams, ARetransmittedCancelIsAnsweredAgain) {
  RequestText text = invite_text();
  respond(invite(text).at(0), 180);
  transport.take();
  text.method = "CANCEL";
  text.body.clear();
  feed(text);
  const std::string answer = transport.to(alice).at(0).bytes;
  transport.take();
  feed(text);
  EXPECT_EQ(transport.to(alice).at(0).bytes, answer);
  EXPECT_TRUE(lines_to(bob).empty());
}

// --- RFC 6026: a 2xx is sent again by its UAS until the ACK, and passes each time

TEST_F(Datagrams, A2xxPassesEachTimeItIsSentAndIsNotSentAgainByUs) {
  const RequestText text = invite_text();
  const Sent out = invite(text).at(0);
  respond(out, 200);
  transport.take();
  pass(500ms);
  EXPECT_TRUE(transport.sent.empty()) << "no Timer G";
  respond(out, 200);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 Whatever"}));
  transport.take();
  feed(text);
  EXPECT_TRUE(transport.sent.empty()) << "8.5: the INVITE once more is absorbed";
  pass(31s);
  respond(out, 200);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 Whatever"}));
  pass(1s);
  EXPECT_EQ(core().size(), 0u) << "Timers L and M";
}

TEST_F(Datagrams, AFailureNobodyAcksIsSentElevenTimesUntilTimerH) {
  respond(invite(invite_text()).at(0), 486);
  pass(32s);
  EXPECT_EQ(sent_to(alice), 11u) << "0, 0.5, 1.5, 3.5, 7.5 ... 31.5";
  pass(60s);
  EXPECT_EQ(sent_to(alice), 11u);
  EXPECT_EQ(core().size(), 0u);
}

TEST_F(Datagrams, AFinalResponseThatComesAgainIsAbsorbedForTimerK) {
  user.datagram_clients.erase(alice);
  forward_to({target(bob)});
  feed(RequestText{});
  const Sent out = transport.take().at(0);
  respond(out, 200);
  respond(out, 200);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 Whatever"}));
}

TEST_F(Datagrams, ATryingIsGivenAgainToANonInviteThatIsSlow) {
  const RequestText text;
  feed(text);
  transport.take();
  pass(3'600ms);
  ASSERT_EQ(lines_to(alice), (Lines{"SIP/2.0 100 Trying"})) << "RFC 4320 4.1: when Timer E has reached T2";
  feed(text);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 100 Trying", "SIP/2.0 100 Trying"}));
}

TEST_F(Datagrams, ToANextPlaceStartTheirTimersAgain) {
  user.locate_script = [this](const Wanted&, std::vector<Place>& places) {
    places = {{way_to(bob), {}}, {way_to(carol), {}}};
    return Located{.when = Located::When::now};
  };
  user.datagram_clients[carol] = true;
  Target server;
  server.request_uri = server.next_hop = "sip:gateway.example.net";
  forward_to({server});
  invite(invite_text());
  pass(32'100ms);
  EXPECT_EQ(sent_to(bob), 6u);
  EXPECT_EQ(sent_to(carol), 1u);
  pass(1'500ms);
  EXPECT_EQ(sent_to(carol), 3u);
}

}  // namespace
}  // namespace sipwsd::transaction
