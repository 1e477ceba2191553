#include "src/sip/message.h"

#include <gtest/gtest.h>

#include "src/sip/call_id.h"
#include "tests/sip/samples.h"

namespace sipwsd::sip {
namespace {

using test::wire;

constexpr std::string_view five =
    "Via: SIP/2.0/WS x.invalid;branch=z9hG4bK1\nFrom: <sip:a@b>;tag=1\nTo: <sip:c@d>\nCall-ID: 1@x\nCSeq: 1 OPTIONS\n";

std::string with_headers(std::string_view headers, std::string_view body = "") {
  std::string text = "OPTIONS sip:c@d SIP/2.0\n";
  text.append(five).append(headers).append("\n");
  return wire(text).append(body);
}

TEST(Message, OfARequestHasItsStartLine) {
  const Parsed parsed = parse(test::sample("JsSIP INVITE").text);
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->is_request());
  EXPECT_EQ(parsed->start_line(), "INVITE sip:bob@example.org SIP/2.0");
  EXPECT_EQ(parsed->method(), Method::invite);
  EXPECT_EQ(parsed->method_text(), "INVITE");
  EXPECT_EQ(parsed->request_uri(), "sip:bob@example.org");
  EXPECT_EQ(parsed->version(), "SIP/2.0");
  EXPECT_EQ(parsed->status(), 0);
  EXPECT_EQ(parsed->reason(), "");
  EXPECT_EQ(call_id(*parsed), "8ufso5rfgp7q3s2n4jk1");
  EXPECT_EQ(parsed->bytes(), test::sample("JsSIP INVITE").text);
  EXPECT_EQ(parsed->bytes().substr(parsed->headers_end()), "\r\n" + std::string{parsed->body()});
}

TEST(Message, OfAResponseHasItsStartLine) {
  const Parsed parsed = parse(test::sample("200 OK of REGISTER").text);
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->is_response());
  EXPECT_EQ(parsed->status(), 200);
  EXPECT_EQ(parsed->reason(), "OK");
  EXPECT_EQ(parsed->method_text(), "");
  EXPECT_EQ(parsed->request_uri(), "");
  EXPECT_EQ(parsed->method(), Method::other);
}

TEST(Message, ReasonPhraseMayBeMissingOrLong) {
  EXPECT_EQ(parse(wire("SIP/2.0 180\n\n"))->reason(), "");
  EXPECT_EQ(parse(wire("SIP/2.0 180 \n\n"))->reason(), "");
  EXPECT_EQ(parse(wire("sip/2.0 699 a  b \n\n"))->reason(), "a  b ");
}

TEST(Message, StartLinesThatAreNoSipAreToldFromBadSip) {
  struct Row {
    const char* line;
    bool is_sip;
    int status;
  };
  const Row table[] = {
      {"GET / HTTP/1.1", false, 400},
      {"{\"json\": true}", false, 400},
      {"hello", false, 400},
      {"hello there", false, 400},
      {"", false, 400},
      {"INVITE sip:a@b", true, 400},
      {"INVITE sip:a@b SIP/2", true, 400},
      {"INVITE sip:a@b SIP/x.0", true, 400},
      {"INVITE SIP/2.0", true, 400},
      {"INVITE  SIP/2.0", true, 400},
      {"INVITE sip:a@b SIP/3.0", true, 505},
      {"INVITE sip:a@b SIP/2.00", true, 505},
      {"INVITE sip:a@b\tSIP/2.0", true, 400},
      {"INVITE\tsip:a@b SIP/2.0", false, 400},
      {"SIP/2.0", true, 400},
      {"SIP/2.0 ", true, 400},
      {"SIP/2.0 99 x", true, 400},
      {"SIP/2.0 1000 x", true, 400},
      {"SIP/2.0 700 x", true, 400},
      {"SIP/2.0 20x x", true, 400},
      {"SIP/2.0 -20 x", true, 400},
      {"SIP/3.0 200 OK", true, 400},
      {"SIP/2.0  200 OK", true, 400},
  };
  for (const Row& row : table) {
    const std::string text = wire(std::string{row.line} + "\n" + std::string{five} + "\n");
    const Parsed parsed = parse(text);
    ASSERT_FALSE(parsed) << row.line;
    EXPECT_EQ(parsed.is_sip(), row.is_sip) << row.line;
    EXPECT_EQ(parsed.refusal().status, row.status) << row.line;
    const bool request = std::string_view{row.line}.starts_with("INVITE ");
    EXPECT_EQ(parsed.refusal().answerable, request) << row.line;
    EXPECT_EQ(parsed.recovered().count(HeaderId::via), row.is_sip ? 1u : 0u) << row.line;
  }
}

