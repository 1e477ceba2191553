#include <gtest/gtest.h>

#include "sipwsd/endpoint.h"
#include "src/base/base64.h"
#include "src/base/digest.h"
#include "src/base/hex.h"
#include "src/base/log.h"
#include "src/base/random.h"
#include "src/base/siphash.h"
#include "src/base/text.h"
#include "src/base/utf8.h"

namespace sipwsd::base {
namespace {

TEST(Base64, AgreesWithTheExamplesOfRfc4648) {
  const std::pair<const char*, const char*> table[] = {{"", ""},         {"f", "Zg=="},        {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},  {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : table) {
    EXPECT_EQ(base64(plain), encoded);
    EXPECT_EQ(unbase64(encoded), plain);
  }
}

TEST(Base64, RefusesWhatNoEncoderWrites) {
  for (const char* bad : {"Zg", "Zg=", "Zh==", "Z===", "Zm9v=", "Zm 9v", "Zm9v\n", "=Zg="}) EXPECT_FALSE(unbase64(bad)) << bad;
  EXPECT_FALSE(unbase64url("Zm9vY"));
  EXPECT_EQ(unbase64url(base64url("\xfb\xff\xfe")), "\xfb\xff\xfe");
}

TEST(Hex, GoesBothWaysAndRefusesOddLengths) {
  EXPECT_EQ(unhex("00fFa1").value(), std::string("\x00\xff\xa1", 3));
  EXPECT_FALSE(unhex("0"));
  EXPECT_FALSE(unhex("0g"));
}

TEST(Digest, AgreesWithThePublishedVectors) {
  EXPECT_EQ(hex(sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha512_256("abc")), "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23");
  EXPECT_EQ(hex(md5("abc")), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(SipHash, AgreesWithTheReferenceVectors) {
  const SipHashKey key{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
  std::string input;
  const std::uint64_t first[] = {0x726fdb47dd0e0e31ULL, 0x74f839c593dc67fdULL, 0x0d6c8009d9a94f5aULL};
  for (const auto expected : first) {
    EXPECT_EQ(siphash(key, input), expected);
    input += static_cast<char>(input.size());
  }
  while (input.size() < 15) input += static_cast<char>(input.size());
  EXPECT_EQ(siphash(key, input), 0xa129ca6149be45e5ULL);
}

TEST(Text, ParsesDecimalDigitsAndNothingElse) {
  EXPECT_EQ(parse_decimal<std::uint32_t>("4294967295"), 4294967295u);
  for (const char* bad : {"", "+1", "-1", " 1", "1 ", "0x1", "1a", "4294967296", "99999999999"})
    EXPECT_FALSE(parse_decimal<std::uint32_t>(bad)) << bad;
}

struct Utf8Case {
  std::string_view text;
  bool valid;
};
constexpr Utf8Case utf8_cases[] = {
    {"", true},           {"plain", true},           {"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5", true},
    {"\xf4\x8f\xbf\xbf", true}, {"\xf4\x90\x80\x80", false}, {"\xed\xa0\x80", false}, {"\xed\x9f\xbf", true},
    {"\xc0\xaf", false},  {"\xe0\x80\xaf", false},   {"\xe0\xa0\x80", true},   {"\xf0\x8f\xbf\xbf", false},
    {"\xf0\x90\x80\x80", true}, {"\x80", false},     {"\xff", false},          {"ab\xc3", false},
    {"12345678\xe2\x82\xac" "90123456789", true},    {"\xf5\x80\x80\x80", false}, {"\xc3(", false},
};

TEST(Utf8, AcceptsAndRefusesByRfc3629) {
  for (const auto& c : utf8_cases) EXPECT_EQ(is_utf8(c.text), c.valid) << hex({reinterpret_cast<const std::uint8_t*>(c.text.data()), c.text.size()});
}

TEST(Utf8, ThePiecewiseValidatorAgreesAtEverySplit) {
  for (const auto& c : utf8_cases)
    for (std::size_t a = 0; a <= c.text.size(); ++a)
      for (std::size_t b = a; b <= c.text.size(); ++b) {
        Utf8Validator v;
        v.feed(c.text.substr(0, a));
        v.feed(c.text.substr(a, b - a));
        v.feed(c.text.substr(b));
        EXPECT_EQ(v.complete(), c.valid) << c.text << " at " << a << "," << b;
      }
}

TEST(Utf8, FailsAtTheFirstByteThatCannotBelong) {
  Utf8Validator v;
  EXPECT_TRUE(v.feed("\xf4"));
  EXPECT_FALSE(v.feed("\x90"));  // above U+10FFFF, known before the third byte
  Utf8Validator w;
  EXPECT_FALSE(w.feed("\xed\xa0"));  // a surrogate
}

TEST(Utf8, CutsOnACharacterBoundary) {
  EXPECT_EQ(utf8_prefix("abc", 5), 3u);
  EXPECT_EQ(utf8_prefix("a\xe2\x82\xac", 3), 1u);
  EXPECT_EQ(utf8_prefix("a\xe2\x82\xac", 4), 4u);
}

TEST(Random, IsUniformBelowALimitAndNotConstant) {
  SystemRandom random;
  bool seen[7] = {};
  for (int i = 0; i < 1000; ++i) seen[random.below(7)] = true;
  for (const bool s : seen) EXPECT_TRUE(s);
  EXPECT_NE(random.token(16), random.token(16));
  EXPECT_EQ(random.token(16).size(), 32u);
}

TEST(Log, EscapesControlCharactersSoThatNobodyForgesALine) {
  EXPECT_EQ(log::escaped("a\r\nb\x1b[0m\\"), "a\\r\\nb\\x1b[0m\\\\");
  log::Level level{};
  EXPECT_TRUE(log::parse_level("warning", level));
  EXPECT_EQ(level, log::Level::warning);
  EXPECT_TRUE(log::parse_level("5", level));
  EXPECT_FALSE(log::parse_level("loud", level));
}

TEST(Endpoint, PrintsLikeWsDumpAndLikeAUri) {
  Endpoint e{.address = {192, 0, 2, 7}, .port = 80, .family = AddressFamily::ipv4, .protocol = TransportProtocol::ws};
  EXPECT_EQ(e.to_string(), "ws:192.0.2.7:80");
  e.family = AddressFamily::ipv6;
  e.address = {0x20, 0x01, 0x0d, 0xb8};
  e.address[15] = 5;
  EXPECT_EQ(e.address_text(), "2001:db8::5");
  EXPECT_EQ(e.to_string(), "ws:[2001:db8::5]:80");
  EXPECT_EQ(Endpoint{}.address_text(), "*");
  EXPECT_FALSE(e.is_loopback());
}

}  // namespace
}  // namespace sipwsd::base
