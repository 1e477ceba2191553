// RFC 5769 has the vectors; the rest is a table of what is no Binding request.
#include <gtest/gtest.h>

#include <string>

#include "src/net/stun.h"
#include "tests/support/addresses.h"

namespace sipwsd::net::stun {
namespace {

std::string from_hex(std::string_view hex) {
  std::string out;
  int high = -1;
  for (const char c : hex) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) continue;
    if (high < 0) {
      high = digit;
    } else {
      out += static_cast<char>(high << 4 | digit);
      high = -1;
    }
  }
  return out;
}

const std::string id = from_hex("b7e7a701bc34d686fa87dfae");
// RFC 5769 2.1: with SOFTWARE, PRIORITY, ICE-CONTROLLED, USERNAME, MESSAGE-INTEGRITY, FINGERPRINT.
const std::string sample_request = from_hex(
    "00010058 2112a442 b7e7a701bc34d686fa87dfae 80220010 5354554e207465737420636c69656e74 00240004 6e0001ff"
    "80290008 932ff9b151263b36 00060009 6576746a3a68367659202020 00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "80280004 e57a3bcf");
// RFC 5769 2.2, 2.3: XOR-MAPPED-ADDRESS of 192.0.2.1:32853 and of [2001:db8:1234:5678:11:2233:4455:6677]:32853.
const std::string sample_ipv4 = from_hex("00200008 0001a147 e112a643");
const std::string sample_ipv6 = from_hex("00200014 0002a147 0113a9faa5d3f179bc25f4b5bed2b9d9");

// A request of these attributes, as hex.
std::string request(std::string_view attributes = "") {
  const std::string body = from_hex(attributes);
  std::string out = from_hex("0001");
  out += static_cast<char>(body.size() >> 8);
  out += static_cast<char>(body.size());
  return out + from_hex("2112a442") + id + body;
}
std::string with_fingerprint(std::string message) {
  message[3] = static_cast<char>(message[3] + 8);
  const auto value = fingerprint(as_bytes(message));
  message += from_hex("80280004");
  for (int shift = 24; shift >= 0; shift -= 8) message += static_cast<char>(value >> shift);
  return message;
}
const BindingRequest* read(const std::variant<BindingRequest, NotForUs>& parsed) { return std::get_if<BindingRequest>(&parsed); }
std::string answer(const std::string& to, const Endpoint& source) {
  const auto parsed = parse(as_bytes(to));
  if (read(parsed) == nullptr) return "nothing";
  return std::string(as_text(Answer(*read(parsed), source).bytes()));
}

TEST(Stun, AnswersAnIpv4ClientWithItsAddressAsInRfc5769) {
  EXPECT_EQ(answer(request(), test::at("192.0.2.1", 32853)), from_hex("0101000c 2112a442") + id + sample_ipv4);
}

TEST(Stun, AnswersAnIpv6ClientWithItsAddressAsInRfc5769) {
  EXPECT_EQ(answer(request(), test::at("2001:db8:1234:5678:11:2233:4455:6677", 32853)), from_hex("01010018 2112a442") + id + sample_ipv6);
}

TEST(Stun, ComputesTheFingerprintOfRfc5769) {
  EXPECT_EQ(fingerprint(as_bytes(std::string_view(sample_request).substr(0, sample_request.size() - 8))), 0xe57a3bcfu);
}

TEST(Stun, AnswersWithAFingerprintWhoeverSentOne) {
  const std::string got = answer(with_fingerprint(request()), test::at("192.0.2.1", 32853));
  EXPECT_EQ(got, with_fingerprint(from_hex("0101000c 2112a442") + id + sample_ipv4));
}

TEST(Stun, NamesTheAttributesThatMustBeUnderstoodAndAreNot) {
  // PRIORITY of the sample, which only ICE understands.
  const std::string got = answer(sample_request, test::at("192.0.2.1", 32853));
  EXPECT_EQ(got, with_fingerprint(from_hex("01110010 2112a442 b7e7a701bc34d686fa87dfae 00090004 00000414 000a0002 0024 0000")));
}

TEST(Stun, NamesOnlySoManyAttributesThatAForgedSourceGainsNothing) {
  std::string attributes;
  for (int i = 0; i < 300; ++i) attributes += "00700000";
  const std::string asked = request(attributes), got = answer(asked, test::at("192.0.2.1", 32853));
  EXPECT_EQ(got.size(), 20u + 8u + 4u + 16u);
}

TEST(Stun, PassesOverWhatNeedNotBeUnderstoodAndWhatNeedsAPassword) {
  EXPECT_EQ(answer(request("80220003 61626300 00060002 61620000 00080014 0000000000000000000000000000000000000000"), test::at("192.0.2.1", 32853)),
            from_hex("0101000c 2112a442") + id + sample_ipv4);
}

TEST(Stun, AnswersNothingElse) {
  std::string wrong_fingerprint = with_fingerprint(request());
  wrong_fingerprint.back() ^= 1;
  std::string behind_fingerprint = with_fingerprint(request()) + from_hex("80220000");
  behind_fingerprint[3] = 12;
  const struct {
    const char* what;
    std::string bytes;
  } cases[] = {
      {"nothing", ""},
      {"half a header", request().substr(0, 19)},
      {"an indication", from_hex("00110000 2112a442") + id},
      {"a success response", from_hex("01010000 2112a442") + id},
      {"another method", from_hex("00030000 2112a442") + id},
      {"RFC 3489, without the cookie", from_hex("00010000 11111111") + id},
      {"a length that is no multiple of four", from_hex("00010002 2112a442") + id + "ab"},
      {"less than its length", from_hex("00010004 2112a442") + id},
      {"more than its length", request() + "abcd"},
      {"an attribute longer than the message", request("80220005 61626364")},
      {"a padding that is missing", request("80220007 61626364")},
      {"a wrong fingerprint", wrong_fingerprint},
      {"a fingerprint of another size", request("80280000")},
      {"something behind the fingerprint", behind_fingerprint},
  };
  for (const auto& c : cases) EXPECT_EQ(answer(c.bytes, test::at("192.0.2.1", 1)), "nothing") << c.what;
}

TEST(Stun, NeverReadsBehindTheEndHoweverTheMessageIsCut) {
  for (std::size_t size = 0; size < sample_request.size(); ++size) {
    const std::string cut = sample_request.substr(0, size);  // of its own: ASan sees a byte too many
    EXPECT_EQ(answer(cut, test::at("192.0.2.1", 1)), "nothing") << size;
  }
}

TEST(Stun, IsToldFromSipByTheFirstByte) {
  EXPECT_TRUE(looks_like_stun(as_bytes(request())));
  EXPECT_FALSE(looks_like_stun(as_bytes("INVITE sip:a@b SIP/2.0\r\n")));
  EXPECT_FALSE(looks_like_stun({}));
}

}  // namespace
}  // namespace sipwsd::net::stun
