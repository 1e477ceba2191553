// RFC 3263 4.1 and 4.2, and the example of 4.1, from answers that a test writes down. Nobody is asked.
#include "src/dns/next_hops.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/support/addresses.h"

namespace sipwsd::dns {
namespace {

using enum TransportProtocol;

constexpr Reach everything{{true, true}, {true, true}, {true, true}};
constexpr Reach ipv4_only{{true, false}, {true, false}, {true, false}};

// Every name exists in it; what a test didn't say has no such record.
class Book final : public Knowledge {
 public:
  const std::vector<Endpoint>* in_hosts_file(const std::string& name) const override {
    const auto found = hosts.find(name);
    return found == hosts.end() ? nullptr : &found->second;
  }
  const Records* find(Question question) override {
    asked.push_back(text(question));
    if (unknown.contains(asked.back())) return nullptr;
    return &answers[asked.back()];
  }
  static std::string text(const Question& question) {
    switch (question.type) {
      case RecordType::a: return "A " + question.name;
      case RecordType::aaaa: return "AAAA " + question.name;
      case RecordType::srv: return "SRV " + question.name;
      case RecordType::naptr: return "NAPTR " + question.name;
      case RecordType::cname:
      case RecordType::soa: break;
    }
    return "?";
  }

  std::map<std::string, std::vector<Endpoint>> hosts;
  std::map<std::string, Records> answers;
  std::set<std::string> unknown;
  std::vector<std::string> asked;
};

class NextHopsTest : public testing::Test {
 protected:
  void a(const std::string& name, const std::string& address) {
    book.answers[(address.find(':') == std::string::npos ? "A " : "AAAA ") + name].addresses.push_back(
        test::at(address, 0, TransportProtocol::none));
  }
  void srv(const std::string& name, Srv record) { book.answers["SRV " + name].srv.push_back(std::move(record)); }
  void naptr(const std::string& name, Naptr record) { book.answers["NAPTR " + name].naptr.push_back(std::move(record)); }

  NextHops find(const Query& query) {
    base::FixedRandom chance(3);
    return find_next_hops(query, classify(query.host), reach, choices, book, chance);
  }
  std::string places(const Query& query) {
    const NextHops hops = find(query);
    std::string text = hops.is_complete ? "" : "incomplete";
    for (const Place& place : hops.places) text += (text.empty() ? "" : " ") + place.remote.to_string();
    return text;
  }

