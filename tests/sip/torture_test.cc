// RFC 4475 and RFC 5118: every message gets the verdict its section asks for. Where a section leaves the choice, the
// comment beside the sample says what we chose.

#include <gtest/gtest.h>

#include "src/sip/contact.h"
#include "src/sip/cseq.h"
#include "src/sip/edits.h"
#include "src/sip/from_to.h"
#include "src/sip/header_list.h"
#include "src/sip/max_forwards.h"
#include "src/sip/message_splitter.h"
#include "src/sip/response_builder.h"
#include "src/sip/sanity.h"
#include "src/sip/via.h"
#include "src/sip/writer.h"
#include "tests/sip/samples.h"

namespace sipwsd::sip {
namespace {

using test::sample;
using test::Verdict;

std::optional<Refusal> verdict_on(const Parsed& parsed) {
  if (!parsed) return parsed.refusal();
  return sanity_refusal(*parsed);
}

TEST(Torture, HasAllMessagesOfBothDocuments) {
  EXPECT_EQ(test::rfc4475().size(), 13u + 19u + 1u + 15u + 1u);
  EXPECT_EQ(test::rfc5118().size(), 12u);
}

TEST(Torture, EveryMessageGetsItsVerdict) {
  for (const test::Sample& one : test::all_samples()) {
    const Parsed parsed = parse(one.text);
    const auto refusal = verdict_on(parsed);
    const std::string why = refusal ? std::string{refusal->reason} : "accepted";
    switch (one.verdict) {
      case Verdict::accepted:
        EXPECT_FALSE(refusal) << one.section << ": " << why;
        break;
      case Verdict::dropped:
        ASSERT_TRUE(refusal) << one.section;
        EXPECT_FALSE(refusal->answerable) << one.section;
        break;
      case Verdict::refused:
        ASSERT_TRUE(refusal) << one.section;
        EXPECT_EQ(refusal->status, one.status) << one.section << ": " << why;
        // badinv01 alone has a topmost Via nobody can read: no way back.
        EXPECT_EQ(refusal->answerable, one.section.find("badinv01") == std::string::npos) << one.section << ": " << why;
        break;
    }
  }
}

TEST(Torture, ARefusalIsAnsweredWithAMessageThatIsAcceptedItself) {
  for (const test::Sample& one : test::all_samples()) {
    const Parsed parsed = parse(one.text);
    const auto refusal = verdict_on(parsed);
    if (!refusal || !refusal->answerable) continue;

    OutputBuffer out;
    write_reply(parsed.recovered(), {.status = refusal->status, .reason = refusal->reason, .to_tag = "x1"}, out);

    const Parsed reply = parse(out.view());
    ASSERT_TRUE(reply) << one.section << '\n' << out.view();
    EXPECT_EQ(reply->status(), refusal->status);
    EXPECT_EQ(reply->value(HeaderId::via).substr(0, 4), "SIP/");
    EXPECT_EQ(reply->value(HeaderId::call_id), parsed.recovered().value(HeaderId::call_id));
  }
}

TEST(Torture, WhatNobodyEditsIsWrittenAsItCame) {
  for (const test::Sample& one : test::all_samples()) {
    const Parsed parsed = parse(one.text);
    if (!parsed) continue;
    OutputBuffer out;
    const Edits edits{*parsed};
    EXPECT_EQ(write(*parsed, edits, out), parsed.length());
    EXPECT_EQ(out.view(), one.text.substr(0, parsed.length())) << one.section;
  }
}

TEST(Torture, AShortTortuousInviteIsReadAsMeant) {
  const Parsed parsed = parse(sample("wsinv").text);
  ASSERT_TRUE(parsed) << parsed.refusal().reason;

  EXPECT_EQ(parsed->body().size(), 150u);
  EXPECT_EQ(to_tag(*parsed), "1918181833n");
  EXPECT_EQ(from_tag(*parsed), "98asjd8");
  EXPECT_EQ(unquote(from(*parsed)->display_name), "J Rosenberg \\\"");
  EXPECT_EQ(max_forwards(*parsed)->value(), 68);
  EXPECT_EQ(cseq(*parsed)->number, 9u);
  EXPECT_EQ(cseq(*parsed)->method, Method::invite);
  EXPECT_TRUE(parsed->has(HeaderId::subject));
  EXPECT_EQ(parsed->value(HeaderId::subject), "");
  EXPECT_EQ(parsed->first("newfangledHEADER")->value, "newfangled value\r\n continued newfangled value");
  EXPECT_EQ(parsed->first("UnknownHeaderWithUnusualValue")->value, ";;,,;;,;");
  std::vector<std::string> branches;
  for (const ListValue& value : values(*parsed, HeaderId::via)) branches.emplace_back(parse_via(value.text)->branch());
  EXPECT_EQ(branches, (std::vector<std::string>{"390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"}));
  const auto contact = first_contact(*parsed);
  ASSERT_TRUE(contact);
  EXPECT_EQ(contact->q, 330);
  EXPECT_EQ(contact->address.params.find("newparam"), "newvalue");
  EXPECT_EQ(contact->address.params.find("secondparam"), "");
}

TEST(Torture, UnusualCharactersStandWhereTheGrammarHasThem) {
  const Parsed parsed = parse(sample("intmeth").text);
  ASSERT_TRUE(parsed) << parsed.refusal().reason;

  EXPECT_EQ(parsed->method(), Method::other);
  EXPECT_EQ(parsed->method_text(), "!interesting-Method0123456789_*+`.%indeed'~");
  const auto uri = parse_uri(parsed->request_uri());
  ASSERT_TRUE(uri) << uri.error().why;
  EXPECT_EQ(uri->user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
  EXPECT_EQ(uri->password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
  EXPECT_EQ(uri->host, "example.com");
  EXPECT_EQ(unquote(to(*parsed)->display_name), std::string("BEL:\x07 NUL:\0 DEL:\x7F", 17));
  EXPECT_EQ(from_tag(*parsed), "_token~1'+`*%!-.");
}

TEST(Torture, EscapesMeanTheCharacterInUrisAndNothingElsewhere) {
  const Parsed escaped = parse(sample("esc01").text);
  ASSERT_TRUE(escaped);
  EXPECT_EQ(canonical_aor(to(*escaped)->uri), "user@example.com");
  EXPECT_EQ(unescape(parse_uri(escaped->request_uri())->user), "sips:user@example.com");

  const Parsed percent = parse(sample("esc02").text);
  ASSERT_TRUE(percent);
  EXPECT_EQ(percent->method(), Method::other);
  EXPECT_EQ(percent->count(HeaderId::contact), 2u);

  const Parsed null = parse(sample("escnull").text);
  ASSERT_TRUE(null);
  EXPECT_EQ(canonical_aor(to(*null)->uri), std::string("null-\0-null@example.com", 23));
  auto value = contacts(*null).begin();
  const auto first = parse_contact(value->text);
  const auto second = parse_contact((++value)->text);
  EXPECT_FALSE(equivalent(first->uri(), second->uri()));
}

TEST(Torture, ASemicolonInTheUserIsPartOfTheUser) {
  const Parsed parsed = parse(sample("semiuri").text);
  ASSERT_TRUE(parsed);
  const auto uri = parse_uri(parsed->request_uri());
  EXPECT_EQ(unescape(uri->user), "user;par=u@example.net");
  EXPECT_TRUE(uri->params.empty());
}

TEST(Torture, LongValuesAndManyViasFit) {
  const Parsed parsed = parse(sample("longreq").text);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->count(HeaderId::via), 34u);
  EXPECT_EQ(topmost_via(*parsed)->host, "sip33.example.com");
  EXPECT_EQ(parsed->body().size(), 150u);
}

TEST(Torture, BytesBehindTheBodyBelongToTheNextMessage) {
  const std::string& text = sample("dblreq").text;
  const Parsed parsed = parse(text);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->method(), Method::register_);
  EXPECT_EQ(parsed->body(), "");
  EXPECT_EQ(text.substr(parsed.length(), 8), "\r\nINVITE");
}

TEST(Torture, BinaryBodiesAreCountedNotRead) {
  const Parsed parsed = parse(sample("mpart01").text);
  ASSERT_TRUE(parsed);
  EXPECT_NE(parsed->body().find('\0'), std::string_view::npos);
  EXPECT_TRUE(parsed->body().ends_with("--7a9cbec02ceef655--\r\n"));
}

TEST(Torture, ParametersWithoutBracketsAreTheHeaders) {
  const Parsed bare = parse(sample("cparam01").text);
  EXPECT_TRUE(first_contact(*bare)->address.params.has("unknownparam"));
  EXPECT_FALSE(first_contact(*bare)->uri().params.has("unknownparam"));
  const Parsed bracketed = parse(sample("cparam02").text);
  EXPECT_FALSE(first_contact(*bracketed)->address.params.has("unknownparam"));
  EXPECT_TRUE(first_contact(*bracketed)->uri().params.has("unknownparam"));
  const Parsed escaped = parse(sample("regescrt").text);
  EXPECT_EQ(first_contact(*escaped)->uri().headers, "Route=%3Csip:sip.example.com%3E");
}

TEST(Torture, ACookieWithoutIdentifierIsNoMagicBranch) {
  EXPECT_FALSE(topmost_via(*parse(sample("badbranch").text))->has_magic_branch());
  EXPECT_FALSE(topmost_via(*parse(sample("inv2543").text))->has_magic_branch());
  EXPECT_TRUE(topmost_via(*parse(sample("zeromf").text))->has_magic_branch());
}

TEST(Torture, AnIpv6ReferenceKeepsItsPortOutside) {
  const Parsed within = parse(sample("port-ambiguous").text);
  EXPECT_EQ(parse_uri(within->request_uri())->host, "[2001:db8::10:5070]");
  EXPECT_FALSE(parse_uri(within->request_uri())->port);
  const Parsed behind = parse(sample("port-unambiguous").text);
  EXPECT_EQ(parse_uri(behind->request_uri())->host, "[2001:db8::10]");
  EXPECT_EQ(parse_uri(behind->request_uri())->port, 5070);
  EXPECT_EQ(topmost_via(*parse(sample("param-with-delim").text))->received(), "[2001:db8::9:255]");
  EXPECT_EQ(topmost_via(*parse(sample("param-no-delim").text))->received(), "2001:db8::9:255");
  const Parsed both = parse(sample("mult-ip-in-header").text);
  EXPECT_EQ(topmost_via(*both)->port, 6050);
}

}  // namespace
}  // namespace sipwsd::sip
