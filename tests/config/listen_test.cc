#include "src/config/listen.h"

#include <gtest/gtest.h>

namespace sipwsd::config {
namespace {

std::string listen(std::string_view text) {
  const auto specs = parse_listen(text);
  if (!specs) return "ERROR " + specs.error().why;
  std::string out;
  for (const auto& spec : *specs) out += (out.empty() ? "" : " ") + to_text(spec);
  return out;
}

TEST(Listen, ReadsEveryFormOfASocket) {
  const std::pair<const char*, const char*> table[] = {
      {"ws:127.0.0.1:8080", "ws:127.0.0.1:8080"},
      {"wss:[2001:db8::1]:443", "wss:[2001:db8::1]:443"},
      {"tls:sip.example.org", "tls:sip.example.org:5061"},
      {"tcp:10.0.0.1", "tcp:10.0.0.1:5060"},
      {"ws:[::1]", "ws:[::1]:80"},
      {"wss:eth0", "wss:eth0:443"},
      {"udp:eth0:5070", "udp:eth0:5070"},
      {"WS:127.0.0.1:0", "ws:127.0.0.1:0"},
      {"tcp:*:5060", "tcp:*:5060"},
      {"10.0.0.1", "udp:10.0.0.1:5060 tcp:10.0.0.1:5060"},
      {"10.0.0.1:5070", "udp:10.0.0.1:5070 tcp:10.0.0.1:5070"},
      {"localhost", "udp:localhost:5060 tcp:localhost:5060"},
      {"[::1]:5070", "udp:[::1]:5070 tcp:[::1]:5070"},
      {"tcp:(10.0.0.1,10.0.0.2):5070", "tcp:10.0.0.1:5070 tcp:10.0.0.2:5070"},
      {"tls:(10.0.0.1, [::1])", "tls:10.0.0.1:5061 tls:[::1]:5061"},
      {" ws:a-b.example:1 ", "ws:a-b.example:1"},
      {"ws:127.0.0.1:65535", "ws:127.0.0.1:65535"},
  };
  for (const auto& [text, specs] : table) EXPECT_EQ(listen(text), specs) << text;
}

TEST(Listen, SaysWhatIsWrongAndWhatToWrite) {
  const std::string form = "write PROTO:ADDRESS:PORT, like ws:127.0.0.1:8080 or tls:[2001:db8::1]:5061";
  const std::pair<const char*, std::string> table[] = {
      {"", "\"\" is no address and no name; " + form},
      {"ws:", "\"\" is no address and no name; " + form},
      {"wd:1.2.3.4:80", "\"wd\" is no protocol; did you mean \"ws\"?"},
      {"http:1.2.3.4:80", "\"http\" is no protocol; " + form},
      {"sctp:1.2.3.4:80", "\"sctp\" is not served here; the protocols are ws, wss, tcp, tls and udp"},
      {"ws:1.2.3.4:65536", "\"65536\" is no port; write a number from 0 to 65535"},
      {"ws:1.2.3.4:http", "\"http\" is no port; write a number from 0 to 65535"},
      {"ws:1.2.3.4:", "\"\" is no port; write a number from 0 to 65535"},
      {"ws:1.2.3.256:80", "\"1.2.3.256\" is no IPv4 address; " + form},
      {"ws:1.2.3:80", "\"1.2.3\" is no IPv4 address; " + form},
      {"ws:::1", "\"::1\" is an IPv6 address without brackets; write [::1]"},
      {"ws:[::1:80", "\"[::1:80\" has no ]; " + form},
      {"ws:[1.2.3.4]:80", "\"1.2.3.4\" is no IPv6 address; " + form},
      {"ws:[::1]80", "\"[::1]80\" is no address; " + form},
      {"ws:(a,b:80", "\"(a,b:80\" has no ); " + form},
      {"ws:a b:80", "\"a b\" is no address and no name; " + form},
      {"ws:(a,,b):80", "\"\" is no address and no name; " + form},
  };
  for (const auto& [text, why] : table) EXPECT_EQ(listen(text), "ERROR " + why) << text;
}

TEST(Listen, AdvertisesAnotherAddress) {
  auto specs = *parse_listen("tcp:(10.0.0.1,10.0.0.2):80");
  ASSERT_TRUE(parse_advertise("192.0.2.1:8080", specs));
  EXPECT_EQ(to_text(specs[1]), "tcp:10.0.0.2:80 advertise 192.0.2.1:8080");
  ASSERT_TRUE(parse_advertise("[2001:db8::1]", specs));
  EXPECT_EQ(to_text(specs[0]), "tcp:10.0.0.1:80 advertise [2001:db8::1]");
  EXPECT_FALSE(parse_advertise("*", specs));
  EXPECT_FALSE(parse_advertise("a:b", specs));
}

TEST(Listen, KnowsTheAddressesNobodyElseReaches) {
  const std::pair<const char*, bool> table[] = {
      {"ws:127.0.0.1:80", true}, {"ws:127.9.9.9:80", true},  {"ws:[::1]:80", true},     {"ws:localhost:80", true},
      {"ws:lo:80", true},        {"ws:0.0.0.0:80", false},   {"ws:*:80", false},        {"ws:[::]:80", false},
      {"ws:10.0.0.1:80", false}, {"ws:example.org:80", false}, {"ws:eth0:80", false},   {"ws:128.0.0.1:80", false},
  };
  for (const auto& [text, loopback] : table) EXPECT_EQ(is_loopback((*parse_listen(text))[0]), loopback) << text;
}

TEST(Alias, ReadsDomainsWithPortsAndProtocols) {
  const auto aliases =
      parse_aliases("Example.ORG sip.example.org:5060 tls:a.example:5061 udp:b.example [2001:DB8::1]:80");
  ASSERT_TRUE(aliases);
  EXPECT_EQ(*aliases, (std::vector<std::string>{"example.org", "sip.example.org:5060", "a.example:5061", "b.example",
                                                "[2001:db8::1]:80"}));
  EXPECT_FALSE(parse_aliases(""));
  EXPECT_FALSE(parse_aliases("a.example:port"));
  EXPECT_FALSE(parse_aliases("*"));
}

}  // namespace
}  // namespace sipwsd::config
