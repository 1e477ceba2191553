#include "src/config/next_hop.h"

#include <gtest/gtest.h>

#include "tests/config/run.h"

namespace sipwsd::config {
namespace {

TEST(Upstream, IsReadAsItIsWritten) {
  struct Row {
    const char *text, *as;
  };
  for (const Row& row : {Row{"sip:192.0.2.1", "sip:192.0.2.1"}, Row{"192.0.2.1:5070", "sip:192.0.2.1:5070"},
                         Row{"SIP:Proxy.Example.ORG;transport=TCP", "sip:proxy.example.org;transport=tcp"},
                         Row{"sips:proxy.example.org:5061", "sips:proxy.example.org:5061"},
                         Row{"sip:[2001:DB8::1]:5060;transport=udp;lr", "sip:[2001:db8::1]:5060;transport=udp"},
                         Row{" sip:a.example;transport = tls ", "sip:a.example;transport=tls"}}) {
    const auto spec = parse_upstream(row.text);
    ASSERT_TRUE(spec) << row.text << ": " << spec.error().why;
    EXPECT_EQ(to_text(*spec), row.as);
    EXPECT_EQ(*parse_upstream(to_text(*spec)), *spec);
  }
}

TEST(Upstream, IsRefusedWithWhatToWriteInstead) {
  struct Row {
    const char *text, *why;
  };
  for (const Row& row : {Row{"", "\"\" has no address and no name"}, Row{"sip:bob@192.0.2.1", "names a user, not a server"},
                         Row{"sip:a b", "has no address and no name"}, Row{"17", "has no address and no name"}, Row{"192.0.2.300", "has no address and no name"}, Row{"sip:a.example:", "has an empty port"},
                         Row{"sip:a.example:0", "\"0\" is no port"}, Row{"sip:a.example:65536", "\"65536\" is no port"},
                         Row{"sip:[::1", "has no ]"}, Row{"sip:[1.2.3.4]", "is no IPv6 address"}, Row{"sip:[::1]x", "goes on behind the address"},
                         Row{"sip:a.example;transport=ws", "\"ws\" is no transport to a server"}, Row{"sip:a.example;maddr=1.2.3.4", "means nothing here"},
                         Row{"sips:a.example;transport=udp", "which UDP can't be"}}) {
    const auto spec = parse_upstream(row.text);
    ASSERT_FALSE(spec) << row.text;
    EXPECT_NE(spec.error().why.find(row.why), std::string::npos) << spec.error().why;
    EXPECT_NE(spec.error().why.find("; write sip:HOST:PORT"), std::string::npos) << spec.error().why;
  }
}

TEST(Upstream, MayBeGivenAgainForTheNextBest) {
  const auto run = test::run_file("listen=ws:127.0.0.1:8080\nupstream=\"sip:192.0.2.1;transport=tcp\"\nupstream=\"sip:192.0.2.2\"\n");
  ASSERT_EQ(run.settings.upstream.size(), 2u) << run.errors;
  EXPECT_EQ(run.settings.upstream[1].host, "192.0.2.2");
}

TEST(Peers, AreAddressesNetworksAndNames) {
  Settings settings;
  ASSERT_TRUE(add_peers(settings, "192.0.2.0/24, PBX.example.org 2001:db8::/32"));
  ASSERT_TRUE(add_peers(settings, "198.51.100.7"));
  EXPECT_EQ(peers_text(settings), "192.0.2.0/24 2001:db8::/32 198.51.100.7 pbx.example.org");
  EXPECT_FALSE(add_peers(settings, "192.0.2.0/99"));
  EXPECT_FALSE(add_peers(settings, "good.example bad/name"));
  EXPECT_EQ(settings.peer_names.size(), 1u) << "all of them or none";
}

}  // namespace
}  // namespace sipwsd::config
