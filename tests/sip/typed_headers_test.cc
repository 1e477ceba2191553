#include <gtest/gtest.h>

#include "src/sip/auth_header.h"
#include "src/sip/contact.h"
#include "src/sip/content_type.h"
#include "src/sip/cseq.h"
#include "src/sip/event_header.h"
#include "src/sip/expires.h"
#include "src/sip/header_list.h"
#include "src/sip/max_breadth.h"
#include "src/sip/name_addr.h"
#include "src/sip/option_tags.h"
#include "src/sip/params.h"
#include "src/sip/reason.h"
#include "src/sip/route_set.h"
#include "src/sip/via.h"
#include "tests/sip/samples.h"

namespace sipwsd::sip {
namespace {

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> all;
  for (const ListValue& value : values(text)) all.emplace_back(value.text);
  return all;
}

TEST(HeaderList, SplitsAtCommasThatSeparateValues) {
  using Strings = std::vector<std::string>;
  EXPECT_EQ(split_list("a, b ,c"), (Strings{"a", "b", "c"}));
  EXPECT_EQ(split_list("\"x, y\" <sip:a@b>, <sip:c,d@e>;x=\"1,2\""),
            (Strings{"\"x, y\" <sip:a@b>", "<sip:c,d@e>;x=\"1,2\""}));
  EXPECT_EQ(split_list("\"a\\\",b\" <sip:x@y>"), (Strings{"\"a\\\",b\" <sip:x@y>"}));
  EXPECT_EQ(split_list(""), Strings{});
  EXPECT_EQ(split_list("a,"), (Strings{"a", ""}));
  EXPECT_EQ(split_list(",a"), (Strings{"", "a"}));
  EXPECT_EQ(split_list("\"open, a"), (Strings{"\"open, a"}));
  EXPECT_EQ(split_list("<open, a"), (Strings{"<open, a"}));
}

TEST(HeaderList, GoesOnOverSeveralLinesAndForms) {
  const std::string text = test::wire("OPTIONS sip:a SIP/2.0\nVia: 1, 2\nv: 3\nSubject: x\nVIA: 4,\n 5\n\n");
  const Parsed parsed = parse(text);
  ASSERT_TRUE(parsed);
  std::string seen;
  for (const ListValue& value : values(*parsed, HeaderId::via))
    seen += std::string{value.text} + "@" + std::to_string(value.header) + " ";
  EXPECT_EQ(seen, "1@0 2@0 3@1 4@3 5@3 ");
  EXPECT_EQ(values(*parsed, HeaderId::route).begin(), std::default_sentinel);
}

TEST(Params, AreFoundWithoutCase) {
  const Params params{";Tag=abc ; lr;q = \"a;b\";x="};
  EXPECT_EQ(params.find("tag"), "abc");
  EXPECT_EQ(params.find("LR"), "");
  EXPECT_FALSE(params.get("lr")->has_value);
  EXPECT_TRUE(params.get("x")->has_value);
  EXPECT_EQ(params.find("q"), "\"a;b\"");
  EXPECT_FALSE(params.find("b"));
  EXPECT_FALSE(params.has(""));
}

TEST(Params, AreWellFormedOrNot) {
  for (const char* text :
       {"", ";a", "; a = b ; c", ";a=\"x;y\\\"z\"", ";received=2001:db8::1", ";a=[::1]", ";branch=z9hG4bK/+=="})
    EXPECT_TRUE(Params{text}.well_formed()) << text;
  for (const char* text : {";", ";;", ";a;", "a", ";a=", ";=b", ";a=\"open", ";a b", ";a=b c", ";a,b", ";a=<x>"})
    EXPECT_FALSE(Params{text}.well_formed()) << text;
}

TEST(Quotes, AreTakenOffAndPutOn) {
  EXPECT_EQ(unquote("\"a \\\"b\\\" \\\\\""), "a \"b\" \\");
  EXPECT_EQ(quote("a \"b\" \\"), "\"a \\\"b\\\" \\\\\"");
  EXPECT_EQ(unquote("plain"), "plain");
  EXPECT_EQ(unquote("\""), "\"");
  EXPECT_EQ(strip_quotes("\"\""), "");
}

TEST(NameAddr, ComesInBothForms) {
  const auto quoted = parse_name_addr("\"Alice \\\"A\\\" <x>\" <sip:alice@example.org;transport=ws>;tag=1;x");
  ASSERT_TRUE(quoted) << quoted.error().why;
  EXPECT_EQ(unquote(quoted->display_name), "Alice \"A\" <x>");
  EXPECT_EQ(quoted->uri.user, "alice");
  EXPECT_EQ(quoted->uri.transport_param(), "ws");
  EXPECT_EQ(quoted->tag(), "1");
  const auto tokens = parse_name_addr("Bob van Dyk<sip:bob@example.org>");
  ASSERT_TRUE(tokens);
  EXPECT_EQ(tokens->display_name, "Bob van Dyk");
  EXPECT_TRUE(tokens->has_brackets);
  const auto bare = parse_name_addr("sip:carol@example.org;tag=7");
  ASSERT_TRUE(bare);
  EXPECT_FALSE(bare->has_brackets);
  EXPECT_EQ(bare->tag(), "7");
  EXPECT_TRUE(bare->uri.params.empty());
  EXPECT_TRUE(parse_name_addr("\xC3\x84nne <sip:a@b>")) << "UTF-8 without quotes is common";
}

TEST(NameAddr, IsRefusedWhenSomethingIsOpenOrMissing) {
  for (const char* text : {"", "<>", "<sip:a@b", "\"x <sip:a@b>", "\"x\"", "\"x\" sip:a@b", "Bell, A <sip:a@b>",
                           "x <sip:a@b> y", "<sip:a@b>;", "<sip:a@b>;;x", "<sip:a@b>,<sip:c@d>", "sip:a@b?x=y",
                           "sip:a,b@c", "< sip:a@b>", "a b c", "<sip:a@b>;tag=\"x"})
    EXPECT_FALSE(parse_name_addr(text)) << text;
}

TEST(Via, HasAllItsParts) {
  const auto via = parse_via("SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK56sdasks;rport;alias");
  ASSERT_TRUE(via) << via.error().why;
  EXPECT_EQ(via->protocol, "SIP");
  EXPECT_EQ(via->version, "2.0");
  EXPECT_EQ(via->transport, TransportProtocol::wss);
  EXPECT_EQ(via->host, "df7jal23ls0d.invalid");
  EXPECT_FALSE(via->port);
  EXPECT_EQ(via->branch(), "z9hG4bK56sdasks");
  EXPECT_TRUE(via->has_magic_branch());
  EXPECT_TRUE(via->wants_rport());
  EXPECT_FALSE(via->rport());
  const auto full =
      parse_via("SIP/2.0/UDP 192.0.2.1 : 5062 ;received=192.0.2.9;rport=40000;maddr=239.0.0.1;ttl=16;branch=x");
  ASSERT_TRUE(full) << full.error().why;
  EXPECT_EQ(full->port, 5062);
  EXPECT_EQ(full->received(), "192.0.2.9");
  EXPECT_EQ(full->rport(), 40000);
  EXPECT_EQ(full->maddr(), "239.0.0.1");
  EXPECT_EQ(full->ttl(), 16);
  EXPECT_FALSE(full->has_magic_branch());
}

TEST(Via, IsRefusedWhenBroken) {
  for (const char* text :
       {"", "SIP/2.0/UDP", "SIP/2.0/UDP ", "SIP/2.0 host", "SIP 2.0/UDP host", "SIP/2.0/UDPhost",
        "SIP/2.0/UDP host:", "SIP/2.0/UDP host:0", "SIP/2.0/UDP host:70000", "SIP/2.0/UDP host;;", "SIP/2.0/UDP host x",
        "SIP/2.0/UDP [::1", "SIP/2.0/UDP 2001:db8::1", "SIP/2.0/UDP ho<st", "//UDP host", "SIP/2.0/UDP host;branch="})
    EXPECT_FALSE(parse_via(text)) << text;
}

TEST(Via, OutOfRangeNumbersAreNoNumbers) {
  EXPECT_FALSE(parse_via("SIP/2.0/UDP h;rport=70000")->rport());
  EXPECT_FALSE(parse_via("SIP/2.0/UDP h;ttl=256")->ttl());
}

TEST(CSeq, IsANumberBelowTwoToThe31AndAMethod) {
  EXPECT_EQ(parse_cseq("2147483647 INVITE")->number, 2147483647u);
  EXPECT_EQ(parse_cseq("0 REGISTER")->method, Method::register_);
  EXPECT_EQ(parse_cseq("1\t\r\n FOO")->method_text, "FOO");
  EXPECT_TRUE(parse_cseq("2147483648 INVITE").is(Errc::out_of_range));
  EXPECT_TRUE(parse_cseq("99999999999999999999 INVITE").is(Errc::out_of_range));
  for (const char* text : {"", "1", "INVITE", "1INVITE", "-1 INVITE", "1 IN VITE", "1 ", "+1 INVITE", "1 INVITE,"})
    EXPECT_FALSE(parse_cseq(text)) << text;
}

TEST(Contact, OfJsSipHasInstanceAndRegId) {
  const Parsed parsed = parse(test::sample("JsSIP REGISTER").text);
  const auto contact = first_contact(*parsed);
  ASSERT_TRUE(contact) << contact.error().why;
  EXPECT_EQ(contact->instance, "urn:uuid:e1bd9f3a-8e5c-4a27-b03c-0c0f4f9ac4ad");
  EXPECT_EQ(contact->reg_id, 1u);
  EXPECT_EQ(contact->expires, 600u);
  EXPECT_EQ(contact->q, 1000);
  EXPECT_TRUE(contact->address.params.has("+sip.ice"));
  EXPECT_FALSE(contact->ob);
  EXPECT_TRUE(contact->uri().is_invalid_host());
  EXPECT_TRUE(first_contact(*parse(test::sample("JsSIP INVITE").text))->ob);
}

TEST(Contact, NumbersOutOfRangeMeanTheNearestThing) {
  const auto expires = [](const char* value) {
    return parse_contact(std::string{"<sip:a@b>;expires="} + value)->expires;
  };
  EXPECT_EQ(expires("0"), 0u);
  EXPECT_EQ(expires("280297596632815"), 4294967295u);
  EXPECT_EQ(expires("-1"), 3600u);
  EXPECT_EQ(expires("soon"), 3600u);
  EXPECT_FALSE(parse_contact("<sip:a@b>")->expires);
  const auto q = [](const char* value) { return parse_contact(std::string{"<sip:a@b>;q="} + value)->q; };
  EXPECT_EQ(q("0.5"), 500);
  EXPECT_EQ(q("0"), 0);
  EXPECT_EQ(q("0.3335"), 333);
  EXPECT_EQ(q("1.0"), 1000);
  EXPECT_EQ(q("1.9"), 1000);
  EXPECT_EQ(q("7"), 1000);
  EXPECT_EQ(q("0.x"), 1000);
  const auto reg_id = [](const char* value) { return parse_contact(std::string{"<sip:a@b>;reg-id="} + value)->reg_id; };
  EXPECT_EQ(reg_id("2147483647"), 2147483647u);
  EXPECT_FALSE(reg_id("0"));
  EXPECT_FALSE(reg_id("2147483648"));
}

TEST(Contact, AStarStandsAlone) {
  EXPECT_TRUE(is_star(*parse(test::wire("REGISTER sip:a SIP/2.0\nm: *\n\n"))));
  EXPECT_FALSE(is_star(*parse(test::wire("REGISTER sip:a SIP/2.0\nm: *\nm: <sip:a@b>\n\n"))));
  EXPECT_FALSE(is_star(*parse(test::wire("REGISTER sip:a SIP/2.0\nm: *;expires=0\n\n"))));
  EXPECT_FALSE(is_star(*parse(test::wire("REGISTER sip:a SIP/2.0\n\n"))));
}

TEST(RouteSet, NeedsItsBrackets) {
  EXPECT_TRUE(parse_route("<sip:p1.example.com;lr>;x=y")->uri.is_loose());
  EXPECT_FALSE(parse_route("sip:p1.example.com;lr"));
  const std::string text =
      test::wire("BYE sip:a SIP/2.0\nRoute: <sip:1;lr>, <sip:2>\nRoute: <sip:3;lr>\nPath: <sip:p>\n\n");
  const Parsed parsed = parse(text);
  EXPECT_EQ(topmost_route(*parsed)->uri.host, "1");
  std::string hosts;
  for (const ListValue& value : routes(*parsed)) hosts += parse_route(value.text)->uri.host;
  EXPECT_EQ(hosts, "123");
  EXPECT_EQ(paths(*parsed).begin()->text, "<sip:p>");
  EXPECT_TRUE(topmost_route(*parse(test::wire("BYE sip:a SIP/2.0\n\n"))).is(Errc::not_found));
}

TEST(DeltaSeconds, Saturate) {
  EXPECT_EQ(parse_delta_seconds("4294967295"), 4294967295u);
  EXPECT_EQ(parse_delta_seconds("4294967296"), 4294967295u);
  EXPECT_EQ(parse_delta_seconds("1" + std::string(100, '0')), 4294967295u);
  for (const char* text : {"", "-1", "1.5", "1s", " 1"}) EXPECT_FALSE(parse_delta_seconds(text)) << text;
}

TEST(AuthHeader, ReadsChallengesAndCredentials) {
  const auto auth = parse_auth_header(
      "Digest username=\"Al\\\"ice\", realm=\"example.org\",nonce=\"abc\",\r\n uri=\"sip:example.org\", response = "
      "\"0123\", "
      "algorithm=SHA-256, cnonce=\"c\", opaque=\"\", qop=auth, nc=0000000a, extension=x");
  ASSERT_TRUE(auth) << auth.error().why;
  EXPECT_TRUE(auth->is_digest());
  EXPECT_EQ(auth->username, "Al\\\"ice");
  EXPECT_EQ(auth->realm, "example.org");
  EXPECT_EQ(auth->uri, "sip:example.org");
  EXPECT_EQ(auth->qop, "auth");
  EXPECT_EQ(auth->nonce_count(), 10u);
  EXPECT_FALSE(auth->stale);
  const auto challenge =
      parse_auth_header("digest realm=\"r\", nonce=\"n\", stale=TRUE, qop=\"auth,auth-int\", algorithm=MD5");
  ASSERT_TRUE(challenge);
  EXPECT_TRUE(challenge->stale);
  EXPECT_EQ(challenge->qop, "auth,auth-int");
}

TEST(AuthHeader, RefusesWhatTwoReadersCouldReadDifferently) {
  for (const char* text : {"", "Digest", "Digest ", "Digest realm", "Digest realm=", "Digest realm=\"open",
                           "Digest realm=\"a\" nonce=\"b\"", "Digest realm=\"a\",", "Digest realm=\"a\",,nonce=\"b\"",
                           "Digest realm=\"a\", REALM=\"b\"", "Digest username=\"a\", username=\"b\""})
    EXPECT_FALSE(parse_auth_header(text)) << text;
  EXPECT_EQ(parse_auth_header("Bearer abc.def")->scheme, "Bearer");
  for (const char* nc : {"1", "0000000g", "000000001"})
    EXPECT_FALSE(parse_auth_header(std::string{"Digest nc="} + nc)->nonce_count()) << nc;
}

TEST(OptionTags, AreFoundAndTheUnknownOnesNamed) {
  const std::string text = test::wire(
      "OPTIONS sip:a SIP/2.0\nSupported: path, GRUU,,outbound\nk: timer\nRequire: outbound, foo\nRequire: bar, "
      "<x>\n\n");
  const Parsed parsed = parse(text);
  EXPECT_TRUE(supports(*parsed, "gruu"));
  EXPECT_TRUE(supports(*parsed, "timer"));
  EXPECT_FALSE(supports(*parsed, "time"));
  EXPECT_TRUE(requires_option(*parsed, "Outbound"));
  EXPECT_EQ(unsupported_tags(*parsed, HeaderId::require, "path, outbound"), "foo, bar");
  EXPECT_EQ(unsupported_tags(*parsed, HeaderId::proxy_require, ""), "");
}

TEST(MaxBreadth, IsANumberThatMayBeMissingAndIsNeverTooLarge) {
  const auto of = [](std::string_view value) {
    const std::string text = test::wire("INVITE sip:a SIP/2.0\nmax-breadth : " + std::string{value} + "\n\n");
    const Parsed parsed = parse(text);
    return max_breadth(*parsed);
  };
  EXPECT_EQ(*of("0"), 0u);
  EXPECT_EQ(*of("0060"), 60u);
  EXPECT_EQ(*of("4294967296"), 4294967295u);
  for (const char* value : {"", "-1", "6 0", "60;x", "sixty"}) EXPECT_FALSE(of(value)) << value;
  const std::string without = test::wire("INVITE sip:a SIP/2.0\n\n");
  const Parsed parsed = parse(without);
  EXPECT_EQ(*max_breadth(*parsed), std::nullopt);
}

TEST(Via, SaysWhetherItsConnectionMayBeUsedTheOtherWay) {
  EXPECT_TRUE(parse_via("SIP/2.0/TLS a.example.com;branch=z9hG4bK1;alias")->has_alias());
  EXPECT_FALSE(parse_via("SIP/2.0/TLS a.example.com;branch=z9hG4bK1")->has_alias());
}

TEST(Gruu, StandsInUrisAndInWhatARegistrarAnswers) {
  EXPECT_EQ(parse_uri("sip:alice@example.com;gr=urn:uuid:f81d-91e6")->gr(), "urn:uuid:f81d-91e6");
  EXPECT_EQ(parse_uri("sip:tgruu.7hatz6cn@example.com;gr")->gr(), "");
  EXPECT_EQ(parse_uri("sip:alice@example.com")->gr(), std::nullopt);
  const auto contact = parse_contact(
      "<sip:alice@192.0.2.1>;pub-gruu=\"sip:alice@example.com;gr=urn:uuid:f81d\";temp-gruu=\"sip:tgruu.7@example.com;gr\"");
  ASSERT_TRUE(contact);
  EXPECT_EQ(contact->pub_gruu(), "sip:alice@example.com;gr=urn:uuid:f81d");
  EXPECT_EQ(contact->temp_gruu(), "sip:tgruu.7@example.com;gr");
  EXPECT_EQ(parse_contact("<sip:alice@192.0.2.1>")->pub_gruu(), "");
}

TEST(Routes, OfARegistrarAreReadLikeAnyOthers) {
  const std::string text =
      test::wire("REGISTER sip:a SIP/2.0\nService-Route: <sip:p1;lr>,\n <sip:p2;lr>\nservice-route:<sip:p3;lr>\n\n");
  const Parsed parsed = parse(text);
  std::string hosts;
  for (const ListValue& value : service_routes(*parsed)) hosts.append(parse_route(value.text)->uri.host).append(" ");
  EXPECT_EQ(hosts, "p1 p2 p3 ");
}

TEST(SmallHeaders, ReadTheirWordAndParameters) {
  EXPECT_EQ(parse_event("refer;id=93809824")->id(), "93809824");
  EXPECT_EQ(parse_event("terminated ;reason=noresource")->package, "terminated");
  EXPECT_FALSE(parse_event(";id=1"));
  const auto reason = parse_reason("SIP ;cause=200 ;text=\"Call completed elsewhere\"");
  EXPECT_EQ(reason->cause(), 200);
  EXPECT_EQ(reason->text(), "Call completed elsewhere");
  EXPECT_FALSE(parse_reason("Q.850;cause=70000")->cause());
  const auto type = parse_content_type("Multipart / Mixed ; boundary=\"x y\"");
  ASSERT_TRUE(type);
  EXPECT_TRUE(type->is("multipart", "mixed"));
  EXPECT_EQ(type->params.find("boundary"), "\"x y\"");
  for (const char* text : {"", "text", "text/", "/plain", "text/plain;"})
    EXPECT_FALSE(parse_content_type(text)) << text;
}

}  // namespace
}  // namespace sipwsd::sip