TEST(Message, HeadersAreFoundByAnyOfTheirNames) {
  const std::string text = with_headers("m: <sip:1>\nCONTACT : <sip:2>\nX-Custom: a\nx-custom:b\nContact\t:<sip:3>\n");
  const Parsed parsed = parse(text);
  ASSERT_TRUE(parsed) << parsed.refusal().reason;

  EXPECT_EQ(parsed->count(HeaderId::contact), 3u);
  EXPECT_EQ(parsed->first("M")->value, "<sip:1>");
  std::string seen;
  for (const Header& header : parsed->all("contact")) seen += header.value;
  EXPECT_EQ(seen, "<sip:1><sip:2><sip:3>");
  seen.clear();
  for (const Header& header : parsed->all("X-CUSTOM")) seen += header.value;
  EXPECT_EQ(seen, "ab");
  EXPECT_FALSE(parsed->first("X-Other"));
  EXPECT_FALSE(parsed->first(HeaderId::route));
  EXPECT_TRUE(parsed->all(HeaderId::route).empty());
  EXPECT_TRUE(parsed->all("X-Other").empty());
  EXPECT_EQ(parsed->value(HeaderId::route), "");
  EXPECT_EQ(parsed->count(HeaderId::route), 0u);

  const auto second = parsed->header(6);
  EXPECT_EQ(second.name, "CONTACT");
  EXPECT_EQ(second.line, "CONTACT : <sip:2>\r\n");
  EXPECT_EQ(second.index, 6u);
}

TEST(Message, HeaderLinesAndStartLineAndBodyMakeUpTheMessage) {
  for (const test::Sample& one : test::all_samples()) {
    const Parsed parsed = parse(one.text);
    if (!parsed) continue;
    std::string rebuilt = std::string{parsed->start_line()} + "\r\n";
    for (const Header& header : parsed->headers()) rebuilt += header.line;
    rebuilt += "\r\n";
    rebuilt += parsed->body();
    EXPECT_EQ(rebuilt, parsed->bytes()) << one.section;
  }
}

TEST(Message, FoldsBelongToTheirHeader) {
  const std::string text = with_headers("Subject:\n \n\ta \n b\nX: y\n");
  const Parsed parsed = parse(text);
  ASSERT_TRUE(parsed) << parsed.refusal().reason;
  EXPECT_EQ(parsed->value(HeaderId::subject), "a \r\n b");
  EXPECT_EQ(parsed->first("x")->value, "y");
}

TEST(Message, BrokenHeaderLinesAreRefusedAndTheRestRecovered) {
  const std::pair<std::string, const char*> table[] = {
      {"no colon here\r\n", "Bad Header Line"},
      {": empty name\r\n", "Bad Header Line"},
      {"Bad Name: x\r\n", "Bad Header Line"},
      {"Bad\xC3\xA4: x\r\n", "Bad Header Line"},
      {"X: a\rb\r\n", "Bad Character in Header"},
      {"X: a\r\r\n", "Bad Character in Header"},
      {std::string("X: a\0b\r\n", 8), "Bad Character in Header"},
      {"X: a\nY: b\r\n", "Bare LF in Headers"},
      {"X: a\n b\r\n", "Bare LF in Headers"},
      {"X: a\n", "Bare LF in Headers"},
  };
  for (const auto& [line, why] : table) {
    const std::string text = wire("OPTIONS sip:c@d SIP/2.0\n") + line + wire(std::string{five} + "Last: here\n\n");
    const Parsed parsed = parse(text);
    ASSERT_FALSE(parsed) << line;
    EXPECT_EQ(parsed.refusal().status, 400) << line;
    EXPECT_EQ(parsed.refusal().reason, why) << line;
    EXPECT_TRUE(parsed.refusal().answerable) << line;
    EXPECT_EQ(parsed.length(), text.size()) << line;
    EXPECT_EQ(parsed.recovered().first("last")->value, "here") << line;
    for (const Header& header : parsed.recovered().headers()) {
      EXPECT_EQ(header.value.find('\0'), std::string_view::npos) << line;
      EXPECT_EQ(header.value.find('\n'), std::string_view::npos) << line;
    }
  }
}

