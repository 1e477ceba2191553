#include "src/http/proxy_protocol.h"

#include "src/base/hex.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace sipwsd::http {
namespace {

using namespace std::string_literals;

const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string number16(std::size_t value) { return {static_cast<char>(value >> 8), static_cast<char>(value)}; }
std::string binary(char command, char family, const std::string& rest) {
  return signature + command + family + number16(rest.size()) + rest;
}
std::string extension(char type, const std::string& value) { return type + number16(value.size()) + value; }

const std::string ipv4 = "\xc0\x00\x02\x07\xc6\x33\x64\x01\xc8\x34\x01\xbb"s;  // 192.0.2.7:51252 -> 198.51.100.1:443
const std::string ipv6 = base::unhex(
                             "20010db8000000000000000000000005"
                             "20010db8000000000000000000000001"
                             "9c560050")
                             .value();

Result<ProxyHeader> parse(const std::string& bytes) { return parse_proxy_header(as_bytes(bytes)); }

// Incomplete for every shorter prefix, and the same header with and without bytes behind it.
Result<ProxyHeader> parse_each_way(const std::string& bytes) {
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_TRUE(parse(bytes.substr(0, size)).is(Errc::incomplete))
        << size << " of " << base::hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  auto alone = parse(bytes);
  const auto followed = parse(bytes + "GET / HTTP/1.1\r\n");
  EXPECT_TRUE(alone && followed);
  if (alone && followed) {
    EXPECT_EQ(alone->length, bytes.size());
    EXPECT_EQ(followed->length, bytes.size());
  }
  return alone;
}

TEST(ProxyProtocol, ReadsTheTextForm) {
  const auto four = parse_each_way("PROXY TCP4 192.0.2.7 198.51.100.1 51252 443\r\n");
  ASSERT_TRUE(four && four->addresses);
  EXPECT_EQ(four->addresses->source.to_string(), "tcp:192.0.2.7:51252");
  EXPECT_EQ(four->addresses->destination.to_string(), "tcp:198.51.100.1:443");

  const auto six = parse_each_way("PROXY TCP6 2001:db8::5 2001:db8::1 40022 80\r\n");
  ASSERT_TRUE(six && six->addresses);
  EXPECT_EQ(six->addresses->source.to_string(), "tcp:[2001:db8::5]:40022");
  EXPECT_EQ(six->addresses->destination.to_string(), "tcp:[2001:db8::1]:80");
}

TEST(ProxyProtocol, TakesNoAddressesFromUnknownLocalOrUnix) {
  for (const auto& bytes :
       {"PROXY UNKNOWN\r\n"s, "PROXY UNKNOWN ffff::1 whatever 1 2\r\n"s, binary('\x20', '\x00', ""),
        binary('\x20', '\x11', ipv4), binary('\x20', '\x45', ""), binary('\x21', '\x00', "junk"), binary('\x21', '\x31', std::string(216, 'x'))}) {
    const auto header = parse_each_way(bytes);
    ASSERT_TRUE(header);
    EXPECT_FALSE(header->addresses) << bytes;
  }
}

TEST(ProxyProtocol, ReadsTheBinaryForm) {
  const auto four = parse_each_way(binary('\x21', '\x11', ipv4));
  ASSERT_TRUE(four && four->addresses);
  EXPECT_EQ(four->addresses->source.to_string(), "tcp:192.0.2.7:51252");
  EXPECT_EQ(four->addresses->destination.to_string(), "tcp:198.51.100.1:443");

  const auto six = parse_each_way(binary('\x21', '\x22', ipv6));
  ASSERT_TRUE(six && six->addresses);
  EXPECT_EQ(six->addresses->source.to_string(), "udp:[2001:db8::5]:40022");
  EXPECT_EQ(six->addresses->destination.to_string(), "udp:[2001:db8::1]:80");
}

// HAProxy writes TCP6 for an IPv4 client of a socket that is bound to :: for both families.
TEST(ProxyProtocol, GivesAMappedAddressAsIpv4) {
  const auto text = parse_each_way("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:198.51.100.1 51252 443\r\n");
  ASSERT_TRUE(text && text->addresses);
  EXPECT_EQ(text->addresses->source.to_string(), "tcp:192.0.2.7:51252");
  EXPECT_EQ(text->addresses->destination.to_string(), "tcp:198.51.100.1:443");

  const auto mapped = "00000000000000000000ffffc000020700000000000000000000ffffc6336401c83401bb";
  const auto bytes = parse_each_way(binary('\x21', '\x21', base::unhex(mapped).value()));
  ASSERT_TRUE(bytes && bytes->addresses);
  EXPECT_EQ(bytes->addresses->source.to_string(), "tcp:192.0.2.7:51252");
  EXPECT_EQ(bytes->addresses->destination.to_string(), "tcp:198.51.100.1:443");
}

TEST(ProxyProtocol, ReadsTheNameAndWhetherTheClientUsedTls) {
  const auto tls = extension('\x20', "\x01\x00\x00\x00\x00"s + extension('\x21', "TLSv1.3"));
  const auto bytes =
      binary('\x21', '\x11', ipv4 + extension('\x04', "pad") + extension('\x02', "sip.example.com") + tls);
  const auto header = parse(bytes);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->authority, "sip.example.com");
  EXPECT_TRUE(header->client_tls);

