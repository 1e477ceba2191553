#include <gtest/gtest.h>

#include "tests/config/run.h"

namespace sipwsd::config {
namespace {

using test::run_file, test::run_flags;

std::string servers(const Settings& settings) {
  std::string text;
  for (const Endpoint& server : settings.dns_servers)
    text += (text.empty() ? "" : " ") + server.host_text() + ":" + std::to_string(server.port);
  return text;
}

TEST(DnsParams, ReadNameServersWithAndWithoutAPort) {
  const auto run = run_file("dns_servers=\"192.0.2.1, 192.0.2.2:5353\"\ndns_servers=\"2001:db8::1 [2001:db8::2] [::1]:54\"\n");
  ASSERT_TRUE(run.loaded) << run.errors;
  EXPECT_EQ(servers(run.settings), "192.0.2.1:53 192.0.2.2:5353 [2001:db8::1]:53 [2001:db8::2]:53 [::1]:54");
}

TEST(DnsParams, RefuseWhatIsNoAddressOfANameServer) {
  for (const auto* text : {"ns.example.org", "192.0.2.1:0", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.0/24", "[::1", "::1]", "[]:53", ":53", "[:53"}) {
    const auto run = run_flags({"--dns-servers", text});
    EXPECT_NE(run.errors.find(std::string("\"") + text + "\" is no address; write IP or IP:PORT, [IP]:PORT for IPv6"), std::string::npos)
        << text << ": " << run.errors;
  }
}

TEST(DnsParams, AreTakenFromAKamailioConfiguration) {
  const auto run = run_file(
      "dns=no\nrev_dns=no\ndns_try_ipv6=no\ndns_try_naptr=no\ndns_retr_time=2\ndns_retr_no=3\ndns_cache_flags=4\n"
      "dns_cache_negative_ttl=30\ndns_cache_min_ttl=5\ndns_cache_max_ttl=600\ndns_cache_mem=1000\ndst_blacklist_expire=60\n"
      "dns_use_search_list=no\nuse_dns_cache=on\nuse_dns_failover=on\n");
  ASSERT_TRUE(run.loaded) << run.errors;
  EXPECT_FALSE(run.settings.dns_try_ipv6);
  EXPECT_FALSE(run.settings.dns_try_naptr);
  EXPECT_EQ(run.settings.dns_retr_no, 3u);
  EXPECT_EQ(run.settings.dns_cache_mem, 1000u);
  EXPECT_EQ(run.settings.dst_blacklist_expire.count(), 60);
}

}  // namespace
}  // namespace sipwsd::config