TEST(Message, ANulStandsOnlyBehindABackslashInAQuotedString) {
  const auto with_nul = [](std::string_view line) {
    std::string text = with_headers(line);
    text[text.find('Z')] = '\0';
    return text;
  };
  for (const char* line : {"Subject: \"a\\Zb\"\n", "Subject: x \"y\" \"\\\\\\Z\"\n", "Subject:\n \"\\Z\"\n"})
    EXPECT_TRUE(parse(with_nul(line))) << line;
  for (const char* line : {"Subject: a\\Zb\n", "Subject: \"a\\\\Zb\"\n", "Subject: \"a\" \\Z\n", "Subject: \"aZb\"\n",
                           "Subject: \"\\\"\\\"\" \\Z\n"})
    EXPECT_FALSE(parse(with_nul(line))) << line;
}

TEST(Message, LineFeedsAloneAreRefusedWithAnAnswer) {
  const std::string text = "OPTIONS sip:c@d SIP/2.0\n" + std::string{five} + "\nbody";
  const Parsed parsed = parse(text);
  ASSERT_FALSE(parsed);
  EXPECT_TRUE(parsed.refusal().answerable);
  EXPECT_EQ(parsed.recovered().header_count(), 5u);
}

TEST(Message, ContentLengthRulesTheBody) {
  struct Row {
    const char* headers;
    const char* body;
    int status;  // 0: accepted
    const char* taken;
  };
  const Row table[] = {
      {"", "", 0, ""},
      {"", "rest", 0, "rest"},
      {"Content-Length: 0\n", "rest", 0, ""},
      {"l:2\n", "rest", 0, "re"},
      {"Content-Length:\n 0004\n", "rest", 0, "rest"},
      {"Content-Length: 5\n", "rest", 400, ""},
      {"Content-Length: -1\n", "rest", 400, ""},
      {"Content-Length: +4\n", "rest", 400, ""},
      {"Content-Length: 4 4\n", "rest", 400, ""},
      {"Content-Length: 4,4\n", "rest", 400, ""},
      {"Content-Length: five\n", "rest", 400, ""},
      {"Content-Length:\n", "rest", 400, ""},
      {"Content-Length: 0x4\n", "rest", 400, ""},
      {"Content-Length: 4294967300\n", "rest", 400, ""},
      {"Content-Length: 18446744073709551620\n", "rest", 400, ""},
      {"Content-Length: 4\nl: 4\n", "rest", 400, ""},
      {"l: 4\nl: 3\n", "rest", 400, ""},
  };
  for (const Row& row : table) {
    const std::string text = with_headers(row.headers, row.body);
    const Parsed parsed = parse(text);
    EXPECT_EQ(static_cast<bool>(parsed), row.status == 0) << row.headers;
    if (parsed) {
      EXPECT_EQ(parsed->body(), row.taken) << row.headers;
      EXPECT_EQ(parsed.length(), text.size() - std::string_view{row.body}.size() + parsed->body().size())
          << row.headers;
    } else {
      EXPECT_EQ(parsed.refusal().status, row.status) << row.headers;
      EXPECT_TRUE(parsed.refusal().answerable) << row.headers;
      EXPECT_EQ(parsed.length(), text.size()) << row.headers;
    }
  }
}

