// RFC 3261 16.7: from responses to the response.
#include "tests/transaction/core_fixture.h"

namespace sipwsd::transaction {
namespace {

class Responses : public CoreTest {};

TEST_F(Responses, GoBackToTheCallerWithoutOurViaAndOtherwiseAsTheyCame) {
  feed(RequestText{});
  const Sent request = transport.take().at(0);
  const std::string response = response_to(request.bytes, 202, "callee", "X-Any:  thing\r\n", "body");
  feed(response, bob);

  ASSERT_EQ(transport.sent.size(), 1u);
  EXPECT_EQ(transport.sent[0].flow.connection, alice);
  std::string expected = response;
  const std::size_t via = expected.find("Via: ");
  expected.erase(via, expected.find("\r\n", via) + 2 - via);
  EXPECT_EQ(transport.sent[0].bytes, expected);
  EXPECT_EQ(values_of(transport.sent[0].bytes, sip::HeaderId::via).size(), 1u);
}

TEST_F(Responses, EndANonInviteOnAStreamWithItsFinalResponse) {
  feed(RequestText{});
  EXPECT_EQ(core().size(), 1u);
  respond(transport.take().at(0), 200);
  EXPECT_EQ(core().size(), 0u);
  EXPECT_EQ(core().kept_bytes(), 0u);
  EXPECT_EQ(wheel.size(), 0u);
}

TEST_F(Responses, TryingIsHopByHopAndOtherProvisionalsAreForInvitesOnly) {
  const auto out = invite(invite_text());
  respond(out.at(0), 100);
  EXPECT_TRUE(transport.sent.empty());
  respond(out.at(0), 180);
  respond(out.at(0), 183);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 180 Whatever", "SIP/2.0 183 Whatever"}));

  transport.take();
  feed(RequestText{});
  const Sent message = transport.take().at(0);
  respond(message, 183);
  EXPECT_TRUE(transport.sent.empty()) << "RFC 4320 4.1";
  respond(message, 200);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 Whatever"}));
}

TEST_F(Responses, ToAnInviteThatFailedAreAckedHereAndTheCallersAckEndsHere) {
  const RequestText text = invite_text();
  const Sent out = invite(text).at(0);
  respond(out, 486);

  const auto ack = transport.to(bob);
  ASSERT_EQ(ack.size(), 1u);
  EXPECT_EQ(ack[0].first_line(), "ACK sip:bob@70.invalid SIP/2.0");
  EXPECT_EQ(header_of(ack[0].bytes, sip::HeaderId::via), values_of(out.bytes, sip::HeaderId::via).at(0));
  EXPECT_EQ(header_of(ack[0].bytes, sip::HeaderId::to), "<sip:bob@example.org>;tag=callee");
  EXPECT_EQ(header_of(ack[0].bytes, sip::HeaderId::cseq), "1 ACK");
  const auto failure = transport.to(alice);
  ASSERT_EQ(failure.size(), 1u);
  EXPECT_TRUE(failure[0].is("SIP/2.0 486 "));

  transport.take();
  const std::size_t seen = user.requests;
  feed(ack_to(text, failure[0].bytes), alice);
  EXPECT_TRUE(transport.sent.empty());
  EXPECT_EQ(user.requests, seen);
  EXPECT_EQ(core().size(), 0u) << "Timer I is zero on a stream";
}

TEST_F(Responses, EndAnInviteThatNobodyAcksWithTimerH) {
  respond(invite(invite_text()).at(0), 486);
  pass(31s);
  EXPECT_EQ(core().size(), 1u);
  pass(2s);
  EXPECT_EQ(core().size(), 0u);
  EXPECT_EQ(wheel.size(), 0u);
}

TEST_F(Responses, OfACompletedCallKeepOnlyASmallRecordFor64T1) {
  RequestText text = invite_text();
  text.body.assign(2'000, 'v');
  const Sent out = invite(text).at(0);
  EXPECT_GT(core().kept_bytes(), 2'000u);
  respond(out, 200);

  EXPECT_EQ(core().size(), 1u);
  EXPECT_EQ(core().kept_bytes(), 0u);
  pass(31s);
  EXPECT_EQ(core().size(), 1u);
  pass(2s);
  EXPECT_EQ(core().size(), 0u);
}

TEST_F(Responses, OfACompletedCallForgetTheTargetsThatWereNotAsked) {
  forward_to({target(bob), target(carol, 10)});
  respond(invite(invite_text()).at(0), 200);
  EXPECT_EQ(core().kept_bytes(), 0u);
  pass(200s);
  EXPECT_TRUE(lines_to(carol).empty());
}

TEST_F(Responses, TwoHundredsOfEveryForkGoUpAndSoDoTheirRetransmissions) {
  forward_to({target(bob), target(carol)});
  const auto out = invite(invite_text());
  respond(out.at(0), 180, "bobs");
  respond(out.at(1), 180, "carols");
  transport.take();
  respond(out.at(0), 200, "bobs");
  respond(out.at(1), 200, "carols");
  respond(out.at(0), 200, "bobs");
  respond(out.at(1), 200, "carols");

  std::vector<std::string> tags;
  for (const Sent& one : transport.to(alice)) {
    EXPECT_TRUE(one.is("SIP/2.0 200 "));
    tags.push_back(header_of(one.bytes, sip::HeaderId::to));
  }
  EXPECT_EQ(tags, (Lines{"<sip:bob@example.org>;tag=bobs", "<sip:bob@example.org>;tag=carols",
                         "<sip:bob@example.org>;tag=bobs", "<sip:bob@example.org>;tag=carols"}));
}

TEST_F(Responses, TheFirst2xxCancelsTheOthersAsAnsweredElsewhere) {
  forward_to({target(bob), target(carol), target(dave, 10)});
  const auto out = invite(invite_text());
  respond(out.at(1), 180);
  transport.take();
  respond(out.at(0), 200);

  const auto cancel = transport.to(carol);
  ASSERT_EQ(cancel.size(), 1u);
  EXPECT_EQ(cancel[0].first_line(), "CANCEL sip:bob@71.invalid SIP/2.0");
  EXPECT_EQ(header_of(cancel[0].bytes, sip::HeaderId::reason), "SIP;cause=200;text=\"Call completed elsewhere\"");
  EXPECT_TRUE(lines_to(dave).empty()) << "nobody else is asked";

  transport.take();
  respond(out.at(1), 487);
  EXPECT_TRUE(lines_to(alice).empty());
  EXPECT_EQ(lines_to(carol), (Lines{"ACK sip:bob@71.invalid SIP/2.0"}));
}

TEST_F(Responses, ATwoHundredToANonInviteGoesUpOnce) {
  forward_to({target(bob), target(carol)});
  feed(RequestText{});
  const auto out = transport.take();
  respond(out.at(0), 200);
  respond(out.at(1), 200);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 Whatever"}));
  EXPECT_EQ(counters[Count::stray_responses], 1u);
}

struct Choice {
  std::vector<unsigned> received;
  unsigned sent;
};

class BestResponseChoice : public CoreTest, public ::testing::WithParamInterface<Choice> {};

TEST_P(BestResponseChoice, IsTheOneOfSection16_7Step6) {
  const Choice& choice = GetParam();
  std::vector<Target> targets;
  for (unsigned i = 0; i < choice.received.size(); ++i) targets.push_back(target(static_cast<ConnectionId>(100 + i)));
  // Whatever the order they come in.
  std::vector<std::size_t> order(choice.received.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  unsigned round = 0;
  do {
    forward_to(targets);
    RequestText text = invite_text();
    text.branch += std::to_string(++round);
    text.call_id += std::to_string(round);
    const auto out = invite(text);
    for (const std::size_t i : order) {
      EXPECT_TRUE(lines_to(alice).empty()) << "not before all have answered";
      respond(out.at(i), choice.received[i]);
    }
    const auto lines = lines_to(alice);
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_TRUE(lines[0].starts_with("SIP/2.0 " + std::to_string(choice.sent))) << lines[0];
    transport.take();
  } while (std::next_permutation(order.begin(), order.end()));
}

INSTANTIATE_TEST_SUITE_P(Forks, BestResponseChoice,
                         ::testing::Values(Choice{{404, 603}, 603}, Choice{{404, 302}, 302}, Choice{{500, 404}, 404},
                                           Choice{{404, 401, 486}, 401}, Choice{{407, 302}, 302},
                                           Choice{{486, 415}, 415}, Choice{{408, 486}, 486}, Choice{{503, 502}, 502},
                                           Choice{{503}, 500}, Choice{{503, 503}, 500}, Choice{{503, 408}, 408},
                                           Choice{{408, 408}, 408}, Choice{{484, 480}, 484}, Choice{{420, 500}, 420}));

TEST_F(Responses, ASixHundredStopsTheSearchButWaitsForTheOthers) {
  forward_to({target(bob), target(carol), target(dave, 10)});
  const auto out = invite(invite_text());
  respond(out.at(1), 180);
  transport.take();
  respond(out.at(0), 603);

  EXPECT_EQ(lines_to(carol), (Lines{"CANCEL sip:bob@71.invalid SIP/2.0"}));
  EXPECT_TRUE(lines_to(alice).empty());
  respond(out.at(1), 487);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 603 Whatever"}));
  EXPECT_TRUE(lines_to(dave).empty());
}

TEST_F(Responses, ATwoHundredBehindASixHundredStillWins) {
  forward_to({target(bob), target(carol)});
  const auto out = invite(invite_text());
  transport.take();
  respond(out.at(0), 603);
  respond(out.at(1), 200);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 Whatever"}));
}

TEST_F(Responses, ChallengesOfAllBranchesReachTheCaller) {
  forward_to({target(bob), target(carol), target(dave)});
  const auto out = invite(invite_text());
  transport.take();
  respond(out.at(0), 407, "b", "Proxy-Authenticate: Digest realm=\"b\"\r\n");
  respond(out.at(1), 404, "c", "WWW-Authenticate: Digest realm=\"not a challenge\"\r\n");
  respond(out.at(2), 401, "d", "WWW-Authenticate: Digest realm=\"d1\"\r\nWWW-Authenticate: Digest realm=\"d2\"\r\n");

  const auto up = transport.to(alice);
  ASSERT_EQ(up.size(), 1u);
  EXPECT_TRUE(up[0].is("SIP/2.0 407 "));
  const auto parsed = sip::parse(up[0].bytes);
  std::vector<std::string> realms;
  for (const auto id : {sip::HeaderId::proxy_authenticate, sip::HeaderId::www_authenticate})
    for (const sip::Header& header : parsed->all(id)) realms.emplace_back(header.value);
  EXPECT_EQ(realms, (Lines{"Digest realm=\"b\"", "Digest realm=\"d1\"", "Digest realm=\"d2\""}));
}

TEST_F(Responses, AServiceUnavailableDoesNotMakeUsUnavailable) {
  feed(RequestText{});
  respond(transport.take().at(0), 503, "callee", "Retry-After: 3600\r\n");
  const auto up = transport.to(alice);
  EXPECT_EQ(up.at(0).first_line(), "SIP/2.0 500 Server Internal Error");
  EXPECT_EQ(up.at(0).bytes.find("Retry-After"), std::string::npos);
}

TEST_F(Responses, ARequestTimeoutToANonInviteIsNotPassedOn) {
  feed(RequestText{});
  respond(transport.take().at(0), 408);
  EXPECT_TRUE(transport.sent.empty()) << "RFC 4320 4.2";
  EXPECT_EQ(core().size(), 0u);
}

TEST_F(Responses, AreShownToTheUserWhichMayDropAProvisional) {
  std::vector<int> seen;
  user.reply_script = [&](ReplyContext& reply) {
    seen.push_back(reply.message().status());
    EXPECT_EQ(reply.upstream().flow.connection, alice);
    EXPECT_EQ(reply.arrival().flow.connection, bob);
    reply.drop();
  };
  const auto out = invite(invite_text());
  respond(out.at(0), 100);
  respond(out.at(0), 183);
  EXPECT_TRUE(transport.sent.empty());
  respond(out.at(0), 200);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 Whatever"}));
  EXPECT_EQ(seen, (std::vector<int>{183, 200}));
}

TEST_F(Responses, WithAnotherBranchSlotOrGenerationAreDroppedAndCounted) {
  feed(RequestText{});
  const Sent request = transport.take().at(0);
  const std::string good = response_to(request.bytes, 200);
  const auto parsed = sip::parse(good);
  const std::string text{sip::topmost_via(*parsed)->branch()};
  const Branch real = *core().branch_key().recognise(text);
  const auto with = [&](std::string_view branch) {
    std::string changed = good;
    changed.replace(changed.find(text), text.size(), branch);
    return changed;
  };

  std::string flipped = text;
  flipped[20] = flipped[20] == 'a' ? 'b' : 'a';
  feed(with(flipped), bob);
  feed(with("z9hG4bKwhatever"), bob);
  EXPECT_EQ(counters[Count::foreign_responses], 2u);
  Branch other = real;
  other.slot = static_cast<WorkerSlot>(3);
  feed(with(core().branch_key().make(other)), bob);
  other = real;
  other.generation = 4;
  feed(with(core().branch_key().make(other)), bob);
  EXPECT_EQ(counters[Count::misdirected_responses], 2u);
  other = real;
  other.token = static_cast<Token>(number(real.token) + (std::uint64_t{1} << 32));
  feed(with(core().branch_key().make(other)), bob);
  EXPECT_EQ(counters[Count::stray_responses], 1u);
  EXPECT_TRUE(transport.sent.empty());

  feed(good, bob);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 Whatever"})) << "and the real one was not harmed";
}

TEST_F(Responses, ThatDoNotFitTheirRequestAreDropped) {
  feed(RequestText{});
  const Sent request = transport.take().at(0);
  const std::string good = response_to(request.bytes, 200);
  const auto changed = [&](std::string_view what, std::string_view into) {
    std::string text = good;
    text.replace(text.find(what), what.size(), into);
    return text;
  };
  feed(changed("1 MESSAGE", "2 MESSAGE"), bob);
  feed(changed("1 MESSAGE", "1 INVITE"), bob);
  feed(changed("1 MESSAGE", "1 CANCEL"), bob);
  std::string only_ours = good;
  const std::size_t second = only_ours.find("Via: ", only_ours.find("Via: ") + 1);
  only_ours.erase(second, only_ours.find("\r\n", second) + 2 - second);
  feed(only_ours, bob);
  EXPECT_EQ(counters[Count::malformed_responses], 4u);
  EXPECT_TRUE(transport.sent.empty());
  EXPECT_EQ(core().size(), 1u);
}

TEST_F(Responses, OfACallThatHasEndedAreNotForwarded) {
  const auto out = invite(invite_text());
  respond(out.at(0), 200);
  transport.take();
  pass(40s);
  respond(out.at(0), 200);
  EXPECT_TRUE(transport.sent.empty()) << "RFC 6026 7.3";
  EXPECT_EQ(counters[Count::stray_responses], 1u);
}

TEST_F(Responses, MayComeOverAnotherConnectionThanTheRequestLeftBy) {
  const auto out = invite(invite_text());
  feed(response_to(out.at(0).bytes, 200), carol);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 Whatever"}));
}

}  // namespace
}  // namespace sipwsd::transaction
