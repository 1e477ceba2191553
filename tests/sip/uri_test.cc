#include "src/sip/uri.h"

#include <gtest/gtest.h>

namespace sipwsd::sip {
namespace {

TEST(Uri, IsTakenApart) {
  const auto uri =
      parse_uri("sips:alice%20b;x=1:se%63ret@Example.COM:5061;transport=tcp;lr;maddr=239.1.1.1?Subject=a&Priority=b");
  ASSERT_TRUE(uri) << uri.error().why;
  EXPECT_EQ(uri->scheme, Scheme::sips);
  EXPECT_TRUE(uri->has_user);
  EXPECT_EQ(uri->user, "alice%20b;x=1");
  EXPECT_EQ(uri->password, "se%63ret");
  EXPECT_EQ(uri->host, "Example.COM");
  EXPECT_EQ(uri->port, 5061);
  EXPECT_EQ(uri->transport_param(), "tcp");
  EXPECT_TRUE(uri->is_loose());
  EXPECT_EQ(uri->params.find("MADDR"), "239.1.1.1");
  EXPECT_EQ(uri->headers, "Subject=a&Priority=b");
}

TEST(Uri, HasOnlyWhatWasWritten) {
  const auto uri = parse_uri("SIP:example.com");
  ASSERT_TRUE(uri);
  EXPECT_EQ(uri->scheme, Scheme::sip);
  EXPECT_FALSE(uri->has_user);
  EXPECT_FALSE(uri->port);
  EXPECT_TRUE(uri->params.empty());
  EXPECT_EQ(uri->transport_param(), "");
  EXPECT_FALSE(uri->is_loose());
}

TEST(Uri, OfOtherSchemesIsKeptWhole) {
  const auto tel = parse_uri("tel:+1-201-555-0123;phone-context=example.com");
  ASSERT_TRUE(tel);
  EXPECT_EQ(tel->scheme, Scheme::tel);
  EXPECT_EQ(tel->user, "+1-201-555-0123");
  EXPECT_EQ(tel->params.find("phone-context"), "example.com");
  const auto other = parse_uri("soap.beep://192.0.2.103:3002");
  ASSERT_TRUE(other);
  EXPECT_EQ(other->scheme, Scheme::other);
  EXPECT_EQ(other->scheme_text, "soap.beep");
  EXPECT_EQ(other->opaque, "//192.0.2.103:3002");
}

TEST(Uri, IsRefusedWhenItsGrammarIsBroken) {
  for (const char* text : {"",
                           "sip",
                           "sip:",
                           "sip:@example.com",
                           "sip:alice@",
                           "sip::secret@example.com",
                           "sip:alice@exa mple.com",
                           "sip:alice@example.com:",
                           "sip:alice@example.com:0",
                           "sip:alice@example.com:65536",
                           "sip:alice@example.com:99999999999",
                           "sip:alice@example.com:50x",
                           "sip:alice@example.com;;lr",
                           "sip:alice@example.com;",
                           "sip:alice@example.com;=x",
                           "sip:a@b@c",
                           "sip:al%zzice@example.com",
                           "sip:alice%4@example.com",
                           "sip:alice@[2001:db8::1",
                           "sip:alice@[::g]",
                           "sip:alice@[1.2.3.4]",
                           "sip:alice@[::1]x",
                           "<sip:alice@example.com>",
                           "sip:alice@example.com>",
                           "sip:\"a\"@example.com",
                           "sip:alice@example..com",
                           "sip:alice@-example.com",
                           "sip:alice@.com",
                           "1sip:alice@example.com",
                           ":x",
                           "tel:",
                           "foo:",
                           "sip:alice@example.com;x=%4",
                           "sip:alice@example.com\r\nX: y",
                           "sip:alice@ex\tample.com",
                           "sip:2001:db8::10"})
    EXPECT_FALSE(parse_uri(text)) << text;
  EXPECT_FALSE(parse_uri(std::string_view("sip:a\0b@example.com", 19)));
}

TEST(Uri, ToleratesWhatRealNetworksWrite) {
  for (const char* text :
       {"sip:*21#@example.com", "sip:alice@my_host.local", "sip:alice@127.0.0.1", "sip:\xC3\xA4@example.com",
        "sip:alice@example.com.", "sip:alice@example.com;gr=urn:uuid:f81d4fae-7dec-11d0",
        "sip:x@y.invalid;transport=ws;ob", "sip:alice@[::ffff:192.0.2.1]:5060"})
    EXPECT_TRUE(parse_uri(text)) << text;
}

struct Pair {
  const char* a;
  const char* b;
};

bool same(const char* a, const char* b) {
  const auto left = parse_uri(a);
  const auto right = parse_uri(b);
  EXPECT_TRUE(left) << a;
  EXPECT_TRUE(right) << b;
  const bool result = equivalent(*left, *right);
  EXPECT_EQ(result, equivalent(*right, *left)) << a << " and " << b << " are not compared symmetrically";
  return result;
}

TEST(UriEquivalence, HoldsForTheExamplesOfRfc3261) {
  const Pair table[] = {{"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"},
                        {"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"},
                        {"sip:carol@chicago.com", "sip:carol@chicago.com;security=on"},
                        {"sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"},
                        {"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                         "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"},
                        {"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                         "sip:alice@atlanta.com?priority=urgent&subject=project%20x"}};
  for (const auto& [a, b] : table) EXPECT_TRUE(same(a, b)) << a << " | " << b;
}

TEST(UriEquivalence, DoesNotHoldForTheOtherExamplesOfRfc3261) {
  const Pair table[] = {{"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"},
                        {"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"},
                        {"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"},
                        {"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"},
                        {"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"},
                        {"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"},
                        {"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"},
                        {"sip:alice@atlanta.com", "sips:alice@atlanta.com"},
                        {"sip:alice@atlanta.com", "sip:atlanta.com"},
                        {"sip:alice@atlanta.com", "sip:alice:secret@atlanta.com"},
                        {"sip:alice@atlanta.com", "sip:alice@atlanta.com;user=phone"},
                        {"sip:alice@atlanta.com", "sip:alice@atlanta.com;ttl=1"},
                        {"sip:alice@atlanta.com", "sip:alice@atlanta.com;maddr=192.0.2.1"},
                        {"sip:a%3Bb@atlanta.com", "sip:a;b@atlanta.com"},
                        {"sip:a?x=1", "sip:a?x=1&x=1"},
                        {"isbn:1", "isbn:2"}};
  for (const auto& [a, b] : table) EXPECT_FALSE(same(a, b)) << a << " | " << b;
}

TEST(CanonicalAor, UnescapesTheUserLowersTheHostAndDropsTheRest) {
  const Pair table[] = {{"sip:Alice@Example.ORG", "Alice@example.org"},
                        {"sips:%41lice:pw@example.org:5061;transport=ws?x=y", "Alice@example.org"},
                        {"sip:alice@example.org.", "alice@example.org"},
                        {"sip:Example.org", "example.org"},
                        {"sip:a%40b@example.org", "a@b@example.org"},
                        {"tel:+123;phone-context=x", "+123"},
                        {"sip:bob@[2001:DB8::1]:5060", "bob@[2001:db8::1]"}};
  for (const auto& [text, aor] : table) EXPECT_EQ(canonical_aor(*parse_uri(text)), aor) << text;
}

TEST(Escaping, GoesThereAndBack) {
  std::string every;
  for (int c = 0; c < 256; ++c) every.push_back(static_cast<char>(c));
  const std::string escaped = escape_user(every);
  EXPECT_EQ(unescape(escaped), every);
  EXPECT_TRUE(parse_uri("sip:" + escaped + "@example.com"));
  EXPECT_EQ(escape_user("alice@home"), "alice%40home");
  EXPECT_EQ(unescape("100%"), "100%");
  EXPECT_EQ(unescape("%4"), "%4");
  EXPECT_EQ(unescape("%zz%41"), "%zzA");
  EXPECT_TRUE(equal_unescaped("%61%3b", "a;"));
  EXPECT_FALSE(equal_unescaped("a", "A"));
}

TEST(InvalidHost, IsKnownByItsLastLabelOnly) {
  for (const char* host : {"df7jal23ls0d.invalid", "x.INVALID", "a.b.invalid.", "invalid"})
    EXPECT_TRUE(is_invalid_host(host)) << host;
  for (const char* host : {"invalid.example.com", "xinvalid", "example.com", ""})
    EXPECT_FALSE(is_invalid_host(host)) << host;
  EXPECT_TRUE(parse_uri("sip:x@df7jal23ls0d.invalid;transport=ws")->is_invalid_host());
}

TEST(IpLiteral, IsAnAddressAndNotAName) {
  for (const char* host : {"127.0.0.1", "255.255.255.255", "[::1]", "[2001:db8::1]"})
    EXPECT_TRUE(is_ip_literal(host)) << host;
  for (const char* host : {"256.0.0.1", "1.2.3", "1.2.3.4.5", "::1", "example.com", "", "1.2.3.x", "[]"})
    EXPECT_FALSE(is_ip_literal(host)) << host;
}

TEST(Transport, IsNamedAsInAVia) {
  EXPECT_EQ(transport_of("ws"), TransportProtocol::ws);
  EXPECT_EQ(transport_of("WSS"), TransportProtocol::wss);
  EXPECT_EQ(transport_of("Udp"), TransportProtocol::udp);
  EXPECT_EQ(transport_of("TLS-SCTP"), TransportProtocol::none);
}

}  // namespace
}  // namespace sipwsd::sip
