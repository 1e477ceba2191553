// Requests that are ours to answer, that come twice, that are too many.
#include "tests/transaction/core_fixture.h"

#include <map>
#include <random>

namespace sipwsd::transaction {
namespace {

class CoreOfAWorker : public CoreTest {};

TEST_F(CoreOfAWorker, AnswersWithItsTagItsNameAndTheHeadersOfTheStage) {
  user.request_script = [](RequestContext& request) {
    const HeaderLine headers[] = {{"Contact", "<sip:a@b>;expires=60"}, {"Content-Type", "text/plain"}, {"X-A", "1"}};
    request.reply(200, "Fine", headers, "hello");
    request.reply(500);
    request.forward({});
  };
  feed(RequestText{});
  ASSERT_EQ(transport.sent.size(), 1u) << "the first end counts";
  const std::string& bytes = transport.sent[0].bytes;
  EXPECT_EQ(transport.sent[0].first_line(), "SIP/2.0 200 Fine");
  EXPECT_EQ(header_of(bytes, sip::HeaderId::contact), "<sip:a@b>;expires=60");
  EXPECT_EQ(header_of(bytes, sip::HeaderId::content_type), "text/plain");
  EXPECT_EQ(header_of(bytes, sip::HeaderId::server), "sipwsd");
  EXPECT_EQ(header_of(bytes, sip::HeaderId::via), "SIP/2.0/WSS k3j4.invalid;branch=z9hG4bKclient1;received=192.0.2.33");
  EXPECT_NE(header_of(bytes, sip::HeaderId::to).find(";tag="), std::string::npos);
  EXPECT_TRUE(bytes.ends_with("Content-Length: 5\r\n\r\nhello"));
  EXPECT_EQ(core().size(), 0u) << "no state for what is answered at once";
}

TEST_F(CoreOfAWorker, TellsTheStageTheTagItWillUse) {
  std::string tag;
  user.request_script = [&](RequestContext& request) {
    tag = request.local_tag();
    request.reply(404);
  };
  feed(RequestText{});
  EXPECT_EQ(header_of(transport.sent.at(0).bytes, sip::HeaderId::to), "<sip:bob@example.org>;tag=" + tag);
  EXPECT_EQ(tag.size(), 16u);
}

TEST_F(CoreOfAWorker, Answers500ForAStageThatDoesNothingUnlessItSaysDrop) {
  user.request_script = nullptr;
  feed(RequestText{});
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 500 Server Internal Error"}));
  transport.take();
  user.request_script = [](RequestContext& request) { request.drop(); };
  feed(RequestText{});
  EXPECT_TRUE(transport.sent.empty());
}

TEST_F(CoreOfAWorker, LetsAStageRingBeforeItForwards) {
  user.request_script = [this](RequestContext& request) {
    request.reply(182, "Queued");
    EXPECT_FALSE(request.is_done());
    const Target targets[] = {target(bob)};
    request.forward(targets);
  };
  feed(invite_text());
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 182 Queued", "SIP/2.0 100 Trying"}));
  EXPECT_EQ(lines_to(bob).size(), 1u);
}

TEST_F(CoreOfAWorker, AbsorbsARequestThatComesTwice) {
  const RequestText call = invite_text();
  feed(call);
  feed(RequestText{});
  transport.take();
  feed(call);
  feed(RequestText{});
  EXPECT_TRUE(transport.sent.empty());
  EXPECT_EQ(user.requests, 2u);
  EXPECT_EQ(counters[Count::retransmissions], 2u);
}

TEST_F(CoreOfAWorker, AbsorbsAnInviteThatComesAgainAfterThe2xx) {
  const RequestText call = invite_text();
  respond(invite(call).at(0), 200);
  transport.take();
  feed(call);
  EXPECT_TRUE(transport.sent.empty()) << "RFC 6026: not a new call";
}

TEST_F(CoreOfAWorker, TellsClientsApartThatUseOneBranch) {
  const RequestText call = invite_text();
  const Sent first = invite(call).at(0);
  feed(call, carol);
  EXPECT_EQ(user.requests, 2u);
  EXPECT_EQ(lines_to(carol), (Lines{"SIP/2.0 100 Trying"}));
  transport.take();
  respond(first, 486);
  feed(ack_to(call, transport.to(alice).at(0).bytes), carol);
  EXPECT_EQ(core().size(), 2u) << "carol's ACK is not for alice's call";
}

TEST_F(CoreOfAWorker, KnowsClientsOfRfc2543WithoutABranchCookie) {
  for (const std::string via : {"SIP/2.0/WSS old.example.org;branch=1", "SIP/2.0/WSS old.example.org"}) {
    RequestText call = invite_text();
    call.via = via;
    call.call_id = via;
    const Sent out = invite(call).at(0);
    const std::size_t seen = user.requests;
    feed(call);
    EXPECT_EQ(user.requests, seen) << "a retransmission";
    RequestText next = call;
    next.cseq = 2;
    feed(next);
    EXPECT_EQ(user.requests, seen + 1) << "another CSeq is another request";
    transport.take();
    respond(out, 486);
    const std::string failure = transport.to(alice).at(0).bytes;
    feed(ack_to(call, failure), alice);
    transport.take();
    EXPECT_EQ(user.requests, seen + 1) << "its ACK";
    EXPECT_EQ(counters[Count::acks_absorbed], via.ends_with("1") ? 1u : 2u);
  }
}

TEST_F(CoreOfAWorker, AbsorbsTheAckToAResponseThatHadNoTransaction) {
  answer_with(404);
  const RequestText call = invite_text();
  feed(call);
  EXPECT_EQ(core().size(), 0u);
  const std::string failure = transport.take().at(0).bytes;
  feed(ack_to(call, failure), alice);
  EXPECT_EQ(user.requests, 1u);
  EXPECT_EQ(counters[Count::acks_absorbed], 1u);

  feed(ack_to(call, failure), carol);
  EXPECT_EQ(user.requests, 2u) << "the same tag from somebody else is no ACK of ours";
}

TEST_F(CoreOfAWorker, PassesAnAckToA2xxToTheUserEvenWithTheBranchOfTheInvite) {
  const RequestText call = invite_text();
  const Sent out = invite(call).at(0);
  respond(out, 200);
  const std::string success = transport.take().at(0).bytes;
  feed(ack_to(call, success), alice);
  EXPECT_EQ(lines_to(bob), (Lines{"ACK sip:bob@70.invalid SIP/2.0"}));
}

TEST_F(CoreOfAWorker, DropsAnAckBeforeAnyFinalResponse) {
  const RequestText call = invite_text();
  const Sent out = invite(call).at(0);
  RequestText ack = call;
  ack.method = "ACK";
  feed(ack);
  EXPECT_TRUE(transport.sent.empty());
  respond(out, 200);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 200 Whatever"}));
}

TEST_F(CoreOfAWorker, RefusesMoreThanItsTableHoldsWith503AndRetryAfter) {
  settings.max_transactions = 2;
  settings.retry_after = 7s;
  RequestText text = invite_text();
  for (int i = 0; i < 2; ++i) {
    text.branch = "z9hG4bK" + std::to_string(i);
    feed(text);
  }
  const auto out = transport.take();
  text.branch = "z9hG4bK2";
  feed(text);
  const auto refusal = transport.take();
  ASSERT_EQ(refusal.size(), 1u);
  EXPECT_TRUE(refusal[0].is("SIP/2.0 503 "));
  EXPECT_EQ(header_of(refusal[0].bytes, sip::HeaderId::retry_after), "7");
  EXPECT_EQ(counters[Count::table_full], 1u);

  feed(ack_to(text, refusal[0].bytes), alice);
  EXPECT_EQ(user.requests, 3u) << "its ACK is known, though it had no place";
  respond(out.at(1), 200);
  feed(RequestText{});
  EXPECT_EQ(lines_to(alice).back(), "SIP/2.0 503 Service Unavailable") << "a call that is up still has its place";
}

TEST_F(CoreOfAWorker, RefusesMoreBytesThanItMayKeep) {
  settings.max_kept_bytes = 3'000;
  RequestText text = invite_text();
  text.body.assign(2'000, 'v');
  const Sent out = invite(text).at(0);
  text.branch += "2";
  feed(text);
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 503 Service Unavailable"}));
  transport.take();
  respond(out, 200);
  transport.take();
  text.branch += "3";
  EXPECT_EQ(invite(text).size(), 1u) << "the first one keeps nothing any more";
}

TEST_F(CoreOfAWorker, AnswersAMalformedRequestWithoutState) {
  std::string text = invite_text().text();
  const auto message = sip::parse(text);
  core().reply_stateless(*message, arrival_from(alice), 400, "Bad Contact");
  EXPECT_EQ(lines_to(alice), (Lines{"SIP/2.0 400 Bad Contact"}));
  feed(ack_to(invite_text(), transport.take().at(0).bytes), alice);
  EXPECT_EQ(user.requests, 0u);
}

TEST_F(CoreOfAWorker, CountsWhatItDoes) {
  const auto out = invite(invite_text());
  respond(out.at(0), 180);
  respond(out.at(0), 200);
  EXPECT_EQ(counters[Count::server_transactions], 1u);
  EXPECT_EQ(counters[Count::client_transactions], 1u);
  EXPECT_EQ(counters[Count::replies_generated], 1u);
  EXPECT_EQ(counters[Count::replies_received], 2u);
  EXPECT_EQ(counters[Count::replies_relayed], 2u);
  EXPECT_EQ(counters[Count::final_2xx], 1u);
}

TEST_F(CoreOfAWorker, HundredThousandTransactionsComeAndGoWithoutGrowth) {
  RequestText text;
  text.body.assign(400, 'm');
  std::size_t capacity = 0;
  for (int i = 0; i < 100'000; ++i) {
    text.branch = "z9hG4bK" + std::to_string(i);
    feed(text);
    const Sent out = transport.sent.back();
    transport.sent.clear();
    respond(out, 200);
    transport.sent.clear();
    ASSERT_EQ(core().size(), 0u);
    if (i == 10) capacity = core().capacity();
  }
  EXPECT_EQ(core().capacity(), capacity);
  EXPECT_EQ(core().kept_bytes(), 0u);
  EXPECT_EQ(wheel.size(), 0u);
}

// Anything may follow anything: responses of every class to every branch, CANCELs, ACKs, retransmissions, lost
// connections, clients that move, names that are found or not, time. What must hold: it ends, nothing is left, one final
// response at most unless they are 2xx.
TEST_F(CoreOfAWorker, SurvivesAnyOrderOfEvents) {
  settings.max_transactions = 40;
  settings.max_held = 5;
  settings.udp_mtu = 600;
  std::mt19937 random{7};
  const auto upto = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  const auto client = [&] { return static_cast<ClientId>(upto(4) == 0 ? 1 + upto(3) : 0); };
  const auto anywhere = [&] {
    const auto who = static_cast<ConnectionId>(10 + upto(6));
    Destination to = way_to(who);
    if (upto(3) == 0) to = {.flow = {}, .remote = test::FakeTransport::address_of(who, upto(2) == 0 ? TransportProtocol::udp : TransportProtocol::tcp), .local = {}};
    return to;
  };
  user.locate_script = [&](const Wanted&, std::vector<Place>& places) {
    for (unsigned n = upto(4); n-- > 0;) places.push_back({anywhere(), {}});
    return Located{.when = static_cast<Located::When>(upto(3)),
                   .until = clock.now() + base::Milliseconds{upto(40'000)},
                   .provisional = static_cast<std::uint16_t>(upto(2) == 0 ? 0 : 182)};
  };
  std::vector<std::uint64_t> deferred;
  std::vector<RequestText> requests;
  std::vector<Sent> branches;
  std::map<std::string, std::pair<int, int>> finals;  // per Call-ID: failures, 2xx
  for (int i = 0; i < 20'000; ++i) {
    switch (upto(8)) {
      case 0: {
        RequestText text = upto(2) == 0 ? invite_text() : RequestText{};
        text.branch = "z9hG4bK" + std::to_string(i);
        text.call_id = "c" + std::to_string(i);
        std::vector<Target> targets;
        for (unsigned n = upto(4); n-- > 0;) {
          targets.push_back(target(static_cast<ConnectionId>(10 + upto(6)), static_cast<int>(upto(2))));
          targets.back().client = client();
          if (upto(3) == 0) targets.back().to = upto(2) == 0 ? Destination{} : anywhere();
          if (upto(2) == 0) targets.back().next_hop = "sip:x.example.net";
        }
        forward_to(targets);
        if (upto(10) == 0)
          user.request_script = [&](RequestContext& request) { deferred.push_back(request.defer(base::Milliseconds{upto(40'000)})); };
        requests.push_back(text);
        const std::string bytes = text.text();
        Arrival arrival = arrival_from(static_cast<ConnectionId>(1 + upto(3)));
        arrival.client = client();
        core().on_request(*sip::parse(bytes), arrival);
        break;
      }
      case 1:
        if (!requests.empty()) {
          RequestText text = requests[upto(static_cast<unsigned>(requests.size()))];
          const unsigned from = 1 + upto(3);
          // On a stream the state may have gone with the final response: the same request again would be a new one.
          const bool has_final = finals.contains(text.call_id + " " + std::to_string(from));
          if (text.method != "INVITE" && has_final) break;
          if (has_final || upto(2) == 0) text.method = upto(2) == 0 ? "CANCEL" : "ACK";
          feed(text, static_cast<ConnectionId>(from));
        }
        break;
      case 2:
        if (upto(20) == 0) core().on_connection_closed(static_cast<ConnectionId>(1 + upto(15)));
        if (upto(10) == 0) transport.failures[static_cast<ConnectionId>(10 + upto(6))] = upto(2) == 0 ? Errc::gone : Errc::full;
        if (upto(3) == 0) transport.failures.clear();
        break;
      case 3:
        if (!branches.empty()) core().on_send_failed(branches[upto(static_cast<unsigned>(branches.size()))].ticket);
        if (upto(2) == 0) core().on_client_moved(static_cast<ClientId>(1 + upto(3)), anywhere());
        if (!user.asked.empty()) {
          const std::vector<Place> found(upto(3), Place{anywhere(), {}});
          core().on_located(user.asked[user.asked.size() - 1 - upto(static_cast<unsigned>(std::min<std::size_t>(20, user.asked.size())))].ticket, found);
        }
        if (!deferred.empty()) core().answer(deferred[upto(static_cast<unsigned>(deferred.size()))], static_cast<std::uint16_t>(upto(2) == 0 ? 200 : 404));
        break;
      case 4: pass(base::Milliseconds{upto(10) == 0 ? upto(60'000) : upto(500)}); break;
      default:
        if (!branches.empty()) {
          static constexpr unsigned statuses[] = {100, 180, 183, 200, 202, 302, 401, 404, 407, 408, 486, 487, 500, 503, 603};
          respond(branches[upto(static_cast<unsigned>(branches.size()))], statuses[upto(15)], "t", "WWW-Authenticate: Digest realm=\"x\"\r\n");
        }
    }
    for (const Sent& one : transport.take()) {
      if (!one.is("SIP/2.0 ")) {
        if (one.ticket != 0) branches.push_back(one);
        continue;
      }
      const auto parsed = sip::parse(one.bytes);
      ASSERT_TRUE(parsed);
      const auto cseq = sip::cseq(*parsed);
      if (cseq->method == sip::Method::cancel || parsed->status() < 200) continue;
      auto& [failures, successes] = finals[std::string{parsed->value(sip::HeaderId::call_id)} + " " + std::to_string(number(one.flow.connection))];
      ++(parsed->status() < 300 ? successes : failures);
      EXPECT_LE(failures, 1) << one.bytes;
      EXPECT_TRUE(cseq->method == sip::Method::invite || failures + successes <= 1) << one.bytes;
    }
    if (branches.size() > 60) branches.erase(branches.begin(), branches.begin() + 30);
    if (requests.size() > 60) requests.erase(requests.begin(), requests.begin() + 30);
  }
  transport.failures.clear();
  pass(600s);
  EXPECT_EQ(core().size(), 0u);
  EXPECT_EQ(core().kept_bytes(), 0u);
  EXPECT_EQ(wheel.size(), 0u);
}

}  // namespace
}  // namespace sipwsd::transaction
