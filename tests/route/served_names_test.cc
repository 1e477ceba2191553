#include "src/route/served_names.h"

#include <gtest/gtest.h>

#include "tests/support/addresses.h"

namespace sipwsd::route {
namespace {

using test::at;

ServedNames names(std::vector<std::string> alias, std::vector<Endpoint> listeners, std::vector<config::ListenSpec> listen = {}) {
  config::Settings settings;
  settings.alias = std::move(alias);
  settings.listen = std::move(listen);
  return {settings, listeners};
}

struct Row {
  const char* text;
  bool ours;
};

TEST(ServedNames, AreTheAliasesAndTheListenersOfASipUri) {
  const auto served = names({"example.org", "only.example:5061", "[2001:db8::1]"}, {at("192.0.2.1", 8080), at("127.0.0.1", 8081), at("2001:db8::2", 80)});
  for (const Row& row : {
           Row{"sip:example.org", true},           Row{"sip:alice@EXAMPLE.org;transport=ws", true},
           Row{"sip:example.org:7", true},         // an alias without a port stands for all
           Row{"sip:example.org.", true},          Row{"sips:a@example.org", true},
           Row{"sip:only.example:5061", true},     Row{"sip:only.example", true},
           Row{"sip:only.example:5060", false},    Row{"sip:a@[2001:db8::1]:9", true},
           Row{"sip:192.0.2.1:8080", true},        Row{"sip:192.0.2.1", true},
           Row{"sip:192.0.2.1:8081", false},       Row{"sip:[2001:DB8::2]", true},
           Row{"sip:localhost", true},             Row{"sip:localhost:8081", true},
           Row{"sip:localhost:8080", false},       Row{"sip:sub.example.org", false},
           Row{"sip:example.org@evil.org", false}, Row{"sip:evil.org;x=example.org", false},
           Row{"sip:xexample.org", false},         Row{"tel:example.org", false},
           Row{"http://example.org", false},       Row{"example.org", false},
           Row{"", false},
       })
    EXPECT_EQ(served.is_ours(std::string_view{row.text}), row.ours) << row.text;
}

TEST(ServedNames, KnowAnIpv6AddressInEverySpelling) {
  const auto served = names({"[2001:DB8::0001]"}, {at("::1", 80)});
  EXPECT_TRUE(served.is_ours(std::string_view{"sip:a@[2001:db8:0:0::1]"}));
  EXPECT_TRUE(served.is_ours(std::string_view{"sip:a@[0:0:0:0:0:0:0:1]:80"}));
  EXPECT_FALSE(served.is_ours(std::string_view{"sip:a@[2001:db8::2]"}));
}

TEST(ServedNames, IncludeTheSocketARequestCameInOnWhenItListensEverywhere) {
  const auto served = names({"example.org"}, {at("0.0.0.0", 8080)});
  const auto ours = [&](const char* uri) { return served.is_ours(*sip::parse_uri(uri), at("192.0.2.1", 8080)); };
  EXPECT_TRUE(ours("sip:token@192.0.2.1:8080;lr"));
  EXPECT_TRUE(ours("sip:192.0.2.1"));
  EXPECT_FALSE(ours("sip:192.0.2.1:8081"));
  EXPECT_FALSE(ours("sip:192.0.2.2:8080"));
}

TEST(ServedNames, IncludeTheNameAListenerWasGivenBy) {
  const auto served = names({}, {at("192.0.2.1", 8080)}, {{TransportProtocol::ws, "Edge.Example", 8080, {}, 0}});
  EXPECT_TRUE(served.is_ours(std::string_view{"sip:edge.example:8080"}));
}

TEST(ServedNames, AreWhatAnHttpHostMayBe) {
  const auto served = names({"example.org", "[2001:db8::1]:90"}, {at("127.0.0.1", 8080)});
  for (const Row& row : {
           Row{"example.org", true},         Row{"EXAMPLE.ORG.:8080", true}, Row{"127.0.0.1:8080", true}, Row{"127.0.0.1:8081", false},
           Row{"localhost:8080", true},      Row{"localhost", true},         Row{"[2001:db8::1]:90", true},
           Row{"[2001:db8::1]:91", false},   Row{"evil.org", false},         Row{"example.org.evil.org", false},
           Row{"user@example.org", false},   Row{"", false},                 Row{"2001:db8::1", false},
       })
    EXPECT_EQ(served.serves_host(row.text, at("198.51.100.9", 80)), row.ours) << row.text;
}

TEST(ServedNames, TakeAnyHostOnAWildcardWithoutAnAlias) {
  const auto any = names({}, {at("0.0.0.0", 8080)});
  EXPECT_TRUE(any.http_hosts().empty());
  EXPECT_TRUE(any.serves_host("whatever", at("198.51.100.9", 80)));
  EXPECT_FALSE(any.is_ours(std::string_view{"sip:whatever"})) << "that a browser may connect makes it no domain of ours";

  const auto named = names({"example.org"}, {at("::", 8080)});
  EXPECT_TRUE(named.serves_host("example.org", at("198.51.100.9", 80)));
  EXPECT_FALSE(named.serves_host("whatever", at("198.51.100.9", 80)));
  EXPECT_TRUE(named.serves_host("198.51.100.9:80", at("198.51.100.9", 80)));
  EXPECT_FALSE(named.serves_host("198.51.100.9:81", at("198.51.100.9", 80)));
}

TEST(ServedNames, IncludeWhatAListenerAdvertises) {
  const auto served = names({}, {at("10.0.0.1", 8080)},
                            {{TransportProtocol::ws, "10.0.0.1", 8080, "Edge.Example", 443}, {TransportProtocol::ws, "10.0.0.1", 8081, {}, 0}});
  EXPECT_TRUE(served.is_ours(std::string_view{"sip:edge.example:443"}));
  EXPECT_FALSE(served.is_ours(std::string_view{"sip:edge.example:8080"}));
  EXPECT_TRUE(served.serves_host("edge.example", at("198.51.100.9", 80)));
}

}  // namespace
}  // namespace sipwsd::route
