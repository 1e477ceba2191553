// The tables of RFC 6455 9.1 and RFC 7692 5, 7.1: what is offered, what is answered.

#include "src/ws/extension_offer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sipwsd::ws {
namespace {

using Lines = std::vector<std::string>;

http::HeaderList headers_of(const Lines& lines) {
  http::HeaderList headers;
  headers.add({"Host", "example.com"});
  for (const auto& line : lines) headers.add({"Sec-WebSocket-Extensions", line});
  return headers;
}

// "token; name=value | token" or "malformed".
std::string parsed(const Lines& lines) {
  const auto headers = headers_of(lines);
  const auto offers = parse_extension_offers(headers);
  if (!offers) return offers.is(Errc::malformed) ? "malformed" : "another error";
  std::string text;
  for (const auto& offer : *offers) {
    text += (text.empty() ? "" : " | ") + std::string{offer.token};
    for (const auto& parameter : offer.parameters)
      text += "; " + std::string{parameter.name} + (parameter.value ? "=" + *parameter.value : "");
  }
  return text;
}

constexpr DeflatePolicy takeover{.enabled = true, .window_bits = 15, .context_takeover = true};
constexpr DeflatePolicy no_takeover{.enabled = true, .window_bits = 15, .context_takeover = false};

std::string answer(const Lines& lines, const DeflatePolicy& policy) {
  const auto headers = headers_of(lines);
  const auto offers = parse_extension_offers(headers);
  if (!offers) return "malformed";
  const auto agreement = agree_on_deflate(*offers, policy);
  return agreement ? extension_answer(*agreement) : "declined";
}

TEST(ExtensionOffer, FollowsTheGrammar) {
  struct Row {
    Lines lines;
    const char* expected;
  };
  const Row table[] = {
      {{}, ""},
      {{"foo"}, "foo"},
      {{"foo, bar; baz=2"}, "foo | bar; baz=2"},  // the three of RFC 6455 9.1
      {{"foo", "bar; baz=2"}, "foo | bar; baz=2"},
      {{"foo; bar; baz=1, bar; baz=\"2\""}, "foo; bar; baz=1 | bar; baz=2"},
      {{"deflate-stream"}, "deflate-stream"},
      {{"mux; max-channels=4; flow-control, deflate-stream"}, "mux; max-channels=4; flow-control | deflate-stream"},
      {{"private-extension"}, "private-extension"},
      {{"a;b;c=d"}, "a; b; c=d"},
      {{" a ; b = c ,\td "}, "a; b=c | d"},
      {{"a; b=\"c\", d"}, "a; b=c | d"},
      {{"a; b=\"\\c\\d\""}, "a; b=cd"},
      {{"a,,b"}, "a | b"},
      {{",a,"}, "a"},
      {{","}, ""},
      {{""}, ""},
      {{"", "a"}, "a"},
      {{"a; b; b"}, "a; b; b"},
      {{"a=b"}, "malformed"},
      {{"a b"}, "malformed"},
      {{"a;"}, "malformed"},
      {{"a; ;b"}, "malformed"},
      {{";a"}, "malformed"},
      {{"a; b="}, "malformed"},
      {{"a; b=,c"}, "malformed"},
      {{"a; =b"}, "malformed"},
      {{"a; b=c d"}, "malformed"},
      {{"a; b=\"c"}, "malformed"},
      {{"a; b=\"c\\"}, "malformed"},
      {{"a; b=\"\""}, "malformed"},     // no token inside
      {{"a; b=\"c d\""}, "malformed"},
      {{"a; b=\"c,d\""}, "malformed"},
      {{"a; b=\"c\\\"d\""}, "malformed"},
      {{"a; b=\"c\"d"}, "malformed"},
      {{"a; \"b\"=c"}, "malformed"},
      {{"\"a\""}, "malformed"},
      {{"a/b"}, "malformed"},
      {{"a; b=c=d"}, "malformed"},
      {{"\xc3\xa4"}, "malformed"},
      {{"a", "b;"}, "malformed"},
  };
  for (const auto& row : table) EXPECT_EQ(parsed(row.lines), row.expected) << testing::PrintToString(row.lines);
}

TEST(DeflateNegotiation, AnswersWhatBrowsersOffer) {
  const std::string chromium = "permessage-deflate; client_max_window_bits";
  const std::string firefox = "permessage-deflate";
  const std::string old_safari = "x-webkit-deflate-frame";

  EXPECT_EQ(answer({chromium}, no_takeover),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  EXPECT_EQ(answer({firefox}, no_takeover),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  EXPECT_EQ(answer({chromium}, takeover), "permessage-deflate");
  EXPECT_EQ(answer({firefox}, takeover), "permessage-deflate");
  EXPECT_EQ(answer({old_safari}, takeover), "declined");
  EXPECT_EQ(answer({old_safari + ", " + firefox}, takeover), "permessage-deflate");
}

TEST(DeflateNegotiation, IsOffByDefaultAndThenSilent) {
  EXPECT_EQ(answer({"permessage-deflate"}, DeflatePolicy{}), "declined");
  EXPECT_EQ(answer({"permessage-deflate; client_max_window_bits"}, DeflatePolicy{}), "declined");
}

struct Row {
  const char* offer;
  const char* answered;
};

// RFC 7692 7.1, with a policy that asks for nothing itself.
TEST(DeflateNegotiation, AgreesToExactlyWhatTheOfferAllows) {
  const Row table[] = {
      {"permessage-deflate", "permessage-deflate"},
      {"permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover"},
      {"permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover"},
      {"permessage-deflate; client_no_context_takeover; server_no_context_takeover",
       "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
      {"permessage-deflate; server_max_window_bits=15", "permessage-deflate; server_max_window_bits=15"},
      {"permessage-deflate; server_max_window_bits=10", "permessage-deflate; server_max_window_bits=10"},
      {"permessage-deflate; server_max_window_bits=\"10\"", "permessage-deflate; server_max_window_bits=10"},
      {"permessage-deflate; server_max_window_bits=9", "permessage-deflate; server_max_window_bits=9"},
      {"permessage-deflate; client_max_window_bits", "permessage-deflate"},
      {"permessage-deflate; client_max_window_bits=15", "permessage-deflate"},
      {"permessage-deflate; client_max_window_bits=12", "permessage-deflate; client_max_window_bits=12"},
      {"permessage-deflate; client_max_window_bits=8", "permessage-deflate; client_max_window_bits=8"},
      {"permessage-deflate; server_max_window_bits=9; client_max_window_bits=10; client_no_context_takeover; "
       "server_no_context_takeover",
       "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; "
       "client_max_window_bits=10"},
  };
  for (const auto& row : table) EXPECT_EQ(answer({row.offer}, takeover), row.answered) << row.offer;
}

// RFC 7692 7.1: an offer with any of these MUST be declined.
TEST(DeflateNegotiation, DeclinesWhatAnOfferMayNotSay) {
  const char* table[] = {
      "permessage-deflate; unknown",
      "permessage-deflate; unknown=1",
      "permessage-deflate; Server_No_Context_Takeover",
      "Permessage-Deflate",
      "permessage-deflate2",
      "permessage-bzip2",
      "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
      "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
      "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
      "permessage-deflate; client_max_window_bits=10; client_max_window_bits=10",
      "permessage-deflate; client_max_window_bits; client_max_window_bits",
      "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
      "permessage-deflate; server_no_context_takeover=1",
      "permessage-deflate; client_no_context_takeover=true",
      "permessage-deflate; server_max_window_bits",
      "permessage-deflate; server_max_window_bits=7",
      "permessage-deflate; server_max_window_bits=16",
      "permessage-deflate; server_max_window_bits=0",
      "permessage-deflate; server_max_window_bits=010",
      "permessage-deflate; server_max_window_bits=+10",
      "permessage-deflate; server_max_window_bits=-10",
      "permessage-deflate; server_max_window_bits=10.0",
      "permessage-deflate; server_max_window_bits=0x9",
      "permessage-deflate; server_max_window_bits=ten",
      "permessage-deflate; server_max_window_bits=266",
      "permessage-deflate; client_max_window_bits=7",
      "permessage-deflate; client_max_window_bits=16",
      "permessage-deflate; client_max_window_bits=08",
      "permessage-deflate; client_max_window_bits=4294967305",
  };
  for (const char* offer : table) {
    EXPECT_EQ(answer({offer}, takeover), "declined") << offer;
    EXPECT_EQ(answer({offer, "permessage-deflate"}, takeover), "permessage-deflate") << offer;
  }
}

// RFC 7692 7.1.2.1 lets a client ask for a window of 256 bytes, which zlib's raw deflate does not have.
TEST(DeflateNegotiation, DeclinesAServerWindowOf256BytesAndTakesTheNextOffer) {
  EXPECT_EQ(answer({"permessage-deflate; server_max_window_bits=8"}, takeover), "declined");
  EXPECT_EQ(answer({"permessage-deflate; server_max_window_bits=8, permessage-deflate; server_max_window_bits=9"},
                   takeover),
            "permessage-deflate; server_max_window_bits=9");
}

TEST(DeflateNegotiation, TakesTheFirstOfferItCan) {
  EXPECT_EQ(answer({"permessage-deflate; server_max_window_bits=10, permessage-deflate"}, takeover),
            "permessage-deflate; server_max_window_bits=10");
  EXPECT_EQ(answer({"permessage-deflate; x, permessage-deflate; server_max_window_bits=11", "permessage-deflate"},
                   takeover),
            "permessage-deflate; server_max_window_bits=11");
  EXPECT_EQ(answer({"permessage-deflate; server_max_window_bits=16, permessage-bzip2"}, takeover), "declined");
}

// The three offers of Autobahn's case 13.7.
TEST(DeflateNegotiation, TakesAutobahnsListOfOffersInItsOrder) {
  EXPECT_EQ(answer({"permessage-deflate; client_max_window_bits; server_no_context_takeover; server_max_window_bits=9, "
                    "permessage-deflate; client_max_window_bits; server_no_context_takeover, "
                    "permessage-deflate; client_max_window_bits"},
                   takeover),
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=9");
}

TEST(DeflateNegotiation, BoundsBothWindowsByThePolicy) {
  const DeflatePolicy policy{.enabled = true, .window_bits = 11, .context_takeover = true};
  const Row table[] = {
      {"permessage-deflate; client_max_window_bits",
       "permessage-deflate; server_max_window_bits=11; client_max_window_bits=11"},
      {"permessage-deflate; server_max_window_bits=15; client_max_window_bits=15",
       "permessage-deflate; server_max_window_bits=11; client_max_window_bits=11"},
      {"permessage-deflate; server_max_window_bits=9; client_max_window_bits=10",
       "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10"},
  };
  for (const auto& row : table) EXPECT_EQ(answer({row.offer}, policy), row.answered) << row.offer;
}

// RFC 7692 7.1.2.2: client_max_window_bits MUST NOT be answered unasked. A window that can't be bounded is not kept.
TEST(DeflateNegotiation, DoesNotKeepAClientsWindowItMayNotBound) {
  const DeflatePolicy policy{.enabled = true, .window_bits = 11, .context_takeover = true};
  EXPECT_EQ(answer({"permessage-deflate"}, policy),
            "permessage-deflate; client_no_context_takeover; server_max_window_bits=11");
}

}  // namespace
}  // namespace sipwsd::ws
