// The resolver with c-ares, a real event loop and a name server on loopback.
#include "src/dns/resolver.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "src/os/sandbox.h"
#include "tests/support/addresses.h"
#include "tests/support/certificates.h"
#include "tests/support/deadline.h"
#include "tests/support/dns_server.h"

namespace sipwsd::dns {
namespace {

using base::Milliseconds;
using base::Seconds;
using shm::Counter;
using enum TransportProtocol;

constexpr Reach everything{{true, true}, {true, true}, {true, true}};
constexpr Reach ipv4_only{{true, false}, {true, false}, {true, false}};

std::string text(std::span<const Place> places) {
  std::string out;
  for (const Place& place : places) out += (out.empty() ? "" : " ") + place.remote.to_string();
  return out.empty() ? "nowhere" : out;
}

class Answers final : public Listener {
 public:
  void on_resolved(std::uint64_t ticket, std::span<const Place> places) override {
    EXPECT_FALSE(is_within_resolve);
    EXPECT_FALSE(of.contains(ticket)) << "twice for ticket " << ticket;
    of[ticket] = text(places);
    if (then) then(ticket);
  }
  std::map<std::uint64_t, std::string> of;
  bool is_within_resolve = false;
  std::function<void(std::uint64_t)> then;
};

// Time is real: c-ares knows no other.
class ResolverTest : public testing::Test {
 protected:
  ResolverTest() {
    rules.channel.servers = {server.endpoint()};
    // On a busy machine an answer takes its time: only tests in which something is lost want it asked for again.
    rules.channel.retransmit_after = Seconds{20};
    rules.time_limit = Seconds{30};
    rules.hosts_file.clear();
  }
  void start() { resolver = std::make_unique<Resolver>(loop(), random, shm::OwnCounters(row), reach, rules, answers); }
  virtual os::EventLoop& loop() { return real_loop; }

  Found resolve(const Query& query, std::uint64_t ticket) {
    if (!resolver) start();
    answers.is_within_resolve = true;
    Found found = resolver->resolve(query, ticket);
    answers.is_within_resolve = false;
    return found;
  }
  // A ticket that was answered `later` is waited for.
  std::string wait_for(std::uint64_t ticket) {
    const test::Deadline deadline;
    while (!answers.of.contains(ticket)) {
      if (deadline.is_over()) throw test::Disappointed("no answer");
      loop().run_once(Milliseconds{20});
    }
    return answers.of.at(ticket);
  }
  std::string places(const Query& query) {
    const std::uint64_t ticket = ++last_ticket;
    const Found found = resolve(query, ticket);
    switch (found.when) {
      case Found::When::now: return text(found.places);
      case Found::When::nowhere: return "nowhere";
      case Found::When::later: return wait_for(ticket);
    }
    return "?";
  }
  std::uint64_t count(Counter counter) const { return row[static_cast<std::size_t>(counter)]; }
  std::size_t questions() const { return server.questions().size(); }