  const auto plain = parse(binary('\x21', '\x11', ipv4 + extension('\x20', "\x02\x00\x00\x00\x00"s)));
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->client_tls);
}

// The sum covers the header with the sum's own bytes as zero; RFC 3720 B.4.
TEST(ProxyProtocol, ChecksTheSumWhenThereIsOne) {
  std::string bytes = binary('\x21', '\x11', ipv4 + extension('\x03', std::string(4, '\0')));
  EXPECT_TRUE(parse(bytes).is(Errc::malformed));

  std::uint32_t sum = 0xffffffffu;  // bit by bit, without a table
  for (const char c : bytes) {
    sum ^= static_cast<std::uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) sum = (sum & 1) != 0 ? sum >> 1 ^ 0x82f63b78u : sum >> 1;
  }
  sum = ~sum;
  for (int i = 0; i < 4; ++i) bytes[bytes.size() - 1 - static_cast<std::size_t>(i)] = static_cast<char>(sum >> (8 * i));
  EXPECT_TRUE(parse(bytes));
  bytes[16] ^= 1;
  EXPECT_TRUE(parse(bytes).is(Errc::malformed));
}

TEST(ProxyProtocol, RefusesEveryMalformedHeader) {
  const std::string table[] = {
      "GET / HTTP/1.1\r\n",
      "PROXX TCP4 192.0.2.7 198.51.100.1 1 2\r\n",
      "PROXY TCP5 192.0.2.7 198.51.100.1 1 2\r\n",
      "PROXY tcp4 192.0.2.7 198.51.100.1 1 2\r\n",
      "PROXY  TCP4 192.0.2.7 198.51.100.1 1 2\r\n",
      "PROXY TCP4 192.0.2.7  198.51.100.1 1 2\r\n",
      "PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n",
      "PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n",
      "PROXY TCP4 192.0.2.7 198.51.100.1 1 2 \r\n",
      "PROXY TCP4 192.0.2.7 198.51.100.1 01 2\r\n",
      "PROXY TCP4 192.0.2.7 198.51.100.1 1 65536\r\n",
      "PROXY TCP4 192.0.2.7 198.51.100.1 +1 2\r\n",
      "PROXY TCP4 192.0.2.300 198.51.100.1 1 2\r\n",
      "PROXY TCP4 2001:db8::1 198.51.100.1 1 2\r\n",
      "PROXY TCP6 192.0.2.7 198.51.100.1 1 2\r\n",
      "PROXY TCP4 192.0.2.7\0 198.51.100.1 1 2\r\n"s,
      "PROXY UNKNOWN " + std::string(100, 'x'),  // no end in 107 bytes
      signature + '\x11' + '\x11' + number16(12) + ipv4,
      signature + '\x22' + '\x11' + number16(12) + ipv4,
      signature + '\x31',
      binary('\x21', '\x41', ipv4),
      binary('\x21', '\x13', ipv4),
      binary('\x21', '\x11', ipv4.substr(1)),
      binary('\x21', '\x21', ipv4),
      binary('\x21', '\x31', std::string(215, 'x')),
      binary('\x21', '\x11', ipv4 + "\x04"),
      binary('\x21', '\x11', ipv4 + "\x04\x00\x02x"s),
      binary('\x21', '\x11', ipv4 + extension('\x20', "\x01")),
      binary('\x21', '\x11', ipv4 + extension('\x03', "abc")),
  };
  for (const auto& bytes : table) EXPECT_TRUE(parse(bytes).is(Errc::malformed)) << bytes;
}

TEST(ProxyProtocol, RefusesALongHeaderFromItsLength) {
  EXPECT_TRUE(parse(signature + '\x21' + '\x11' + number16(max_proxy_header - 15)).is(Errc::too_large));
  EXPECT_TRUE(parse(signature + '\x21' + '\x11' + number16(max_proxy_header - 16)).is(Errc::incomplete));
}

TEST(ProxyProtocol, TakesTheLongestTextLineAndNoMore) {
  const std::string longest = "PROXY UNKNOWN " + std::string(107 - 14 - 2, 'x') + "\r\n";
  EXPECT_TRUE(parse(longest));
  EXPECT_TRUE(parse("PROXY UNKNOWN " + std::string(107 - 14 - 1, 'x') + "\r\n").is(Errc::malformed));
}

TEST(ProxyProtocol, IsKnownByItsFirstBytes) {
  const auto sniff = [](const std::string& bytes) { return sniff_proxy_header(as_bytes(bytes)); };
  EXPECT_EQ(sniff(""), ProxySniff::perhaps);
  EXPECT_EQ(sniff("P"), ProxySniff::perhaps);
  EXPECT_EQ(sniff("PRACK "), ProxySniff::no);
  EXPECT_EQ(sniff("PROXY "), ProxySniff::yes);
  EXPECT_EQ(sniff("\r\n\r\n"), ProxySniff::perhaps);  // or two SIP keepalives
  EXPECT_EQ(sniff("\r\n\r\nR"), ProxySniff::no);
  EXPECT_EQ(sniff(signature), ProxySniff::yes);
}

}  // namespace
}  // namespace sipwsd::http
