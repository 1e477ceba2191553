#include "src/location/gruu.h"

#include <gtest/gtest.h>

#include <set>

#include "src/sip/uri.h"

namespace sipwsd::location {
namespace {

constexpr base::SipHashKey key{1, 2};
const Gruus gruus(key);
constexpr ClientId client{0x1234567890abcdef};

std::string user_of(const std::string& uri) {
  const auto parsed = sip::parse_uri(uri);
  EXPECT_TRUE(parsed) << uri;
  return std::string(parsed->user);
}

TEST(Gruu, APublicOneHasTheAddressOfRecordAndTheInstance) {
  EXPECT_EQ(Gruus::public_gruu("alice@example.org", "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
            "sip:alice@example.org;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
}

TEST(Gruu, APublicOneIsAUriWhateverTheClientCallsItself) {
  for (const std::string instance : {"urn:uuid:1", "a;b=c\"d> e", "\xc3\xa9%", "50%25"}) {
    const auto uri = Gruus::public_gruu("al ice@example.org", instance);
    const auto parsed = sip::parse_uri(uri);
    ASSERT_TRUE(parsed) << uri;
    EXPECT_EQ(sip::canonical_aor(*parsed), "al ice@example.org");
    EXPECT_EQ(sip::unescape(parsed->gr().value()), instance);
  }
}

TEST(Gruu, ATemporaryOneNamesTheClientAndItsRegistrationToUsAlone) {
  const auto uri = gruus.temporary_gruu("alice@example.org", client, "call-1", 7);

  EXPECT_TRUE(uri.starts_with("sip:tgruu.")) << uri;
  EXPECT_TRUE(uri.ends_with("@example.org;gr")) << uri;
  EXPECT_EQ(uri.find("alice"), std::string::npos);
  const auto read = gruus.read(user_of(uri));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->client, client);
  EXPECT_TRUE(gruus.is_for(*read, "call-1"));
  EXPECT_FALSE(gruus.is_for(*read, "call-2"));
  EXPECT_TRUE(Gruus({3, 4}).read(user_of(uri)).is(Errc::refused)) << "another daemon's key";
}

TEST(Gruu, EachSerialGivesAnotherThatIsAsGood) {
  std::set<std::string> all;
  for (std::uint64_t serial = 0; serial < 1000; ++serial) {
    const auto uri = gruus.temporary_gruu("alice@example.org", client, "call-1", serial);
    EXPECT_TRUE(all.insert(uri).second);
    EXPECT_EQ(gruus.read(user_of(uri))->client, client);
  }
}

TEST(Gruu, AnyChangedBitIsNoticed) {
  const auto user = user_of(gruus.temporary_gruu("alice@example.org", client, "call-1", 7));
  for (std::size_t i = 0; i < user.size(); ++i)
    for (const char c : {'A', 'z', '-', '*', '\0'}) {
      std::string changed = user;
      if (changed[i] == c) continue;
      changed[i] = c;
      EXPECT_FALSE(gruus.read(changed)) << changed;
    }
}

TEST(Gruu, WhatHasAnotherShapeIsNone) {
  for (const char* user : {"", "alice", "tgruu.", "tgruu.AAAA", "tgruu.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "TGRUU.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})
    EXPECT_TRUE(gruus.read(user).is(Errc::not_found)) << user;
  EXPECT_TRUE(gruus.read("tgruu.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").is(Errc::refused));
}

}  // namespace
}  // namespace sipwsd::location