  test::DnsServer server;
  base::SystemClock system_clock;
  os::EventLoop real_loop{system_clock};
  base::FixedRandom random{1};
  std::vector<std::uint64_t> row = std::vector<std::uint64_t>(shm::counter_count);
  Reach reach = ipv4_only;
  Rules rules = Rules::from({});
  Answers answers;
  std::unique_ptr<Resolver> resolver;
  std::uint64_t last_ticket = 1000;
};

// The cache's time, and nothing else, stands still until a test moves it.
class AgeingTest : public ResolverTest {
 protected:
  os::EventLoop& loop() override { return fake_loop; }
  void pass(Seconds time) {
    clock.advance(time);
    fake_loop.run_once(Milliseconds{0});
  }
  base::FakeClock clock;
  os::EventLoop fake_loop{clock};
};

const Query by_port{"example.org", 5070, udp, false};

TEST_F(ResolverTest, FindsAddressesOfBothFamilies) {
  reach = everything;
  server.a("example.org", "192.0.2.1");
  server.a("example.org", "192.0.2.2");
  server.aaaa("example.org", "2001:db8::1");
  EXPECT_EQ(resolve(by_port, 1).when, Found::When::later);
  EXPECT_EQ(resolver->in_flight(), 2u);  // A and AAAA side by side
  EXPECT_EQ(wait_for(1), "udp:192.0.2.1:5070 udp:192.0.2.2:5070 udp:[2001:db8::1]:5070");
  EXPECT_EQ(resolver->in_flight(), 0u);
  EXPECT_EQ(resolver->waiting(), 0u);
}

TEST_F(ResolverTest, GoesFromNaptrOverSrvToAddresses) {
  server.naptr("example.org", 10, 1, "s", "SIP+D2T", "_sip._tcp.example.org");
  server.srv("_sip._tcp.example.org", 1, 1, 5065, "one.example.org");
  server.srv("_sip._tcp.example.org", 2, 1, 5066, "two.example.org");
  server.a("one.example.org", "192.0.2.1");
  server.a("two.example.org", "192.0.2.2");
  EXPECT_EQ(places({"example.org", 0, none, false}), "tcp:192.0.2.1:5065 tcp:192.0.2.2:5066");
  EXPECT_EQ(server.questions(), (std::vector<std::string>{"NAPTR example.org", "SRV _sip._tcp.example.org",
                                                          "A one.example.org", "A two.example.org"}));
}

TEST_F(ResolverTest, FollowsAliases) {
  server.cname("example.org", "alias.example.net");
  server.cname("alias.example.net", "end.example.net");
  server.a("end.example.net", "192.0.2.3");
  EXPECT_EQ(places(by_port), "udp:192.0.2.3:5070");
}

TEST_F(ResolverTest, AnswersWhatIsNumericAtOnceAndAsksNobody) {
  const Found found = resolve({"192.0.2.9", 0, none, true}, 1);
  ASSERT_EQ(found.when, Found::When::now);
  EXPECT_EQ(text(found.places), "tls:192.0.2.9:5061");
  EXPECT_EQ(found.places[0].server_name, "192.0.2.9");
  EXPECT_EQ(questions(), 0u);
}

// S27
TEST_F(ResolverTest, NeverAsksForInvalidNamesOrLocalhost) {
  reach = everything;
  for (const auto* host : {"df7jal23ls0d.invalid", "INVALID", "a.b.invalid.", "not a name", "1.2.3"})
    for (const auto transport : {none, udp, tcp, tls, ws})
      EXPECT_EQ(resolve({host, 0, transport, false}, 1).when, Found::When::nowhere) << host;
  EXPECT_EQ(count(Counter::dns_refused_names), 25u);
  EXPECT_EQ(text(resolve({"localhost", 0, none, false}, 1).places), "udp:127.0.0.1:5060 udp:[::1]:5060");

  server.srv("_sip._udp.example.org", 1, 1, 5060, "abc.invalid");
  EXPECT_EQ(places({"example.org", 0, udp, false}), "nowhere");
  EXPECT_EQ(server.questions(), (std::vector<std::string>{"SRV _sip._udp.example.org"}));
}

TEST_F(ResolverTest, RemembersAnswersAndThatThereIsNone) {
  server.a("example.org", "192.0.2.1");
  const Query query{"example.org", 0, none, false};
  EXPECT_EQ(places(query), "udp:192.0.2.1:5060");
  EXPECT_EQ(questions(), 5u);  // NAPTR, three SRV, A

  const Found again = resolve(query, 2);
  EXPECT_EQ(again.when, Found::When::now);
  EXPECT_EQ(text(again.places), "udp:192.0.2.1:5060");
  EXPECT_EQ(questions(), 5u);
  EXPECT_EQ(count(Counter::dns_queries_sent), 5u);
  EXPECT_EQ(count(Counter::dns_cache_hits), 5u);
  EXPECT_EQ(resolver->cached(), 5u);

  EXPECT_EQ(places({"nobody.example", 5060, none, false}), "nowhere");
  EXPECT_EQ(resolve({"nobody.example", 5060, none, false}, 3).when, Found::When::nowhere);
  EXPECT_EQ(questions(), 6u);
  EXPECT_EQ(count(Counter::dns_failed_dns_request), 2u);
}

TEST_F(AgeingTest, AsksAgainWhenTheTimeOfAnAnswerIsOver) {
  server.a("example.org", "192.0.2.1", 60);
  EXPECT_EQ(places(by_port), "udp:192.0.2.1:5070");
  server.forget("example.org");
  server.a("example.org", "192.0.2.2", 60);
  pass(Seconds{59});
  EXPECT_EQ(text(resolve(by_port, 1).places), "udp:192.0.2.1:5070");
  pass(Seconds{1});
  EXPECT_EQ(resolve(by_port, 2).when, Found::When::later);
  EXPECT_EQ(wait_for(2), "udp:192.0.2.2:5070");
}

TEST_F(AgeingTest, KeepsAnswersNoShorterAndNoLongerThanTheOperatorWants) {
  rules.min_ttl = Seconds{10};
  rules.max_ttl = Seconds{100};
  server.a("short.example", "192.0.2.1", 0);
  server.a("long.example", "192.0.2.2", 1'000'000);
  const Query brief{"short.example", 5060, udp, false}, lasting{"long.example", 5060, udp, false};
  places(brief);
  places(lasting);
  pass(Seconds{9});
  EXPECT_EQ(resolve(brief, 1).when, Found::When::now);
  pass(Seconds{1});
  EXPECT_EQ(resolve(brief, 2).when, Found::When::later);
  pass(Seconds{89});
  EXPECT_EQ(resolve(lasting, 3).when, Found::When::now);
  pass(Seconds{1});
  EXPECT_EQ(resolve(lasting, 4).when, Found::When::later);
}

TEST_F(AgeingTest, KeepsThatThereIsNothingAsLongAsTheSoaSaysButNotForever) {
  struct Row {
    std::string host;
    std::optional<std::uint32_t> soa;
    Seconds kept;
  };
  rules.negative_ttl = Seconds{60};
  for (const Row& row : {Row{"a.example", 20, Seconds{20}}, Row{"b.example", 86'400, Seconds{60}}, Row{"c.example", std::nullopt, Seconds{60}}}) {
    server.negative_ttl(row.soa);
    const Query query{row.host, 5060, udp, false};
    EXPECT_EQ(places(query), "nowhere");
    pass(row.kept - Seconds{1});
    EXPECT_EQ(resolve(query, ++last_ticket).when, Found::When::nowhere) << row.host;
    pass(Seconds{1});
    EXPECT_EQ(places(query), "nowhere");
    EXPECT_EQ(server.count("A " + row.host), 2u) << row.host;
  }
}

TEST_F(AgeingTest, RemembersAFailureForSecondsOnly) {
  server.misbehave("A example.org", {.rcode = 2});
  EXPECT_EQ(places(by_port), "nowhere");
  const auto asked = questions();
  pass(Seconds{4});
  EXPECT_EQ(resolve(by_port, 1).when, Found::When::nowhere);
  EXPECT_EQ(questions(), asked);
  server.misbehave("A example.org", {});
  server.a("example.org", "192.0.2.1");
  pass(Seconds{1});
  EXPECT_EQ(places(by_port), "udp:192.0.2.1:5070");
}

TEST_F(ResolverTest, AsksOnceForAllWhoWaitForTheSame) {
  server.a("example.org", "192.0.2.1");
  for (std::uint64_t ticket = 1; ticket <= 50; ++ticket) EXPECT_EQ(resolve(by_port, ticket).when, Found::When::later);
  EXPECT_EQ(resolver->waiting(), 50u);
  EXPECT_EQ(resolver->in_flight(), 1u);
  for (std::uint64_t ticket = 1; ticket <= 50; ++ticket) EXPECT_EQ(wait_for(ticket), "udp:192.0.2.1:5070");
  EXPECT_EQ(questions(), 1u);
}

TEST_F(ResolverTest, ForgetsWhoCancelledAndNobodyElse) {
  server.a("example.org", "192.0.2.1");
  resolve(by_port, 1);
  resolve(by_port, 2);
  resolver->cancel(1);
  resolver->cancel(77);
  EXPECT_EQ(wait_for(2), "udp:192.0.2.1:5070");
  EXPECT_FALSE(answers.of.contains(1));
  EXPECT_EQ(resolver->waiting(), 0u);
}

TEST_F(ResolverTest, GivesATicketToAnotherWhileTheFirstQuestionIsStillInFlight) {
  server.a("example.org", "192.0.2.1");
  server.a("example.net", "192.0.2.2");
  resolve(by_port, 1);
  resolver->cancel(1);
  resolve({"example.net", 5070, udp, false}, 1);
  EXPECT_EQ(wait_for(1), "udp:192.0.2.2:5070");
  resolver->cancel(1);
  EXPECT_EQ(resolver->waiting(), 0u);
}

TEST_F(ResolverTest, LetsTheListenerResolveAndCancel) {
  server.a("example.org", "192.0.2.1");
  resolve(by_port, 1);
  resolve(by_port, 2);
  answers.then = [&](std::uint64_t ticket) {
    if (ticket != 1) return;
    resolver->cancel(2);
    EXPECT_EQ(resolve({"example.net", 5070, udp, false}, 3).when, Found::When::later);
    answers.is_within_resolve = false;
  };
  EXPECT_EQ(wait_for(1), "udp:192.0.2.1:5070");
  EXPECT_EQ(wait_for(3), "nowhere");
  EXPECT_FALSE(answers.of.contains(2));
}

TEST_F(ResolverTest, SendsAgainWhatGetsLost) {
  server.a("example.org", "192.0.2.1");
  server.misbehave("A example.org", {.drop = 1});
  rules.channel.retransmit_after = Milliseconds{100};
  rules.channel.retransmissions = 6;
  EXPECT_EQ(places(by_port), "udp:192.0.2.1:5070");
  EXPECT_GE(questions(), 2u);
  EXPECT_EQ(count(Counter::dns_queries_sent), 1u);
}

TEST_F(ResolverTest, GoesOnWithoutARecordNobodyAnswersFor) {
  rules.channel.retransmit_after = Milliseconds{500};
  server.misbehave("NAPTR example.org", {.drop = -1});
  server.a("example.org", "192.0.2.1");
  EXPECT_EQ(places({"example.org", 0, none, false}), "udp:192.0.2.1:5060");
  EXPECT_EQ(server.count("NAPTR example.org"), 2u);  // dns_retr_no
  EXPECT_EQ(count(Counter::dns_failed_queries), 1u);
}

TEST_F(ResolverTest, AnswersWithWhatThereIsWhenTheTimeIsOver) {
  reach = everything;
  rules.time_limit = Seconds{1};
  server.a("example.org", "192.0.2.1");
  server.misbehave("AAAA example.org", {.drop = -1});
  EXPECT_EQ(places(by_port), "udp:192.0.2.1:5070");
  EXPECT_EQ(count(Counter::dns_timeouts), 1u);
  server.misbehave("A example.net", {.drop = -1});
  EXPECT_EQ(places({"example.net", 5060, udp, false}), "nowhere");
  EXPECT_EQ(count(Counter::dns_timeouts), 2u);
}

TEST_F(ResolverTest, AsksTheNextServerWhenOneIsDeadOrCannotSay) {
  test::DnsServer refusing;
  refusing.misbehave("*", {.rcode = 5});
  test::DnsServer silent;
  silent.misbehave("*", {.drop = -1});
  rules.channel.servers = {refusing.endpoint(), silent.endpoint(), server.endpoint()};
  rules.channel.retransmit_after = Milliseconds{300};
  server.a("example.org", "192.0.2.1");
  EXPECT_EQ(places(by_port), "udp:192.0.2.1:5070");
}

TEST_F(ResolverTest, AsksOverTcpForWhatIsTooLong) {
  for (int i = 1; i <= 40; ++i) server.srv("_sip._udp.example.org", i, 1, 5060, "host-with-a-long-name-" + std::to_string(i) + ".example.org");
  server.misbehave("SRV _sip._udp.example.org", {.truncate = true});
  server.a("host-with-a-long-name-1.example.org", "192.0.2.1");
  EXPECT_EQ(places({"example.org", 0, udp, false}), "udp:192.0.2.1:5060");
  EXPECT_EQ(server.over_tcp(), 1u);
}

TEST_F(ResolverTest, SpeaksToServersThatKnowNoEdns) {
  server.misbehave("*", {.no_edns = true});
  server.a("example.org", "192.0.2.1");
  EXPECT_EQ(places(by_port), "udp:192.0.2.1:5070");
}

TEST_F(ResolverTest, BelievesNoReplyThatIsNotToItsQuestion) {
  server.a("example.org", "192.0.2.1");
  server.misbehave("A example.org", {.wrong_id = true});
  EXPECT_EQ(places(by_port), "udp:192.0.2.1:5070");
  server.a("example.net", "192.0.2.2");
  server.misbehave("A example.net", {.wrong_question = true});
  EXPECT_EQ(places({"example.net", 5070, udp, false}), "udp:192.0.2.2:5070");
}

TEST_F(ResolverTest, IsNotDisturbedByGarbage) {
  server.misbehave("A example.org", {.garbage = true});
  rules.channel.retransmit_after = Milliseconds{50};
  EXPECT_EQ(places(by_port), "nowhere");
}

TEST_F(ResolverTest, WaitsForASlowServerWithoutBlocking) {
  server.a("example.org", "192.0.2.1");
  server.a("example.net", "192.0.2.2");
  server.misbehave("A example.org", {.delay = Milliseconds{800}});
  resolve(by_port, 1);
  EXPECT_EQ(places({"example.net", 5070, udp, false}), "udp:192.0.2.2:5070");
  EXPECT_FALSE(answers.of.contains(1));
  EXPECT_EQ(wait_for(1), "udp:192.0.2.1:5070");
}

TEST_F(ResolverTest, HasNoMoreQuestionsInFlightThanItMay) {
  rules.max_questions = 2;
  server.a("a.example", "192.0.2.1");
  server.a("b.example", "192.0.2.2");
  server.a("c.example", "192.0.2.3");
  resolve({"a.example", 5060, udp, false}, 1);
  resolve({"b.example", 5060, udp, false}, 2);
  resolve({"c.example", 5060, udp, false}, 3);
  resolve({"b.example", 5060, udp, false}, 4);  // is in flight already
  EXPECT_EQ(resolver->in_flight(), 2u);
  EXPECT_EQ(wait_for(3), "nowhere");
  EXPECT_EQ(count(Counter::dns_overloads), 1u);
  EXPECT_EQ(wait_for(1), "udp:192.0.2.1:5060");
  EXPECT_EQ(wait_for(2), "udp:192.0.2.2:5060");
  EXPECT_EQ(wait_for(4), "udp:192.0.2.2:5060");
  EXPECT_EQ(places({"c.example", 5060, udp, false}), "udp:192.0.2.3:5060");  // was not remembered
}

TEST_F(ResolverTest, KeepsItsCacheWithinItsBounds) {
  rules.cache_bytes = 8192;
  for (int i = 0; i < 60; ++i) {
    const std::string host = "h" + std::to_string(i) + ".example";
    server.a(host, "192.0.2.1");
    EXPECT_EQ(places({host, 5060, udp, false}), "udp:192.0.2.1:5060");
  }
  EXPECT_LT(resolver->cached(), 25u);
  EXPECT_GT(resolver->cached(), 10u);
  EXPECT_EQ(count(Counter::dns_cache_evictions), 60 - resolver->cached());
}

TEST_F(ResolverTest, ResolvesWithNothingRemembered) {
  rules.cache_bytes = 0;
  server.srv("_sip._udp.example.org", 1, 1, 5060, "one.example.org");
  server.a("one.example.org", "192.0.2.1");
  EXPECT_EQ(places({"example.org", 0, udp, false}), "udp:192.0.2.1:5060");
  EXPECT_EQ(resolver->cached(), 0u);
}

TEST_F(ResolverTest, SpreadsCallsOverServersByTheirWeight) {
  server.srv("_sip._udp.example.org", 1, 75, 5060, "a.example.org");
  server.srv("_sip._udp.example.org", 1, 25, 5060, "b.example.org");
  server.a("a.example.org", "192.0.2.1");
  server.a("b.example.org", "192.0.2.2");
  places({"example.org", 0, udp, false});
  std::map<std::string, int> firsts;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const Found found = resolve({"example.org", 0, udp, false}, i);
    ASSERT_EQ(found.places.size(), 2u);
    ++firsts[found.places[0].remote.address_text()];
  }
  EXPECT_NEAR(firsts["192.0.2.1"], 1500, 100);
}

TEST_F(AgeingTest, PutsAPlaceThatFailedBehindTheOthersForAWhile) {
  rules.penalty = Seconds{30};
  server.srv("_sip._udp.example.org", 1, 1, 5060, "a.example.org");
  server.srv("_sip._udp.example.org", 2, 1, 5060, "b.example.org");
  server.a("a.example.org", "192.0.2.1");
  server.a("b.example.org", "192.0.2.2");
  const Query query{"example.org", 0, udp, false};
  ASSERT_EQ(places(query), "udp:192.0.2.1:5060 udp:192.0.2.2:5060");

  resolver->report_failure(test::at("192.0.2.1", 5060, udp));

  EXPECT_EQ(text(resolve(query, 1).places), "udp:192.0.2.2:5060 udp:192.0.2.1:5060");
  EXPECT_EQ(count(Counter::dns_bad_addresses), 1u);
  pass(Seconds{30});
  EXPECT_EQ(text(resolve(query, 2).places), "udp:192.0.2.1:5060 udp:192.0.2.2:5060");
}

TEST_F(ResolverTest, AfterAReloadAsksTheNewServersAlsoWhatIsInFlight) {
  test::DnsServer old;
  old.a("known.example", "192.0.2.9");
  old.misbehave("A example.org", {.drop = -1});
  rules.channel.servers = {old.endpoint()};
  EXPECT_EQ(places({"known.example", 5060, udp, false}), "udp:192.0.2.9:5060");
  EXPECT_EQ(resolve(by_port, 1).when, Found::When::later);
  old.wait_for_questions(2);
  server.a("example.org", "192.0.2.1");
  server.a("known.example", "192.0.2.8");

  rules.channel.servers = {server.endpoint()};
  resolver->configure(rules);

  EXPECT_EQ(wait_for(1), "udp:192.0.2.1:5070");
  EXPECT_EQ(places({"known.example", 5060, udp, false}), "udp:192.0.2.8:5060");
}

TEST_F(ResolverTest, AfterAReloadGoesByTheNewHostsFileAndChoices) {
  const test::TemporaryFolder folder;
  server.a("example.org", "192.0.2.1");
  EXPECT_EQ(places({"example.org", 0, none, false}), "udp:192.0.2.1:5060");
  rules.hosts_file = folder.write("hosts", "192.0.2.7 example.org\n");
  resolver->configure(rules);
  EXPECT_EQ(text(resolve({"example.org", 0, none, false}, 1).places), "udp:192.0.2.7:5060");
  rules.choices.ask_ipv4 = false;
  resolver->configure(rules);
  EXPECT_EQ(resolve({"example.org", 0, none, false}, 2).when, Found::When::nowhere);
}

TEST_F(AgeingTest, NoticesANewHostsFile) {
  const test::TemporaryFolder folder;
  rules.hosts_file = folder.write("hosts", "192.0.2.7 pbx\n");
  EXPECT_EQ(places({"pbx", 0, none, false}), "udp:192.0.2.7:5060");
  std::rename(folder.write("hosts.new", "192.0.2.88 pbx\n").c_str(), rules.hosts_file.c_str());
  pass(Seconds{4});
  EXPECT_EQ(places({"pbx", 0, none, false}), "udp:192.0.2.7:5060");
  pass(Seconds{1});
  EXPECT_EQ(places({"pbx", 0, none, false}), "udp:192.0.2.88:5060");
}

// Its servers are asked at port 53, which a test can't have, so nobody answers; that others are asked now shows in that
// nothing is believed that the old ones said.
TEST_F(AgeingTest, NoticesANewResolvConfUnlessTheOperatorSaysWhoIsAsked) {
  const test::TemporaryFolder folder;
  rules.channel.resolv_conf = folder.write("resolv.conf", "nameserver 127.0.0.77\n");
  rules.channel.retransmit_after = Milliseconds{50};
  const auto replace = [&](const std::string& text) {
    std::rename(folder.write("resolv.new", text).c_str(), rules.channel.resolv_conf.c_str());
    pass(Seconds{5});
    resolve({"localhost", 0, none, false}, 1);
  };
  places(by_port);
  ASSERT_EQ(resolver->cached(), 1u);
  replace("nameserver 127.0.0.78\n");
  EXPECT_EQ(resolver->cached(), 1u);

  rules.channel.servers.clear();
  resolver->configure(rules);
  EXPECT_EQ(resolver->cached(), 0u);
  EXPECT_EQ(places(by_port), "nowhere");
  ASSERT_EQ(resolver->cached(), 1u);
  replace("nameserver 127.0.0.7\n");
  EXPECT_EQ(resolver->cached(), 0u);
}

TEST_F(ResolverTest, EndsWithQuestionsInFlight) {
  server.misbehave("*", {.drop = -1});
  resolve(by_port, 1);
  resolve({"example.net", 0, none, false}, 2);
  resolver.reset();
  loop().run_once(Milliseconds{100});
  EXPECT_TRUE(answers.of.empty());
  EXPECT_EQ(loop().timers().size(), 0u);
}

TEST(Rules, AreWhatTheParametersSay) {
  config::Settings settings;
  settings.dns_cache_flags = 2 | 4;
  settings.dns_retr_time = std::chrono::seconds{3};
  settings.dns_retr_no = 4;
  settings.dns_try_naptr = false;
  const Rules rules = Rules::from(settings);
  EXPECT_EQ(rules.choices, (Choices{.naptr = false, .ask_ipv4 = false, .ask_ipv6 = true, .prefer_ipv6 = true}));
  EXPECT_EQ(rules.channel.retransmit_after, Milliseconds{3000});
  EXPECT_EQ(rules.channel.retransmissions, 4);
  settings.dns_try_ipv6 = false;
  settings.dns_cache_flags = 3;
  EXPECT_EQ(Rules::from(settings).choices, (Choices{.naptr = false, .ask_ipv4 = true, .ask_ipv6 = false, .prefer_ipv6 = false}));
}

// Everything a worker does about names, within a worker's sandbox: UDP, TCP, files that change, other servers, the end.
TEST_F(ResolverTest, WorksWithinAWorkersSandbox) {
  if (!os::sandbox_is_built_in()) GTEST_SKIP() << "sanitizers need system calls of their own: no sandbox in this build";
  const test::TemporaryFolder folder;
  rules.hosts_file = folder.write("hosts", "192.0.2.7 pbx\n");
  rules.channel.resolv_conf = folder.write("resolv.conf", "nameserver 127.0.0.1\noptions ndots:2\nsearch example.org\n");
  server.srv("_sip._udp.example.org", 1, 1, 5060, "one.example.org");
  server.a("one.example.org", "192.0.2.1");
  server.misbehave("SRV _sip._udp.example.org", {.truncate = true});
  server.misbehave("A one.example.org", {.drop = 1});
  rules.channel.retransmit_after = Milliseconds{200};
  rules.channel.retransmissions = 6;

  const pid_t pid = fork();
  if (pid == 0) {
    const int failed = [&] {
      if (!os::enter(os::Sandbox::worker, {})) return 99;
      os::EventLoop own_loop{system_clock};
      base::SystemRandom own_random;
      Resolver own(own_loop, own_random, shm::OwnCounters(row), reach, rules, answers);
      const auto waited_for = [&](const Query& query, std::uint64_t ticket) {
        if (own.resolve(query, ticket).when != Found::When::later) return std::string("not later");
        while (!answers.of.contains(ticket)) own_loop.run_once();
        return answers.of.at(ticket);
      };
      if (text(own.resolve({"pbx", 0, udp, false}, 1).places) != "udp:192.0.2.7:5060") return 1;
      if (waited_for({"example.org", 0, udp, false}, 2) != "udp:192.0.2.1:5060") return 2;
      Rules other = rules;
      other.channel.servers.clear();  // resolv.conf is read
      own.configure(other);
      own.resolve(by_port, 3);
      own.configure(rules);
      if (waited_for({"example.net", 0, none, false}, 4) != "nowhere") return 4;
      return 0;
    }();
    _exit(failed);
  }
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_FALSE(WIFSIGNALED(status)) << "ended by SIG" << sigabbrev_np(WTERMSIG(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_GE(server.over_tcp(), 1u);
}

}  // namespace
}  // namespace sipwsd::dns
