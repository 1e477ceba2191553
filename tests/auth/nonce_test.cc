#include "src/auth/nonce.h"

#include <gtest/gtest.h>

#include <set>

namespace sipwsd::auth {
namespace {

constexpr base::Seconds lifetime{300};
constexpr base::TimePoint now{base::Seconds{10'000}};
constexpr base::TimePoint::duration instant{1};
using Verdict = Nonces::Verdict;

struct NoncesTest : ::testing::Test {
  base::FixedRandom random;
  Nonces nonces{"the key of all workers", lifetime};
};

TEST_F(NoncesTest, AreGoodUntilTheirLifetimeIsOver) {
  const auto nonce = nonces.make("example.org", now, random);
  const auto read = nonces.read(nonce, "example.org", now);
  EXPECT_EQ(read.verdict, Verdict::good);
  EXPECT_EQ(read.expires_at, now + lifetime);
  EXPECT_EQ(nonces.read(nonce, "example.org", now + lifetime - instant).verdict, Verdict::good);
  const auto late = nonces.read(nonce, "example.org", now + lifetime);
  EXPECT_EQ(late.verdict, Verdict::stale);
  EXPECT_EQ(late.expires_at, now + lifetime);
}

TEST_F(NoncesTest, AreReadByWhoHasTheKeyForTheirOwnRealmOnly) {
  const auto nonce = nonces.make("example.org", now, random);
  EXPECT_EQ(Nonces("the key of all workers", lifetime).read(nonce, "example.org", now).verdict, Verdict::good);
  EXPECT_EQ(Nonces("another key", lifetime).read(nonce, "example.org", now).verdict, Verdict::forged);
  EXPECT_EQ(nonces.read(nonce, "example.com", now).verdict, Verdict::forged);
}

TEST_F(NoncesTest, AreNeverTheSameAndNeedNoEscapeInAQuotedString) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto nonce = nonces.make("example.org", now, random);
    EXPECT_EQ(nonce.size(), 40u);
    EXPECT_EQ(nonce.find_first_of("\"\\ ="), std::string::npos);
    EXPECT_TRUE(seen.insert(nonce).second);
  }
}

TEST_F(NoncesTest, S23AreForgedWhicheverCharacterIsChanged) {
  const auto good = nonces.make("example.org", now, random);
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto changed = good;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(nonces.read(changed, "example.org", now).verdict, Verdict::forged) << i;
  }
  for (const auto& other : {std::string{}, good.substr(1), good + "AAAA", std::string("dcd98b7102dd2f0e8b11d0f600bfb0c093"), std::string(40, '*')})
    EXPECT_EQ(nonces.read(other, "example.org", now).verdict, Verdict::forged) << other;
}

}  // namespace
}  // namespace sipwsd::auth
