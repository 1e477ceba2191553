#include <gtest/gtest.h>

#include "src/sip/request_builder.h"
#include "src/sip/response_builder.h"
#include "src/sip/sanity.h"
#include "tests/sip/samples.h"

namespace sipwsd::sip {
namespace {

using test::wire;

const std::string& invite() {
  static const std::string text = wire(
      "INVITE sip:bob@x.invalid;transport=ws SIP/2.0\n"
      "Via: SIP/2.0/WS edge.example.org;branch=z9hG4bK1;rport , SIP/2.0/WS x.invalid;branch=z9hG4bK2\n"
      "v: SIP/2.0/UDP z;branch=z9hG4bK3\n"
      "Record-Route: <sip:r1;lr>\n"
      "Route: <sip:p1;lr>\n"
      "Route: <sip:p2;lr>\n"
      "Record-Route: <sip:r2;lr>\n"
      "Max-Forwards: 69\n"
      "f: \"A\" <sip:alice@example.org>;tag=1\n"
      "t: <sip:bob@example.org>\n"
      "i: 1@x\n"
      "CSeq: 0007 INVITE\n"
      "Timestamp: 54\n"
      "Require: 100rel\n"
      "l: 0\n\n");
  return text;
}

std::string reply_to(std::string_view request, const Reply& reply) {
  const Parsed parsed = parse(request);
  OutputBuffer out;
  const std::size_t size = write_reply(parsed.recovered(), reply, out);
  EXPECT_EQ(size, out.size());
  EXPECT_TRUE(parse(out.view()));
  std::string text{out.view()};
  std::erase(text, '\r');
  return text;
}

TEST(Reply, CopiesWhatRfc3261Lists) {
  EXPECT_EQ(reply_to(invite(), {.status = 180, .to_tag = "t1", .server = "sipwsd"}),
            "SIP/2.0 180 Ringing\n"
            "Via: SIP/2.0/WS edge.example.org;branch=z9hG4bK1;rport , SIP/2.0/WS x.invalid;branch=z9hG4bK2\n"
            "Via: SIP/2.0/UDP z;branch=z9hG4bK3\n"
            "Record-Route: <sip:r1;lr>\n"
            "Record-Route: <sip:r2;lr>\n"
            "From: \"A\" <sip:alice@example.org>;tag=1\n"
            "To: <sip:bob@example.org>;tag=t1\n"
            "Call-ID: 1@x\n"
            "CSeq: 0007 INVITE\n"
            "Server: sipwsd\n"
            "Content-Length: 0\n\n");
}

TEST(Reply, Of100HasTimestampAndNoTagAndNoRecordRoute) {
  const std::string text = reply_to(invite(), {.status = 100, .to_tag = "t1"});
  EXPECT_NE(text.find("\nTimestamp: 54\n"), std::string::npos);
  EXPECT_NE(text.find("\nTo: <sip:bob@example.org>\n"), std::string::npos);
  EXPECT_EQ(text.find("Record-Route"), std::string::npos);
}

TEST(Reply, RecordRouteGoesOnlyIntoWhatMakesADialog) {
  EXPECT_NE(reply_to(invite(), {.status = 200, .to_tag = "t"}).find("Record-Route"), std::string::npos);
  EXPECT_EQ(reply_to(invite(), {.status = 302, .to_tag = "t"}).find("Record-Route"), std::string::npos);
  EXPECT_EQ(reply_to(invite(), {.status = 486, .to_tag = "t"}).find("Record-Route"), std::string::npos);
  std::string options = invite();
  options.replace(0, 6, "OPTIONS");
  options.replace(options.find("7 INVITE"), 8, "7 OPTIONS");
  EXPECT_EQ(reply_to(options, {.status = 200, .to_tag = "t"}).find("Record-Route"), std::string::npos);
}

TEST(Reply, KeepsATagThatIsThere) {
  std::string bye = invite();
  bye.replace(bye.find("t: <sip:bob@example.org>"), 24, "t: <sip:bob@example.org>;tag=theirs");
  const std::string text = reply_to(bye, {.status = 481, .to_tag = "ours"});
  EXPECT_NE(text.find(";tag=theirs\n"), std::string::npos);
  EXPECT_EQ(text.find("ours"), std::string::npos);
}

TEST(Reply, StampsTheTopmostViaOnly) {
  EXPECT_NE(reply_to(invite(), {.status = 200, .received = "192.0.2.1", .rport = 4000})
                .find("\nVia: SIP/2.0/WS edge.example.org;branch=z9hG4bK1;rport=4000;received=192.0.2.1, SIP/2.0/WS "
                      "x.invalid;branch=z9hG4bK2\nVia: SIP/2.0/UDP z;branch=z9hG4bK3\n"),
            std::string::npos);
  const std::string lying = wire("OPTIONS sip:a SIP/2.0\nVia: SIP/2.0/WS x ;received=10.0.0.1;branch=b\n\n");
  EXPECT_NE(reply_to(lying, {.status = 200, .received = "::1", .rport = 9})
                .find("\nVia: SIP/2.0/WS x;branch=b;received=::1\n"),
            std::string::npos);
}

TEST(Reply, CarriesHeadersAndABody) {
  const std::string_view headers[] = {"Contact: <sip:a@b>;expires=60", "Min-Expires: 60"};
  const std::string text = reply_to(
      invite(), {.status = 200, .reason = "Fine", .headers = headers, .content_type = "text/plain", .body = "hi"});
  EXPECT_TRUE(text.starts_with("SIP/2.0 200 Fine\n"));
  EXPECT_TRUE(text.ends_with(
      "Contact: <sip:a@b>;expires=60\nMin-Expires: 60\nContent-Type: text/plain\nContent-Length: 2\n\nhi"))
      << text;
}

TEST(Reply, LeavesOutWhatWouldBreakALine) {
  const std::string_view headers[] = {"X: a\r\nEvil: 1", "Y: b"};
  const std::string text = reply_to(invite(), {.status = 200,
                                               .reason = "OK\r\nEvil: 2",
                                               .to_tag = "a\nEvil: 3",
                                               .received = "1\rEvil: 4",
                                               .rport = 1,
                                               .server = "s\nEvil: 5",
                                               .headers = headers,
                                               .content_type = "t\nEvil: 6",
                                               .body = "b"});
  EXPECT_EQ(text.find("Evil"), std::string::npos) << text;
  EXPECT_NE(text.find("\nY: b\n"), std::string::npos);
  EXPECT_TRUE(text.starts_with("SIP/2.0 200 OK\n"));
}

TEST(Reply, LeavesOutWhatIsNoHeaderLine) {
  const std::string text = wire("OPTIONS sip:a SIP/2.0\nVia: SIP/2.0/WS x\nCSeq: 1 OPTIONS\n\n");
  const Parsed parsed = parse(text);
  const std::array<std::string_view, 5> lines{"", "Broken", " Folded: x", "Good: x", ": x"};
  OutputBuffer out;
  write_reply(*parsed, {.status = 200, .headers = lines}, out);
  EXPECT_EQ(out.view(), wire("SIP/2.0 200 OK\nVia: SIP/2.0/WS x\nCSeq: 1 OPTIONS\nGood: x\nContent-Length: 0\n\n"));
}

TEST(Cancel, IsTheInvitesTwin) {
  const Parsed parsed = parse(invite());
  OutputBuffer out;
  const std::string_view headers[] = {"Reason: SIP ;cause=200 ;text=\"Call completed elsewhere\"", "Evil: a\nb"};
  const std::size_t size = write_cancel(*parsed, headers, out);
  EXPECT_EQ(size, out.size());
  std::string text{out.view()};
  std::erase(text, '\r');
  EXPECT_EQ(text,
            "CANCEL sip:bob@x.invalid;transport=ws SIP/2.0\n"
            "Via: SIP/2.0/WS edge.example.org;branch=z9hG4bK1;rport\n"
            "Route: <sip:p1;lr>\n"
            "Route: <sip:p2;lr>\n"
            "Max-Forwards: 70\n"
            "From: \"A\" <sip:alice@example.org>;tag=1\n"
            "To: <sip:bob@example.org>\n"
            "Call-ID: 1@x\n"
            "CSeq: 7 CANCEL\n"
            "Reason: SIP ;cause=200 ;text=\"Call completed elsewhere\"\n"
            "Content-Length: 0\n\n");
  EXPECT_FALSE(sanity_refusal(*parse(out.view())));
}

TEST(Ack, OfAFailureHasTheResponsesTo) {
  const Parsed parsed = parse(invite());
  OutputBuffer response_bytes;
  write_reply(*parsed, {.status = 486, .to_tag = "busy"}, response_bytes);
  const Parsed response = parse(response_bytes.view());
  OutputBuffer out;
  write_ack(*parsed, *response, out);
  const Parsed ack = parse(out.view());
  ASSERT_TRUE(ack);
  EXPECT_FALSE(sanity_refusal(*ack));
  EXPECT_EQ(ack->method(), Method::ack);
  EXPECT_EQ(ack->request_uri(), "sip:bob@x.invalid;transport=ws");
  EXPECT_EQ(ack->value(HeaderId::to), "<sip:bob@example.org>;tag=busy");
  EXPECT_EQ(ack->value(HeaderId::cseq), "7 ACK");
  EXPECT_EQ(ack->count(HeaderId::via), 1u);
  EXPECT_EQ(ack->value(HeaderId::via), "SIP/2.0/WS edge.example.org;branch=z9hG4bK1;rport");
  EXPECT_EQ(ack->count(HeaderId::route), 2u);
}

}  // namespace
}  // namespace sipwsd::sip
