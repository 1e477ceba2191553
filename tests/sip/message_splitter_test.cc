#include "src/sip/message_splitter.h"

#include <gtest/gtest.h>

#include "tests/sip/samples.h"

namespace sipwsd::sip {
namespace {

// One letter a piece: p ping, o pong, M message, x malformed, g garbage.
std::string kinds(std::string_view payload) {
  std::string seen;
  Splitter splitter{payload};
  while (const auto piece = splitter.next()) {
    switch (piece->kind) {
      case Piece::Kind::ping:
        seen += 'p';
        break;
      case Piece::Kind::pong:
        seen += 'o';
        break;
      case Piece::Kind::message:
        seen += 'M';
        break;
      case Piece::Kind::malformed:
        seen += 'x';
        break;
      case Piece::Kind::garbage:
        seen += 'g';
        break;
    }
  }
  return seen;
}

const std::string& message() {
  static const std::string text = test::sample("JsSIP INVITE").text;  // has Content-Length
  return text;
}

TEST(Splitter, TellsKeepalivesFromMessages) {
  EXPECT_EQ(kinds(""), "");
  EXPECT_EQ(kinds("\r\n"), "o");
  EXPECT_EQ(kinds("\r\n\r\n"), "p");
  EXPECT_EQ(kinds("\r\n\r\n\r\n"), "po");
  EXPECT_EQ(kinds(test::repeat("\r\n\r\n", 1000)), "p") << "a thousand pings need one answer";
  EXPECT_EQ(kinds(message()), "M");
  EXPECT_EQ(kinds("\r\n\r\n" + message()), "pM");
  EXPECT_EQ(kinds("\r\n" + message()), "M");
  EXPECT_EQ(kinds(message() + "\r\n\r\n"), "Mp");
  EXPECT_EQ(kinds(message() + "\r\n"), "Mo");
}

TEST(Splitter, FindsSeveralMessagesBehindEachOther) {
  EXPECT_EQ(kinds(message() + message() + "\r\n\r\n" + message()), "MMpM");
  EXPECT_EQ(kinds(test::sample("dblreq").text), "MM") << "the second body is longer than its Content-Length";
}

TEST(Splitter, WithoutContentLengthTheRestIsTheBody) {
  const std::string text = test::sample("inv2543").text + message();
  Splitter splitter{text};
  const auto piece = splitter.next();
  ASSERT_TRUE(piece);
  EXPECT_TRUE((*piece->parsed)->body().ends_with(message()));
  EXPECT_FALSE(splitter.next());
}

TEST(Splitter, OneBadMessageDoesNotSpoilTheNext) {
  std::string bad = message();
  bad.replace(bad.find("Max-Forwards: "), 14, "Max Forwards: ");
  EXPECT_EQ(kinds(bad + message()), "xM");
  std::string response = test::sample("bigcode").text;
  EXPECT_EQ(kinds(response + message()), "xM");
}

TEST(Splitter, AfterABadLengthNothingCanBeFound) {
  EXPECT_EQ(kinds(test::sample("ncl").text + message()), "x");
  EXPECT_EQ(kinds(test::sample("mcl01").text + message()), "x");
}

TEST(Splitter, WhatIsNoSipIsOnePieceOfGarbage) {
  EXPECT_EQ(kinds("GET / HTTP/1.1\r\n\r\n" + message()), "g");
  EXPECT_EQ(kinds("\n\n"), "g");
  EXPECT_EQ(kinds(std::string(3, '\0')), "g");
}

TEST(Splitter, WhatIsNoSipBehindAMessageIsDiscarded) {
  EXPECT_EQ(kinds(message() + "trailing words"), "M");
  EXPECT_EQ(kinds(message() + std::string(4, '\0')), "M");
  EXPECT_EQ(kinds("\r\n\r\n" + message() + "\r\ntrailing words"), "pM");
  EXPECT_EQ(kinds("\r\n\r\ntrailing words"), "pg");
}

TEST(Splitter, PiecesAreTheWholePayload) {
  const std::string payload = "\r\n\r\n" + message() + "\r\n" + message() + "\r\n\r\n";
  Splitter splitter{payload};
  std::string joined;
  while (const auto piece = splitter.next()) joined += piece->bytes;
  EXPECT_EQ(joined, payload);
}

}  // namespace
}  // namespace sipwsd::sip