  Book book;
  Reach reach = everything;
  Choices choices;
};

TEST_F(NextHopsTest, OfANumericHostAreItself) {
  struct Row {
    Query query;
    std::string_view is;
  };
  const Row rows[] = {
      {{"192.0.2.1", 0, none, false}, "udp:192.0.2.1:5060"},
      {{"192.0.2.1", 5070, none, false}, "udp:192.0.2.1:5070"},
      {{"192.0.2.1", 0, tcp, false}, "tcp:192.0.2.1:5060"},
      {{"192.0.2.1", 0, tls, false}, "tls:192.0.2.1:5061"},
      {{"192.0.2.1", 0, none, true}, "tls:192.0.2.1:5061"},
      {{"192.0.2.1", 5099, tcp, true}, "tls:192.0.2.1:5099"},
      {{"192.0.2.1", 0, udp, true}, ""},
      {{"192.0.2.1", 0, sctp, false}, ""},
      {{"192.0.2.1", 0, ws, false}, ""},
      {{"192.0.2.1", 0, wss, true}, ""},
      {{"[2001:db8::1]", 0, none, false}, "udp:[2001:db8::1]:5060"},
      {{"2001:db8::1", 5062, tcp, false}, "tcp:[2001:db8::1]:5062"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(places(row.query), row.is) << row.query.host << ":" << row.query.port << " " << name(row.query.transport);
  EXPECT_TRUE(book.asked.empty());
}

TEST_F(NextHopsTest, AreAddressesWhereThePortIsSaid) {
  a("example.org", "192.0.2.1");
  a("example.org", "2001:db8::1");
  EXPECT_EQ(places({"example.org", 5070, none, false}), "udp:192.0.2.1:5070 udp:[2001:db8::1]:5070");
  EXPECT_EQ(places({"example.org", 5070, tcp, false}), "tcp:192.0.2.1:5070 tcp:[2001:db8::1]:5070");
  EXPECT_EQ(places({"example.org", 5070, none, true}), "tls:192.0.2.1:5070 tls:[2001:db8::1]:5070");
  for (const auto& question : book.asked) EXPECT_TRUE(question.ends_with(" example.org") && question.starts_with('A')) << question;
}

TEST_F(NextHopsTest, AreServersOfTheTransportThatIsSaid) {
  srv("_sip._tcp.example.org", {10, 1, 5070, "one.example.org"});
  srv("_sip._tcp.example.org", {20, 1, 5080, "two.example.org"});
  a("one.example.org", "192.0.2.1");
  a("two.example.org", "192.0.2.2");
  EXPECT_EQ(places({"Example.ORG", 0, tcp, false}), "tcp:192.0.2.1:5070 tcp:192.0.2.2:5080");
  EXPECT_EQ(book.asked.front(), "SRV _sip._tcp.example.org");  // no NAPTR
}

TEST_F(NextHopsTest, AreTheHostAtTheDefaultPortWithoutServers) {
  a("example.org", "192.0.2.1");
  EXPECT_EQ(places({"example.org", 0, udp, false}), "udp:192.0.2.1:5060");
  EXPECT_EQ(places({"example.org", 0, tls, false}), "tls:192.0.2.1:5061");
  EXPECT_EQ(places({"example.org", 0, none, false}), "udp:192.0.2.1:5060");
  EXPECT_EQ(places({"example.org", 0, none, true}), "tls:192.0.2.1:5061");
}

// The records of the RFC's example.
TEST_F(NextHopsTest, FollowNaptrInTheOrderOfTheServer) {
  naptr("example.com", {90, 50, "S", "sip+d2t", "_sip._tcp.example.com"});
  naptr("example.com", {100, 50, "s", "SIP+D2U", "_sip._udp.example.com"});
  naptr("example.com", {50, 50, "s", "SIPS+D2T", "_sips._tcp.example.com"});
  srv("_sips._tcp.example.com", {0, 1, 5061, "server1.example.com"});
  srv("_sip._tcp.example.com", {0, 1, 5060, "server1.example.com"});
  srv("_sip._tcp.example.com", {1, 2, 5060, "server2.example.com"});
  srv("_sip._udp.example.com", {0, 1, 5060, "server1.example.com"});
  a("server1.example.com", "192.0.2.1");
  a("server2.example.com", "192.0.2.2");
  EXPECT_EQ(places({"example.com", 0, none, false}),
            "tls:192.0.2.1:5061 tcp:192.0.2.1:5060 tcp:192.0.2.2:5060 udp:192.0.2.1:5060");
  EXPECT_EQ(places({"example.com", 0, none, true}), "tls:192.0.2.1:5061");

  reach.tls = {};
  EXPECT_EQ(places({"example.com", 0, none, false}), "tcp:192.0.2.1:5060 tcp:192.0.2.2:5060 udp:192.0.2.1:5060");
  EXPECT_EQ(places({"example.com", 0, none, true}), "");
}

TEST_F(NextHopsTest, AreThoseOfTheReplacementWhereverItLeads) {
  naptr("example.org", {1, 1, "s", "SIP+D2U", "_sip._udp.provider.example"});
  srv("_sip._udp.provider.example", {1, 1, 5066, "a.provider.example"});
  a("a.provider.example", "192.0.2.5");
  EXPECT_EQ(places({"example.org", 0, none, false}), "udp:192.0.2.5:5066");
}

TEST_F(NextHopsTest, PreferenceDecidesWithinOneOrder) {
  naptr("example.org", {1, 20, "s", "SIP+D2U", "u.example.org"});
  naptr("example.org", {1, 10, "s", "SIP+D2T", "t.example.org"});
  srv("u.example.org", {1, 1, 1, "h.example.org"});
  srv("t.example.org", {1, 1, 2, "h.example.org"});
  a("h.example.org", "192.0.2.1");
  EXPECT_EQ(places({"example.org", 0, none, false}), "tcp:192.0.2.1:2 udp:192.0.2.1:1");
}

TEST_F(NextHopsTest, PassOverNaptrRecordsThatAreNotForThem) {
  naptr("example.org", {1, 1, "s", "SIP+D2S", "_sip._sctp.example.org"});
  naptr("example.org", {2, 1, "u", "E2U+sip", "x.example.org"});
  naptr("example.org", {3, 1, "a", "SIP+D2U", "y.example.org"});
  naptr("example.org", {4, 1, "s", "SIP+D2W", "_sip._ws.example.org"});
  naptr("example.org", {5, 1, "s", "SIP+D2T", ""});
  srv("_sip._tcp.example.org", {1, 1, 5060, "z.example.org"});
  a("z.example.org", "192.0.2.7");
  EXPECT_EQ(places({"example.org", 0, none, false}), "tcp:192.0.2.7:5060");
}

TEST_F(NextHopsTest, AreTheHostByTheChosenTransportWhenItsReplacementHasNoServers) {
  naptr("example.org", {1, 1, "s", "SIP+D2T", "_sip._tcp.example.org"});
  a("example.org", "192.0.2.1");
  EXPECT_EQ(places({"example.org", 0, none, false}), "tcp:192.0.2.1:5060");
}

TEST_F(NextHopsTest, WithoutNaptrAreTheServersOfAllTransports) {
  srv("_sip._tcp.example.org", {1, 1, 5060, "h.example.org"});
  srv("_sip._udp.example.org", {1, 1, 5060, "h.example.org"});
  srv("_sips._tcp.example.org", {1, 1, 5061, "h.example.org"});
  a("h.example.org", "192.0.2.1");
  EXPECT_EQ(places({"example.org", 0, none, false}), "udp:192.0.2.1:5060 tcp:192.0.2.1:5060 tls:192.0.2.1:5061");
  EXPECT_EQ(places({"example.org", 0, none, true}), "tls:192.0.2.1:5061");
}

TEST_F(NextHopsTest, AskForNoNaptrWhenTheOperatorWantsNone) {
  naptr("example.org", {1, 1, "s", "SIP+D2T", "_sip._tcp.example.org"});
  a("example.org", "192.0.2.1");
  choices.naptr = false;
  EXPECT_EQ(places({"example.org", 0, none, false}), "udp:192.0.2.1:5060");
  EXPECT_EQ(book.asked.front(), "SRV _sip._udp.example.org");
}

// RFC 2782, "a Target of '.'".
TEST_F(NextHopsTest, AreNoneWhereTheServiceIsDecidedlyNotAvailable) {
  srv("_sip._udp.example.org", {0, 0, 0, ""});
  a("example.org", "192.0.2.1");
  EXPECT_EQ(places({"example.org", 0, udp, false}), "");
  EXPECT_EQ(places({"example.org", 0, none, false}), "");
  EXPECT_EQ(places({"example.org", 0, tcp, false}), "tcp:192.0.2.1:5060");
}

TEST_F(NextHopsTest, AreOfTheFamiliesThatCanBeReached) {
  a("example.org", "192.0.2.1");
  a("example.org", "2001:db8::1");
  reach = ipv4_only;
  EXPECT_EQ(places({"example.org", 5060, none, false}), "udp:192.0.2.1:5060");
  EXPECT_EQ(book.asked, (std::vector<std::string>{"A example.org"}));
  EXPECT_EQ(places({"[2001:db8::1]", 0, none, false}), "");
  reach.udp = {false, true};
  EXPECT_EQ(places({"example.org", 5060, none, false}), "udp:[2001:db8::1]:5060");
  EXPECT_EQ(places({"example.org", 5060, tcp, false}), "tcp:192.0.2.1:5060");
  reach.udp = {};
  EXPECT_EQ(places({"example.org", 5060, none, false}), "tcp:192.0.2.1:5060");  // no UDP at all
}

TEST_F(NextHopsTest, AreOfTheFamiliesAndInTheOrderTheOperatorWants) {
  a("example.org", "192.0.2.1");
  a("example.org", "2001:db8::1");
  choices.prefer_ipv6 = true;
  EXPECT_EQ(places({"example.org", 5060, none, false}), "udp:[2001:db8::1]:5060 udp:192.0.2.1:5060");
  choices.ask_ipv4 = false;
  EXPECT_EQ(places({"example.org", 5060, none, false}), "udp:[2001:db8::1]:5060");
  choices = {.naptr = true, .ask_ipv4 = true, .ask_ipv6 = false, .prefer_ipv6 = false};
  EXPECT_EQ(places({"example.org", 5060, none, false}), "udp:192.0.2.1:5060");
  EXPECT_EQ(places({"[2001:db8::9]", 5060, none, false}), "udp:[2001:db8::9]:5060");  // was said, not asked for
}

TEST_F(NextHopsTest, OfANameInTheHostsFileAreItsAddressesAndNobodyIsAsked) {
  book.hosts["pbx"] = {test::at("192.0.2.1", 0, none), test::at("2001:db8::1", 0, none)};
  EXPECT_EQ(places({"pbx", 0, none, false}), "udp:192.0.2.1:5060 udp:[2001:db8::1]:5060");
  EXPECT_EQ(places({"PBX", 0, tcp, false}), "tcp:192.0.2.1:5060 tcp:[2001:db8::1]:5060");
  EXPECT_TRUE(book.asked.empty());
}

TEST_F(NextHopsTest, OfAServerInTheHostsFileAreItsAddressesToo) {
  book.hosts["in.example.org"] = {test::at("192.0.2.8", 0, none)};
  srv("_sip._udp.example.org", {1, 1, 5060, "in.example.org"});
  EXPECT_EQ(places({"example.org", 0, udp, false}), "udp:192.0.2.8:5060");
  EXPECT_EQ(book.asked, (std::vector<std::string>{"SRV _sip._udp.example.org"}));
}

TEST_F(NextHopsTest, OfLocalhostAreThisMachine) {
  EXPECT_EQ(places({"localhost", 0, none, false}), "udp:127.0.0.1:5060 udp:[::1]:5060");
  EXPECT_EQ(places({"x.localhost", 5070, tcp, false}), "tcp:127.0.0.1:5070 tcp:[::1]:5070");
  book.hosts["localhost"] = {test::at("127.0.0.2", 0, none)};
  EXPECT_EQ(places({"localhost", 0, none, false}), "udp:127.0.0.2:5060");
  EXPECT_TRUE(book.asked.empty());
}

TEST_F(NextHopsTest, OfInvalidNamesAreNoneAlsoWhereRecordsLeadThere) {
  EXPECT_EQ(places({"df7jal23ls0d.invalid", 0, none, false}), "");
  EXPECT_EQ(places({"df7jal23ls0d.invalid", 0, ws, false}), "");
  EXPECT_EQ(places({"", 0, none, false}), "");
  EXPECT_TRUE(book.asked.empty());

  naptr("example.org", {1, 1, "s", "SIP+D2T", "_sip._tcp.x.invalid"});
  srv("_sip._udp.example.org", {1, 1, 5060, "y.invalid"});
  EXPECT_EQ(places({"example.org", 0, udp, false}), "");
  EXPECT_EQ(places({"example.org", 0, none, false}), "");
  for (const auto& question : book.asked) EXPECT_EQ(question.find("invalid"), std::string::npos) << question;
}

TEST_F(NextHopsTest, OfATargetThatIsAnAddressAreThatAddress) {
  srv("_sip._udp.example.org", {1, 1, 5060, "192.0.2.1"});
  EXPECT_EQ(places({"example.org", 0, udp, false}), "udp:192.0.2.1:5060");
}

TEST_F(NextHopsTest, AskNoNameThatIsTooLong) {
  const std::string longest = std::string(60, 'a') + "." + std::string(60, 'b') + "." + std::string(60, 'c') + "." + std::string(60, 'd') + ".example";
  ASSERT_EQ(classify(longest).kind, Host::Kind::name);
  a(longest, "192.0.2.1");
  EXPECT_EQ(places({longest, 0, udp, false}), "udp:192.0.2.1:5060");
  for (const auto& question : book.asked) EXPECT_FALSE(question.starts_with("SRV")) << question;
}

TEST_F(NextHopsTest, NameTheHostThatWasAskedForToTls) {
  naptr("example.org", {1, 1, "s", "SIPS+D2T", "_sips._tcp.provider.example"});
  srv("_sips._tcp.provider.example", {1, 1, 5061, "a.provider.example"});
  a("a.provider.example", "192.0.2.1");
  const auto hops = find({"Example.org.", 0, none, true});
  ASSERT_EQ(hops.places.size(), 1u);
  EXPECT_EQ(hops.places[0].server_name, "example.org");
  EXPECT_EQ(find({"[2001:DB8::1]", 0, none, true}).places.at(0).server_name, "2001:db8::1");
  EXPECT_EQ(find({"192.0.2.1", 0, tcp, false}).places.at(0).server_name, "");
}

TEST_F(NextHopsTest, SayWhatIsMissingOneStepAtATime) {
  naptr("example.org", {1, 1, "s", "SIP+D2U", "_sip._udp.example.org"});
  srv("_sip._udp.example.org", {1, 1, 5060, "one.example.org"});
  srv("_sip._udp.example.org", {2, 1, 5060, "two.example.org"});
  a("one.example.org", "192.0.2.1");
  a("two.example.org", "192.0.2.2");
  const Query query{"example.org", 0, none, false};
  book.unknown = {"NAPTR example.org", "SRV _sip._udp.example.org", "A two.example.org", "AAAA one.example.org"};

  EXPECT_EQ(places(query), "incomplete");
  EXPECT_EQ(book.asked, (std::vector<std::string>{"NAPTR example.org"}));
  book.asked.clear();
  book.unknown.erase("NAPTR example.org");
  EXPECT_EQ(places(query), "incomplete");
  EXPECT_EQ(book.asked, (std::vector<std::string>{"NAPTR example.org", "SRV _sip._udp.example.org"}));
  book.asked.clear();
  book.unknown.erase("SRV _sip._udp.example.org");
  EXPECT_EQ(places(query), "incomplete udp:192.0.2.1:5060");
  EXPECT_EQ(book.asked, (std::vector<std::string>{"NAPTR example.org", "SRV _sip._udp.example.org", "A one.example.org",
                                                  "AAAA one.example.org", "A two.example.org", "AAAA two.example.org"}));
  book.unknown.clear();
  EXPECT_EQ(places(query), "udp:192.0.2.1:5060 udp:192.0.2.2:5060");
}

TEST_F(NextHopsTest, AreBoundedHoweverManyRecordsThereAre) {
  for (int i = 0; i < 64; ++i) {
    const std::string host = "h" + std::to_string(i) + ".example.org";
    srv("_sip._udp.example.org", {static_cast<std::uint16_t>(i), 1, 5060, host});
    for (int j = 1; j <= 5; ++j) a(host, "192.0." + std::to_string(i) + "." + std::to_string(j));
  }
  EXPECT_EQ(find({"example.org", 0, udp, false}).places.size(), most_places);
  EXPECT_EQ(book.asked.size(), 1 + 2 * most_targets);
}

TEST_F(NextHopsTest, HaveEachPlaceOnce) {
  srv("_sip._udp.example.org", {1, 1, 5060, "one.example.org"});
  srv("_sip._udp.example.org", {2, 1, 5060, "two.example.org"});
  a("one.example.org", "192.0.2.1");
  a("two.example.org", "192.0.2.1");
  EXPECT_EQ(places({"example.org", 0, udp, false}), "udp:192.0.2.1:5060");
}

}  // namespace
}  // namespace sipwsd::dns
