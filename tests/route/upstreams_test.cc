// Which servers behind us live: a clock that stands still, a host that writes down what it is asked.
#include "src/route/upstreams.h"

#include <gtest/gtest.h>

#include "src/config/next_hop.h"
#include "tests/support/addresses.h"
#include "tests/support/private_segment.h"

namespace sipwsd::route {
namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

dns::Place place(const char* address, std::uint16_t port = 5060, TransportProtocol protocol = TransportProtocol::udp) {
  return {.remote = test::at(address, port, protocol), .server_name = protocol == TransportProtocol::tls ? "proxy.example.org" : ""};
}

class UpstreamsTest : public ::testing::Test, private Upstreams::Host {
 protected:
  UpstreamsTest() {
    clock.advance(10'000s);
    loop.run_once(0ms);
  }

  void use(std::initializer_list<const char*> uris) {
    for (const char* uri : uris) settings.upstream.push_back(*config::parse_upstream(uri));
    upstreams.start();
  }
  void pass(base::Milliseconds time) {
    for (base::Milliseconds i{0}; i < time; i += 50ms) {
      clock.advance(50ms);
      loop.run_once(0ms);
    }
  }
  Strings order() const {
    std::vector<transaction::Place> places;
    upstreams.places({}, places);
    Strings out;
    for (const auto& p : places) out.push_back(p.to.remote.to_string());
    return out;
  }
  void answer_last(std::uint16_t status) { upstreams.on_answer(last_number, status); }

  std::map<std::string, std::vector<dns::Place>> dns;  // by host; a host that is not there answers later
  Strings located, probes;
  std::uint64_t last_which = 0;
  std::uint32_t last_number = 0;
  bool answers = false;  // every probe, with 200

  config::Settings settings;
  base::FakeClock clock;
  os::EventLoop loop{clock};
  test::PrivateSegment segment;
  Upstreams upstreams{loop, settings, segment->counters.row(shm::ProcessSlot{0}), segment->upstreams, WorkerSlot{0}, *this};

 private:
  void locate_upstream(const config::UpstreamSpec& spec, std::uint64_t which) override {
    located.push_back(spec.host);
    last_which = which;
    if (const auto found = dns.find(spec.host); found != dns.end()) upstreams.located(which, found->second);
  }
  void send_probe(const transaction::Place& at, const config::UpstreamSpec&, std::uint32_t number) override {
    probes.push_back(at.to.remote.to_string());
    last_number = number;
    if (answers) upstreams.on_answer(number, 200);
  }
};

TEST_F(UpstreamsTest, AreTriedInTheirOrder) {
  dns = {{"a.example", {place("192.0.2.1"), place("192.0.2.2")}}, {"b.example", {place("192.0.2.3", 5061, TransportProtocol::tls)}}};
  use({"sip:a.example", "sip:b.example;transport=tls"});
  EXPECT_EQ(order(), (Strings{"udp:192.0.2.1:5060", "udp:192.0.2.2:5060", "tls:192.0.2.3:5061"}));
  std::vector<transaction::Place> one;
  upstreams.places("tls:192.0.2.3:5061", one);
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one[0].server_name, "proxy.example.org");
}

TEST_F(UpstreamsTest, AreNowhereUntilTheyAreFound) {
  use({"sip:a.example"});
  EXPECT_EQ(order(), Strings{});
  upstreams.located(last_which, std::array{place("192.0.2.1")});
  EXPECT_EQ(order(), Strings{"udp:192.0.2.1:5060"});
  EXPECT_EQ(located.size(), 1u);
  pass(31s);
  EXPECT_EQ(located.size(), 2u) << "addresses change";
  upstreams.located(last_which, {});
  EXPECT_EQ(order(), Strings{"udp:192.0.2.1:5060"}) << "what was known may still be right";
}

TEST_F(UpstreamsTest, AreAskedWithOptionsAndThreeDatagramsAreOneQuestion) {
  dns = {{"a.example", {place("192.0.2.1")}}};
  use({"sip:a.example"});
  EXPECT_EQ(probes.size(), 1u);
  pass(3s);
  EXPECT_EQ(probes.size(), 3u) << "at 0, 0.5 and 1.5 seconds";
  EXPECT_EQ(segment->value(shm::Counter::upstream_probes), 1u);
}

TEST_F(UpstreamsTest, ComeLastWhileTheyDoNotAnswer) {
  dns = {{"a.example", {place("192.0.2.1", 5060, TransportProtocol::tcp)}}, {"b.example", {place("192.0.2.2", 5060, TransportProtocol::tcp)}}};
  use({"sip:a.example;transport=tcp", "sip:b.example;transport=tcp"});
  answer_last(404);  // b's: any answer is a sign of life
  pass(5s);
  EXPECT_EQ(order(), (Strings{"tcp:192.0.2.2:5060", "tcp:192.0.2.1:5060"}));
  EXPECT_EQ(segment->value(shm::Counter::upstream_losses), 1u);
  EXPECT_EQ(segment->upstreams.count(0, shm::UpstreamState::away), 1u);
  EXPECT_EQ(segment->upstreams.count(1, shm::UpstreamState::alive), 1u);
  answers = true;
  pass(3s);
  EXPECT_EQ(order(), (Strings{"tcp:192.0.2.1:5060", "tcp:192.0.2.2:5060"})) << "it is asked again soon";
}

TEST_F(UpstreamsTest, AreAwayWhenTheySayTheyAreOverloaded) {
  dns = {{"a.example", {place("192.0.2.1")}}, {"b.example", {place("192.0.2.2")}}};
  settings.upstream_interval = 5s;
  use({"sip:a.example", "sip:b.example"});
  answer_last(503);
  EXPECT_EQ(order(), (Strings{"udp:192.0.2.1:5060", "udp:192.0.2.2:5060"}));
  answers = true;
  pass(10s);
  EXPECT_EQ(order(), (Strings{"udp:192.0.2.1:5060", "udp:192.0.2.2:5060"}));
}

TEST_F(UpstreamsTest, AreAwayWhenARequestGotNowhere) {
  dns = {{"a.example", {place("192.0.2.1")}}, {"b.example", {place("192.0.2.2")}}};
  answers = true;
  use({"sip:a.example", "sip:b.example"});
  upstreams.on_failure(test::at("192.0.2.1", 5060, TransportProtocol::udp));
  EXPECT_EQ(order(), (Strings{"udp:192.0.2.2:5060", "udp:192.0.2.1:5060"}));
  pass(1s);
  EXPECT_EQ(order(), (Strings{"udp:192.0.2.1:5060", "udp:192.0.2.2:5060"})) << "it was asked at once, and answered";
}

TEST_F(UpstreamsTest, AreTakenForAliveWhenNobodyAsks) {
  dns = {{"a.example", {place("192.0.2.1")}}};
  settings.upstream_interval = 0s;
  use({"sip:a.example"});
  pass(20s);
  upstreams.on_failure(test::at("192.0.2.1", 5060, TransportProtocol::udp));
  EXPECT_EQ(probes, Strings{});
  EXPECT_EQ(segment->value(shm::Counter::upstream_losses), 0u);
}

TEST_F(UpstreamsTest, KnowWhoCallsFromThere) {
  dns = {{"a.example", {place("192.0.2.1")}}, {"[2001:db8::1]", {}}, {"2001:db8::1", {place("2001:db8::1", 5060, TransportProtocol::tcp)}}};
  use({"sip:a.example", "sip:[2001:db8::1];transport=tcp"});
  EXPECT_TRUE(upstreams.has_address(test::at("192.0.2.1", 5060, TransportProtocol::udp)));
  EXPECT_FALSE(upstreams.has_address(test::at("192.0.2.1", 5062, TransportProtocol::udp))) << "a datagram comes from its port";
  EXPECT_TRUE(upstreams.has_address(test::at("192.0.2.1", 40'000, TransportProtocol::tcp)));
  EXPECT_FALSE(upstreams.has_address(test::at("192.0.2.2", 5060, TransportProtocol::udp)));
  EXPECT_TRUE(upstreams.has_host("A.EXAMPLE"));
  EXPECT_TRUE(upstreams.has_host("[2001:db8::1]"));
  EXPECT_FALSE(upstreams.has_host("b.example"));
}

// A reload of something else must not send calls to who is away, nor forget where the others are.
TEST_F(UpstreamsTest, StayKnownWhenTheyAreTheSameAfterAReload) {
  dns["a.example.org"] = {place("192.0.2.1")};
  dns["b.example.org"] = {place("192.0.2.2")};
  use({"sip:a.example.org", "sip:b.example.org"});
  upstreams.on_failure(place("192.0.2.1").remote);
  const auto before = order();
  dns.clear();  // answers later
  upstreams.start();
  EXPECT_EQ(order(), before);
  EXPECT_EQ(before, (Strings{"udp:192.0.2.2:5060", "udp:192.0.2.1:5060"}));
}

TEST_F(UpstreamsTest, MayChangeWhileAQuestionIsUnderWay) {
  use({"sip:a.example"});
  const auto old = last_which;
  settings.upstream = {*config::parse_upstream("sip:b.example")};
  dns = {{"b.example", {place("192.0.2.2")}}};
  upstreams.start();
  upstreams.located(old, std::array{place("192.0.2.1")});
  EXPECT_EQ(order(), Strings{"udp:192.0.2.2:5060"});
  settings.upstream.clear();
  upstreams.start();
  pass(1s);
  EXPECT_FALSE(upstreams.any());
  EXPECT_EQ(segment->upstreams.count(0, shm::UpstreamState::alive), 0u);
  EXPECT_EQ(order(), Strings{});
}

}  // namespace
}  // namespace sipwsd::route