TEST(Message, CrlfsBeforeItAreSkippedAndCounted) {
  const std::string text = "\r\n\r\n" + with_headers("Content-Length: 0\n") + "next";
  const Parsed parsed = parse(text);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed.length(), text.size() - 4);
  EXPECT_TRUE(parsed->bytes().starts_with("OPTIONS"));
}

TEST(Message, MoreHeadersThanFitInlineAreStillFound) {
  std::string headers;
  for (int i = 0; i < 200; ++i) headers += "X-" + std::to_string(i) + ": " + std::to_string(i) + "\n";
  const std::string text = with_headers(headers);
  const Parsed parsed = parse(text);
  ASSERT_TRUE(parsed) << parsed.refusal().reason;
  EXPECT_EQ(parsed->header_count(), 205u);
  EXPECT_EQ(parsed->first("x-199")->value, "199");
  EXPECT_EQ(parsed->value(HeaderId::cseq), "1 OPTIONS");
}

TEST(Message, LimitsAreRefusedWithAnAnswer) {
  std::string many;
  for (int i = 0; i < 300; ++i) many += "X: y\n";
  const struct {
    std::string text;
    Limits limits;
    int status;
  } table[] = {
      {with_headers(many), {}, 513},
      {with_headers("X: y\nX: y\n"), {.max_headers = 6}, 513},
      {with_headers("X: " + std::string(17000, 'x') + "\n"), {}, 513},
      {with_headers("X: " + test::repeat("y\n ", 8000) + "z\n"), {}, 513},
      {with_headers("X: 1\nX: 2\nX: 3\n"), {.max_header_bytes = 100}, 513},
      {wire("OPTIONS sip:" + std::string(17000, 'x') + " SIP/2.0\n" + std::string{five} + "\n"), {}, 414},
  };
  for (const auto& row : table) {
    const Parsed parsed = parse(row.text, row.limits);
    ASSERT_FALSE(parsed) << row.text.substr(0, 200);
    EXPECT_EQ(parsed.refusal().status, row.status) << parsed.refusal().reason;
    EXPECT_TRUE(parsed.refusal().answerable);
  }
  std::string just;
  for (int i = 0; i < 250; ++i) just += "X: y\n";
  EXPECT_TRUE(parse(with_headers(just)));
}

TEST(Message, AnAckOrAResponseIsNeverAnswered) {
  EXPECT_FALSE(parse(wire("ACK sip:c@d SIP/2.0\n" + std::string{five} + "bad line\n\n")).refusal().answerable);
  EXPECT_FALSE(parse(wire("SIP/2.0 200 OK\n" + std::string{five} + "bad line\n\n")).refusal().answerable);
  EXPECT_FALSE(parse(wire("OPTIONS sip:c@d SIP/2.0\nbad line\n\n")).refusal().answerable);
  EXPECT_TRUE(parse(wire("OPTIONS sip:c@d SIP/2.0\n" + std::string{five} + "bad line\n\n")).refusal().answerable);
}

TEST(OwnedMessage, KeepsItsBytesWhenTheOriginalsAreGone) {
  Message kept;
  EXPECT_FALSE(kept);
  {
    std::string text = with_headers("X: y\n", "body");
    kept = Message::copy_of(*parse(text));
    std::fill(text.begin(), text.end(), '?');
  }
  Message moved = std::move(kept);
  EXPECT_FALSE(kept);
  EXPECT_EQ(kept->header_count(), 0u);
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->body(), "body");
  EXPECT_EQ(moved->first("x")->value, "y");
  EXPECT_EQ(moved->method_text(), "OPTIONS");
  EXPECT_EQ(moved->request_uri(), "sip:c@d");
  EXPECT_EQ(moved->bytes(), with_headers("X: y\n", "body"));
  EXPECT_GE(moved.memory(), moved->bytes().size());
  EXPECT_LT(moved.memory(), moved->bytes().size() + 200);
}

TEST(OwnedMessage, IsMadeOfGoodBytesOnly) {
  EXPECT_TRUE(Message::from_bytes(with_headers("")));
  EXPECT_FALSE(Message::from_bytes("OPTIONS sip:c@d SIP/2.0\r\n"));
}

}  // namespace
}  // namespace sipwsd::sip
