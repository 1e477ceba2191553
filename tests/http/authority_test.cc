#include "src/http/authority.h"

#include <gtest/gtest.h>

#include <string>

namespace sipwsd::http {
namespace {

TEST(Authority, SplitsHostAndPort) {
  struct Row {
    const char* text;
    const char* host;
    std::optional<std::uint16_t> port;
  };
  constexpr Row table[] = {
      {"example.com", "example.com", std::nullopt},
      {"example.com:80", "example.com", 80},
      {"example.com:", "example.com", std::nullopt},
      {"127.0.0.1:65535", "127.0.0.1", 65535},
      {"[::1]", "[::1]", std::nullopt},
      {"[2001:db8::1]:443", "[2001:db8::1]", 443},
      {"a_b-c.d~", "a_b-c.d~", std::nullopt},
      {"a:0", "a", 0},
  };
  for (const auto& row : table) {
    const auto authority = parse_authority(row.text);
    ASSERT_TRUE(authority) << row.text;
    EXPECT_EQ(authority->host, row.host);
    EXPECT_EQ(authority->port, row.port);
  }
}

TEST(Authority, RefusesWhatIsNoHost) {
  for (const char* text : {"", ":80", "a:65536", "a:-1", "a: 80", "a:80x", "a b", "a/b", "u@a", "*", "[::1", "[]",
                           "[:]x", "[::1]80", "[g::1]", "::1", "a,b", "a:80:90", "\xc3\xa4"})
    EXPECT_FALSE(parse_authority(text)) << text;
  EXPECT_TRUE(parse_authority(std::string(255, 'a')));
  EXPECT_FALSE(parse_authority(std::string(256, 'a')));
}

TEST(Authority, ComparesHostsWithoutCaseAndFinalDot) {
  EXPECT_TRUE(same_host("Example.COM", "example.com."));
  EXPECT_FALSE(same_host("example.com", "example.com.x"));
  EXPECT_FALSE(same_host("example.com", "xample.com"));
  EXPECT_FALSE(same_host("a", "a.."));
}

}  // namespace
}  // namespace sipwsd::http
