#include "src/sip/stream_framer.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <variant>
#include <vector>

#include "src/base/overload.h"
#include "src/sip/message.h"
#include "tests/sip/samples.h"

namespace sipwsd::sip {
namespace {

using namespace std::string_literals;
using Strings = std::vector<std::string>;

std::string message(const std::string& headers, const std::string& body) {
  return "MESSAGE sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\r\n" + headers + "\r\n" + body;
}
std::string message(const std::string& body) {
  return message("Content-Length: " + std::to_string(body.size()) + "\r\n", body);
}

std::string told(const StreamEvent& event) {
  return std::visit(base::Overload{
                        [](const StreamMessage& m) { return "M" + std::string(m.bytes); },
                        [](const StreamPing&) { return "ping"s; },
                        [](const StreamPong&) { return "pong"s; },
                        [](const StreamFailed& f) {
                          return std::to_string(f.status) + " " + std::string(f.reason) + (f.head.empty() ? "" : " +head");
                        },
                    },
                    event);
}

// Each piece in a buffer of its own, overwritten afterwards: whoever keeps a view of it is found out.
void feed(StreamFramer& framer, const std::string& piece, const StreamLimits& limits, Strings& events) {
  std::vector<std::byte> buffer(as_bytes(piece).begin(), as_bytes(piece).end());
  MutableBytes unread{buffer};
  while (const auto event = framer.next(unread, limits)) events.push_back(told(*event));
  EXPECT_TRUE(unread.empty());
  std::fill(buffer.begin(), buffer.end(), std::byte{'#'});
}

Strings receive(const std::vector<std::string>& pieces, const StreamLimits& limits = {}) {
  StreamFramer framer;
  Strings events;
  for (const auto& piece : pieces) feed(framer, piece, limits, events);
  return events;
}
Strings receive(const std::string& wire, const StreamLimits& limits = {}) { return receive(Strings{wire}, limits); }

// Whole, byte by byte, at every split point, and in random pieces.
void expect_each_way(const std::string& wire, const Strings& events, const StreamLimits& limits = {}) {
  EXPECT_EQ(receive(wire, limits), events);
  Strings bytes;
  for (const char c : wire) bytes.emplace_back(1, c);
  EXPECT_EQ(receive(bytes, limits), events) << "byte by byte";
  for (std::size_t at = 1; at < wire.size() && wire.size() < 2000; ++at)
    ASSERT_EQ(receive(Strings{wire.substr(0, at), wire.substr(at)}, limits), events) << "cut at " << at;
  std::mt19937 random{4711};
  for (int round = 0; round < 50; ++round) {
    Strings pieces;
    for (std::size_t at = 0; at < wire.size();) {
      const std::size_t size = 1 + random() % (round % 2 == 0 ? 7 : wire.size());
      pieces.push_back(wire.substr(at, size));
      at += size;
    }
    ASSERT_EQ(receive(pieces, limits), events) << "round " << round;
  }
}

TEST(StreamFramer, FindsTheEndOfEachMessageByContentLength) {
  const auto empty = message(""), hello = message("hello"), crlfs = message("\r\n\r\nSIP/2.0 200 OK\r\n\r\n");
  expect_each_way(empty, {"M" + empty});
  expect_each_way(hello, {"M" + hello});
  expect_each_way(hello + empty + crlfs + hello, {"M" + hello, "M" + empty, "M" + crlfs, "M" + hello});
  const auto binary = message("\0\n\r\xff\x00"s);
  expect_each_way(binary + empty, {"M" + binary, "M" + empty});
}

TEST(StreamFramer, ReadsContentLengthInEveryFormAHeaderHas) {
  for (const char* headers : {
           "l: 3\r\n", "L:3\r\n", "content-length: 3\r\n", "CONTENT-LENGTH \t:\t 3 \r\n", "Content-Length:\r\n 3\r\n",
           "Content-Length: \r\n\t 3\r\n \r\n", "X: a\r\n Content-Length: 9\r\nContent-Length: 3\r\nY: z\r\n",
           "Content-Length: 003\r\n", "Content-Length-X: 9\r\nX-Content-Length: 9\r\nl: 3\r\n",
           "Subject: l: 9\r\nl: 3\r\n"}) {
    const auto wire = message(headers, "abc");
    expect_each_way(wire + wire, {"M" + wire, "M" + wire});
  }
}

TEST(StreamFramer, EndsTheStreamWhenContentLengthIsOfNoUse) {
  struct Row {
    const char* headers;
    const char* told;
  };
  const Row table[] = {
      {"", "400 Missing Content-Length +head"},
      {"X: 1\r\n Content-Length: 3\r\n", "400 Missing Content-Length +head"},
      {"Content-Length 3\r\n", "400 Missing Content-Length +head"},
      {"Content-Length: -3\r\n", "400 Bad Content-Length +head"},
      {"Content-Length: +3\r\n", "400 Bad Content-Length +head"},
      {"Content-Length: 0x3\r\n", "400 Bad Content-Length +head"},
      {"Content-Length: 3 4\r\n", "400 Bad Content-Length +head"},
      {"Content-Length: 3,3\r\n", "400 Bad Content-Length +head"},
      {"Content-Length: 3.0\r\n", "400 Bad Content-Length +head"},
      {"Content-Length: \"3\"\r\n", "400 Bad Content-Length +head"},
      {"Content-Length:\r\n", "400 Bad Content-Length +head"},
      {"Content-Length: 18446744073709551616\r\n", "400 Bad Content-Length +head"},
      {"Content-Length: 18446744073709551615\r\n", "513 Message Too Large +head"},
      {"Content-Length: 4294967296\r\n", "513 Message Too Large +head"},
      {"Content-Length: 3\r\nContent-Length: 4\r\n", "400 Content-Length Given Twice +head"},
      {"Content-Length: 3\r\nl: 3\r\n", "400 Content-Length Given Twice +head"},
  };
  for (const auto& row : table)
    expect_each_way(message("first") + message(row.headers, "abc") + message("never seen"),
                    {"M" + message("first"), row.told});
}

TEST(StreamFramer, EndsTheStreamAtALineThatDoesNotEndInCrlf) {
  for (const std::string& wire :
       {"OPTIONS sip:a SIP/2.0\nl: 0\r\n\r\n"s, "OPTIONS sip:a SIP/2.0\r\nl: 0\n\r\n"s,
        "OPTIONS sip:a SIP/2.0\r\nl: 0\r\n\n"s, "\nOPTIONS"s, "\r\rOPTIONS"s, "\r\n\rx"s}) {
    const auto events = receive(wire);
    ASSERT_FALSE(events.empty());
    EXPECT_EQ(events.back(), "400 Bad Line End");
    expect_each_way(wire, events);
  }
}

TEST(StreamFramer, ShowsTheHeadOfAMessageThatCanBeAnsweredAndNoMore) {
  auto wire = message("Content-Length: 9999999\r\nTo: <sip:b@example.com>\r\n", "x");
  for (const std::size_t cut : {std::size_t{0}, std::size_t{40}}) {
    StreamFramer framer;
    Strings none;
    feed(framer, wire.substr(0, cut), {}, none);
    std::vector<std::byte> buffer(as_bytes(wire).begin() + static_cast<std::ptrdiff_t>(cut), as_bytes(wire).end());
    MutableBytes unread{buffer};
    const auto event = framer.next(unread, {});
    ASSERT_TRUE(event && std::holds_alternative<StreamFailed>(*event));
    EXPECT_EQ(std::get<StreamFailed>(*event).head, wire.substr(0, wire.size() - 1)) << cut;
  }
}

TEST(StreamFramer, BoundsTheHeadersAndTheMessage) {
  const StreamLimits limits{.max_header_bytes = 400, .max_message_size = 500};
  const auto with_headers_of = [](std::size_t size, std::size_t body) {
    const auto rest = message("l: " + std::to_string(body) + "\r\nX: \r\n", "").size();
    return message("l: " + std::to_string(body) + "\r\nX: " + std::string(size - rest, 'x') + "\r\n",
                   std::string(body, 'b'));
  };
  ASSERT_EQ(with_headers_of(400, 100).size(), 500u);
  expect_each_way(with_headers_of(400, 100), {"M" + with_headers_of(400, 100)}, limits);
  expect_each_way(with_headers_of(400, 101), {"513 Message Too Large +head"}, limits);
  expect_each_way(with_headers_of(200, 300), {"M" + with_headers_of(200, 300)}, limits);
  expect_each_way(with_headers_of(200, 301), {"513 Message Too Large +head"}, limits);
  expect_each_way(with_headers_of(401, 0), {"513 Headers Too Large"}, limits);
  expect_each_way(std::string(2000, 'x'), {"513 Headers Too Large"}, limits);
  expect_each_way(std::string(400, 'x'), {}, limits);
  expect_each_way(std::string(401, 'x'), {"513 Headers Too Large"}, limits);
  expect_each_way(std::string(401, 'x') + "\nl: 0\n", {"513 Headers Too Large"}, limits);
}

TEST(StreamFramer, TellsKeepalivesAndIgnoresLineEndsBeforeAMessage) {
  const auto hello = message("hello");
  expect_each_way("\r\n", {"pong"});
  expect_each_way("\r\n\r\n", {"pong", "ping"});
  expect_each_way("\r\n\r\n\r\n\r\n\r\n", {"pong", "ping", "pong", "ping", "pong"});
  expect_each_way("\r\n" + hello, {"pong", "M" + hello});
  expect_each_way(hello + "\r\n\r\n" + hello + "\r\n" + hello + "\r\n\r\n",
                  {"M" + hello, "pong", "ping", "M" + hello, "pong", "M" + hello, "pong", "ping"});
}

TEST(StreamFramer, ShowsAWholeMessageInsideTheReadBuffer) {
  const auto first = message("hello"), second = message("");
  auto wire = first + second + "\r\n";
  const auto* const begin = wire.data();
  MutableBytes unread = std::as_writable_bytes(std::span{wire});
  StreamFramer framer;

  auto event = framer.next(unread, {});
  ASSERT_TRUE(event && std::holds_alternative<StreamMessage>(*event));
  EXPECT_EQ(static_cast<const void*>(std::get<StreamMessage>(*event).bytes.data()), begin);
  EXPECT_EQ(unread.size(), second.size() + 2);
  event = framer.next(unread, {});
  ASSERT_TRUE(event && std::holds_alternative<StreamMessage>(*event));
  EXPECT_EQ(static_cast<const void*>(std::get<StreamMessage>(*event).bytes.data()), begin + first.size());
  EXPECT_EQ(framer.memory_held(), 0u);
}

TEST(StreamFramer, KeepsNoMoreThanTheMessageUnderWay) {
  const auto first = message("hello"), second = message(std::string(3000, 'x'));
  StreamFramer framer;
  Strings events;
  feed(framer, first.substr(0, 50), {}, events);
  EXPECT_TRUE(events.empty());
  EXPECT_GE(framer.memory_held(), 50u);
  EXPECT_FALSE(framer.is_idle());

  auto wire = first.substr(50) + second;
  MutableBytes unread = std::as_writable_bytes(std::span{wire});
  ASSERT_TRUE(framer.next(unread, {}));
  EXPECT_EQ(unread.size(), second.size());
  EXPECT_LE(framer.memory_held(), 2 * first.size());
  EXPECT_TRUE(framer.is_idle());
  const auto event = framer.next(unread, {});
  ASSERT_TRUE(event && std::holds_alternative<StreamMessage>(*event));
  EXPECT_EQ(static_cast<const void*>(std::get<StreamMessage>(*event).bytes.data()), wire.data() + first.size() - 50);
  EXPECT_EQ(framer.memory_held(), 0u);
}

TEST(StreamFramer, TakesNoMemoryForWhatIsOnlyAnnounced) {
  StreamFramer framer;
  Strings events;
  const auto wire = message("Content-Length: 200000\r\n", "x");
  feed(framer, wire, {}, events);
  EXPECT_TRUE(events.empty());
  EXPECT_LE(framer.memory_held(), 2 * wire.size());
}

TEST(StreamFramer, IsNotIdleFromTheFirstByteOfAMessageToItsLast) {
  const auto wire = message("hello");
  StreamFramer framer;
  Strings events;
  EXPECT_TRUE(framer.is_idle());
  for (std::size_t i = 0; i < wire.size(); ++i) {
    feed(framer, wire.substr(i, 1), {}, events);
    EXPECT_EQ(framer.is_idle(), i + 1 == wire.size()) << i;
  }
  feed(framer, "\r", {}, events);
  EXPECT_FALSE(framer.is_idle());
  feed(framer, "\n", {}, events);
  EXPECT_TRUE(framer.is_idle());
}

TEST(StreamFramer, DropsEverythingAfterAFailure) {
  StreamFramer framer;
  Strings events;
  feed(framer, message("", ""), {}, events);
  EXPECT_TRUE(framer.has_ended());
  feed(framer, message("hello") + "\r\n\r\n", {}, events);
  EXPECT_EQ(events.size(), 1u);
  EXPECT_TRUE(framer.is_idle());
  EXPECT_EQ(framer.memory_held(), 0u);
}

// RFC 4475's messages are meant for datagrams; with a true Content-Length each is one message on a stream, and the
// parser sees the same end.
TEST(StreamFramer, AgreesWithTheMessageParserWhereAMessageEnds) {
  int whole = 0;
  for (const auto& sample : test::all_samples()) {
    for (const auto& event : receive(sample.text + message("next"))) {
      if (event[0] != 'M') continue;
      ++whole;
      const std::string bytes = event.substr(1);
      EXPECT_EQ(parse(bytes).length(), bytes.size()) << sample.section;
    }
  }
  EXPECT_GT(whole, 20);
}

}  // namespace
}  // namespace sipwsd::sip
