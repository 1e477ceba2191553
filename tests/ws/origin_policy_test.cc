#include "src/ws/origin_policy.h"

#include <gtest/gtest.h>

namespace sipwsd::ws {
namespace {

using Absent = OriginPolicy::Absent;
using Strings = std::vector<std::string>;

OriginPolicy policy(const Strings& entries, Absent absent = Absent::allowed_without_a_list) {
  auto parsed = OriginPolicy::parse(entries, absent);
  EXPECT_TRUE(parsed) << parsed.error().why;
  return *parsed;
}

// S05.
TEST(OriginPolicy, ComparesSchemeHostAndPortExactly) {
  struct Row {
    const char* entry;
    const char* origin;
    bool allowed;
  };
  constexpr Row table[] = {
      {"https://example.com", "https://example.com", true},
      {"https://example.com", "HTTPS://Example.COM", true},
      {"https://example.com", "https://example.com:443", true},
      {"https://example.com:443", "https://example.com", true},
      {"http://example.com", "http://example.com:80", true},
      {"https://example.com", "http://example.com", false},
      {"https://example.com", "https://example.com:444", false},
      {"https://example.com", "http://example.com:443", false},
      {"https://example.com", "https://www.example.com", false},
      {"https://example.com", "https://example.com.evil.org", false},
      {"https://example.com", "https://example.com.", false},
      {"https://example.com", "https://evilexample.com", false},
      {"https://example.com", "https://example.com/", false},
      {"https://example.com", "https://example.com/x", false},
      {"https://example.com", "https://u@example.com", false},
      {"https://example.com", "https://example.com https://evil.org", false},
      {"https://example.com", "example.com", false},
      {"https://example.com", "", false},
      {"https://example.com", "null", false},
      {"https://example.com", "https://", false},
      {"https://*.example.com", "https://app.example.com", true},
      {"https://*.example.com", "https://example.com", false},
      {"https://*.example.com", "https://a.b.example.com", false},
      {"https://*.example.com", "https://.example.com", false},
      {"https://*.example.com", "https://evil.org/.example.com", false},
      {"https://*.*.example.com", "https://a.b.example.com", true},
      {"https://app.*.example.com:8443", "https://app.x.example.com:8443", true},
      {"https://app.*.example.com:8443", "https://app.x.example.com", false},
      {"https://*", "https://localhost", true},
      {"https://*", "https://a.b", false},
      {"http://[::1]:8080", "http://[::1]:8080", true},
      {"http://127.0.0.1:8080", "http://127.0.0.1:8080", true},
      {"chrome-extension://abcdef", "chrome-extension://abcdef", true},
      {"chrome-extension://abcdef", "chrome-extension://abcdeg", false},
  };
  for (const auto& row : table)
    EXPECT_EQ(policy({row.entry}).allows(row.origin), row.allowed) << row.entry << " " << row.origin;
}

TEST(OriginPolicy, RefusesNullUnlessItIsListed) {
  EXPECT_FALSE(OriginPolicy{}.allows("null"));
  EXPECT_FALSE(policy({"*"}).allows("null"));
  EXPECT_TRUE(policy({"null"}).allows("null"));
  EXPECT_TRUE(policy({"*", "null"}).allows("null"));
  EXPECT_FALSE(policy({"null"}).allows("https://example.com"));
}

TEST(OriginPolicy, AllowsEveryOtherOriginWithoutAListOrWithAStar) {
  EXPECT_TRUE(OriginPolicy{}.allows("https://anything.example"));
  EXPECT_TRUE(policy({}).allows("file://"));
  EXPECT_TRUE(policy({"*"}).allows("https://anything.example"));
}

TEST(OriginPolicy, DecidesAboutAnAbsentOriginByTheListUnlessToldOtherwise) {
  EXPECT_TRUE(OriginPolicy{}.allows(std::nullopt));
  EXPECT_TRUE(policy({}).allows(std::nullopt));
  EXPECT_FALSE(policy({"https://a"}).allows(std::nullopt));
  EXPECT_TRUE(policy({"https://a"}, Absent::allowed).allows(std::nullopt));
  EXPECT_FALSE(policy({}, Absent::refused).allows(std::nullopt));
}

TEST(OriginPolicy, SaysWhichEntryIsNoOrigin) {
  for (const char* bad : {"example.com", "https://", "https://example.com/", "https://exa*mple.com",
                          "https://*x.example.com", "*://example.com", "https://a b", "https://a:x", "", "**"}) {
    const Strings entries{"https://good.example", bad};
    const auto parsed = OriginPolicy::parse(entries);
    ASSERT_TRUE(parsed.is(Errc::malformed)) << bad;
    EXPECT_TRUE(parsed.error().why.starts_with(bad)) << parsed.error().why;
  }
}

}  // namespace
}  // namespace sipwsd::ws
