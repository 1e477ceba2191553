#include "src/tls/expiry.h"

#include "tests/support/private_segment.h"

#include <gtest/gtest.h>

namespace sipwsd::tls {
namespace {

constexpr std::int64_t day = 86'400;
constexpr std::int64_t end = 1'800'000'000;

CertificateInfo certificate() {
  CertificateInfo info;
  info.profile = "server:default";
  info.file = "/c.pem";
  info.subject = "CN=a.example";
  info.not_after = end;
  return info;
}

TEST(Expiry, IsSaidAt30And7And1DaysAndAtTheEnd) {
  std::vector<int> said;
  int last = nothing_said;
  for (std::int64_t now = end - 40 * day; now < end + 3 * day; now += 3600)
    if (const auto warning = expiry_warning(certificate(), now, last)) said.push_back(last = warning->days);
  EXPECT_EQ(said, (std::vector<int>{30, 7, 1, 0}));
}

TEST(Expiry, IsSaidOnceForTheLeastAfterAStart) {
  const auto warning = expiry_warning(certificate(), end - 3 * day, nothing_said);
  ASSERT_TRUE(warning);
  EXPECT_EQ(warning->days, 7);
  EXPECT_FALSE(expiry_warning(certificate(), end - 2 * day, warning->days));
  EXPECT_EQ(expiry_warning(certificate(), end - day, warning->days)->days, 1);
}

TEST(Expiry, SaysWhatAndWhenAndWhatToDo) {
  const auto text = [](std::int64_t now) { return expiry_warning(certificate(), now, nothing_said)->text; };
  EXPECT_EQ(text(end - 29 * day - 5),
            "server:default: certificate /c.pem (CN=a.example) ends in 29 days: get a new one, then tls.reload");
  EXPECT_EQ(text(end - day - 0),
            "server:default: certificate /c.pem (CN=a.example) ends in 1 day: get a new one, then tls.reload");
  EXPECT_EQ(text(end - 60),
            "server:default: certificate /c.pem (CN=a.example) ends in less than a day: get a new one, then tls.reload");
  EXPECT_EQ(text(end),
            "server:default: certificate /c.pem (CN=a.example) has ended; clients refuse it: get a new one, then tls.reload");
}

TEST(Expiry, HasNothingToSayBefore) { EXPECT_FALSE(expiry_warning(certificate(), end - 30 * day - 1, nothing_said)); }

TEST(Expiry, IsOnTheBoardForOperators) {
  test::PrivateSegment segment;
  auto info = certificate();
  info.names = {"a.example", "192.0.2.1"};
  info.issuer = std::string(500, 'i');
  publish(segment->certificates, {info});
  const auto rows = segment->certificates.read();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_STREQ(rows[0].profile, "server:default");
  EXPECT_STREQ(rows[0].names, "a.example 192.0.2.1");
  EXPECT_EQ(std::string_view(rows[0].issuer).size(), sizeof rows[0].issuer - 1) << "cut, and ended";
  EXPECT_EQ(rows[0].not_after, end);
}

}  // namespace
}  // namespace sipwsd::tls
