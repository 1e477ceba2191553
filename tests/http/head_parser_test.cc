#include "src/http/head_parser.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <tuple>
#include <vector>

namespace sipwsd::http {
namespace {

using namespace std::string_literals;

const std::string browser =
    "GET /phone/ws?token=abc HTTP/1.1\r\n"
    "Host: server.example.com:8080\r\n"
    "Connection: keep-alive, Upgrade\r\n"
    "Upgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Origin: http://example.com\r\n"
    "Sec-WebSocket-Protocol: sip, superchat\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "X-Empty:\r\n"
    "X-Spaces: \t two words \t \r\n"
    "\r\n";

std::string with_line(const std::string& line) { return "GET / HTTP/1.1\r\nHost: a\r\n" + line + "\r\n\r\n"; }
std::string with_request_line(const std::string& line) { return line + "\r\nHost: a\r\n\r\n"; }

// One call with everything, and one call for each byte: the same error, or the same length.
template <typename Check>
void each_way(const std::string& bytes, const Limits& limits, Check&& check) {
  check(parse_head(bytes, limits));
  HeadScanner scanner;
  for (std::size_t size = 1; size <= bytes.size(); ++size) {
    auto result = parse_head(std::string_view{bytes}.substr(0, size), scanner, limits);
    if (result.is(Errc::incomplete) && size < bytes.size()) continue;
    check(result);
    return;
  }
}

TEST(HeadParser, GivesTheWordsOfARequestAsViews) {
  const std::string bytes = browser + "\x81\x85";

  const auto head = parse_head(bytes, Limits{});

  ASSERT_TRUE(head);
  EXPECT_EQ(head->method, "GET");
  EXPECT_EQ(head->target, "/phone/ws?token=abc");
  EXPECT_EQ(head->path, "/phone/ws");
  EXPECT_EQ(head->query, "token=abc");
  EXPECT_EQ(head->authority, "server.example.com:8080");
  EXPECT_EQ(head->version, (Version{1, 1}));
  EXPECT_EQ(head->headers.size(), 9u);
  EXPECT_EQ(head->headers.find("sec-websocket-KEY"), "dGhlIHNhbXBsZSBub25jZQ==");
  EXPECT_EQ(head->headers.find("X-Empty"), "");
  EXPECT_EQ(head->headers.find("x-spaces"), "two words");
  EXPECT_EQ(head->headers.find("X-Nothing"), std::nullopt);
}

TEST(HeadParser, LeavesWhatIsBehindTheHead) {
  const auto head = parse_head(browser + "\x81\x85GET", Limits{});
  ASSERT_TRUE(head);
  EXPECT_EQ(head->length, browser.size());
}

TEST(HeadParser, AsksForMoreUntilTheEmptyLineIsThere) {
  HeadScanner scanner;
  for (std::size_t size = 0; size < browser.size(); ++size) {
    EXPECT_TRUE(parse_head(std::string_view{browser}.substr(0, size), Limits{}).is(Errc::incomplete)) << size;
    EXPECT_TRUE(parse_head(std::string_view{browser}.substr(0, size), scanner, Limits{}).is(Errc::incomplete)) << size;
  }
  const auto head = parse_head(browser, scanner, Limits{});
  ASSERT_TRUE(head);
  EXPECT_EQ(head->length, browser.size());
}

TEST(HeadParser, DoesNotCareHowTheBytesWereCut) {
  std::mt19937 random{1};
  for (int round = 0; round < 200; ++round) {
    HeadScanner scanner;
    std::size_t size = 0;
    for (;;) {
      size = std::min(browser.size(), size + 1 + random() % 40);
      const auto head = parse_head(std::string_view{browser}.substr(0, size), scanner, Limits{});
      if (size < browser.size()) {
        ASSERT_TRUE(head.is(Errc::incomplete));
        continue;
      }
      ASSERT_TRUE(head);
      ASSERT_EQ(head->length, browser.size());
      break;
    }
  }
}

TEST(HeadScanner, LooksAtEveryByteOnce) {
  std::string bytes = browser;
  HeadScanner scanner;
  ASSERT_TRUE(scanner.scan(std::string_view{bytes}.substr(0, 100), Limits{}).is(Errc::incomplete));

  for (std::size_t i = 0; i < 99; ++i) bytes[i] = '\0';  // would be refused if it were looked at again

  const auto length = scanner.scan(bytes, Limits{});
  ASSERT_TRUE(length);
  EXPECT_EQ(*length, browser.size());
}

struct Accepted {
  const char* request_line;
  const char* method;
  const char* path;
  const char* query;
  const char* authority;
};
constexpr Accepted accepted[] = {
    {"GET / HTTP/1.1", "GET", "/", "", "a"},
    {"GET /chat HTTP/1.1", "GET", "/chat", "", "a"},
    {"GET /? HTTP/1.1", "GET", "/", "", "a"},
    {"GET /x?a?b HTTP/1.1", "GET", "/x", "a?b", "a"},
    {"GET http://b:81/chat?q HTTP/1.1", "GET", "/chat", "q", "b:81"},
    {"GET HTTPS://b HTTP/1.1", "GET", "/", "", "b"},
    {"GET ws://b?q HTTP/1.1", "GET", "/", "q", "b"},
    {"OPTIONS * HTTP/1.1", "OPTIONS", "*", "", "a"},
    {"POST /x HTTP/1.1", "POST", "/x", "", "a"},
    {"get / HTTP/1.1", "get", "/", "", "a"},
    {"GET / HTTP/1.0", "GET", "/", "", "a"},
    {"GET / HTTP/1.9", "GET", "/", "", "a"},
};

TEST(HeadParser, ReadsEveryFormOfRequestLine) {
  for (const auto& row : accepted)
    each_way(with_request_line(row.request_line), Limits{}, [&](const Result<RequestHead>& head) {
      ASSERT_TRUE(head) << row.request_line << ": " << head.error().why;
      EXPECT_EQ(head->method, row.method) << row.request_line;
      EXPECT_EQ(head->path, row.path) << row.request_line;
      EXPECT_EQ(head->query, row.query) << row.request_line;
      EXPECT_EQ(head->authority, row.authority) << row.request_line;
    });
}

TEST(HeadParser, RefusesAMalformedRequestLine) {
  for (const char* line : {"GET",
                           "GET /",
                           "GET / ",
                           "/ HTTP/1.1",
                           " GET / HTTP/1.1",
                           "GET  / HTTP/1.1",
                           "GET /  HTTP/1.1",
                           "GET / HTTP/1.1 ",
                           "GET\t/ HTTP/1.1",
                           "GET / / HTTP/1.1",
                           "G@T / HTTP/1.1",
                           "GET / http/1.1",
                           "GET / HTTP/1",
                           "GET / HTTP/1.",
                           "GET / HTTP/11",
                           "GET / HTTP/1.1x",
                           "GET / HTTP/01.1",
                           "GET / HTTP/a.1",
                           "GET / HTTPS/1.1",
                           "GET /\x7f HTTP/1.1",
                           "GET /\xc3\xa4 HTTP/1.1",
                           "GET /a#b HTTP/1.1",
                           "GET x HTTP/1.1",
                           "GET * HTTP/1.1",
                           "CONNECT a:80 HTTP/1.1",
                           "GET ftp://a/ HTTP/1.1",
                           "GET http:///x HTTP/1.1",
                           "GET http://u@b/ HTTP/1.1",
                           "GET http://b:x/ HTTP/1.1",
                           "GET http://b:65536/ HTTP/1.1"})
    each_way(with_request_line(line), Limits{}, [&](const Result<RequestHead>& head) {
      ASSERT_TRUE(head.is(Errc::malformed)) << line;
      EXPECT_EQ(status_of(head.error()), Status::bad_request) << line;
    });
}

TEST(HeadParser, AnswersAnotherMajorVersionWith505) {
  for (const char* line : {"GET / HTTP/2.0", "GET / HTTP/0.9", "PRI * HTTP/2.0", "GET / HTTP/3.1"})
    each_way(with_request_line(line), Limits{}, [&](const Result<RequestHead>& head) {
      ASSERT_TRUE(head.is(Errc::unsupported)) << line;
      EXPECT_EQ(status_of(head.error()), Status::version_not_supported);
    });
}

// S01.
TEST(HeadParser, RefusesWhatCouldBeReadInTwoWays) {
  const std::vector<std::string> requests = {
      "GET / HTTP/1.1\nHost: a\n\n",                              // bare LF
      "GET / HTTP/1.1\r\nHost: a\n\r\n",                          // in one line
      "GET / HTTP/1.1\r\nHost: a\r\n\n",                          // in the last one
      "GET / HTTP/1.1\rHost: a\r\n\r\n",                          // bare CR
      "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",                      //
      "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n",                      //
      with_line("X: a\r\n b"),                                    // obs-fold
      with_line("X: a\r\n\tb"),                                   //
      "GET / HTTP/1.1\r\n Host: a\r\n\r\n",                       // white space before the first header
      with_line("X: a\0b"s),                                      // NUL
      with_line("X\0: b"s),                                       //
      "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"s,                     //
      with_line("X: a\x01"),                                      // control characters
      with_line("X: a\x7f"),                                      //
      with_line("X: a\x1b[0m"),                                   //
      with_line("X : a"),                                         // white space before the colon
      with_line("X\t: a"),                                        //
      with_line(": a"),                                           // no name
      with_line("X"),                                             // no colon
      with_line("X(y): a"),                                       // no token
      with_line("X\xc3\xa4: a"),                                  //
      with_line("Host: a"),                                       // Host twice, even when it says the same
      with_line("HOST: b"),                                       //
      "GET / HTTP/1.1\r\nX: a\r\n\r\n",                           // no Host
      "GET / HTTP/1.1\r\nHost:\r\n\r\n",                          // an empty one
      "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",                      //
      "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",                      //
      "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",                      //
      "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",                      //
      "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n",                      //
      "GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n",              // also where it does not count
      "GET http://a/ HTTP/1.1\r\n\r\n",                           //
      with_line("Sec-WebSocket-Key: x\r\nsec-websocket-key: x"),  // duplicates
      with_line("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13"),
      with_line("Origin: http://a\r\nOrigin: http://a"),
      with_line("Content-Length: 0"),  // a body
      with_line("content-length: 5"),
      with_line("Transfer-Encoding: chunked"),
      "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",  // two empty lines before the request
      "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "\r\n\r\n",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s,  // a TLS ClientHello on a plain port
  };
  for (const auto& request : requests)
    each_way(request, Limits{}, [&](const Result<RequestHead>& head) {
      ASSERT_TRUE(head.is(Errc::malformed)) << request;
      EXPECT_EQ(status_of(head.error()), Status::bad_request) << request;
      EXPECT_FALSE(head.error().why.empty()) << request;
    });
}

TEST(HeadParser, SeesABadByteBeforeTheRestHasCome) {
  EXPECT_TRUE(parse_head("GET / HTTP/1.1\n", Limits{}).is(Errc::malformed));
  EXPECT_TRUE(parse_head("GET / HTTP/1.1\r\nHost: a\r\n ", Limits{}).is(Errc::malformed));
  EXPECT_TRUE(parse_head(std::string_view{"G\0", 2}, Limits{}).is(Errc::malformed));
}

TEST(HeadParser, LetsOneEmptyLineBeforeTheRequestPass) {
  each_way("\r\n" + browser, Limits{}, [](const Result<RequestHead>& head) {
    ASSERT_TRUE(head);
    EXPECT_EQ(head->method, "GET");
    EXPECT_EQ(head->length, browser.size() + 2);
  });
}

TEST(HeadParser, TakesBytesAbove127InAValue) {
  const auto bytes = with_line("X: \xc3\xa4\xff");
  const auto head = parse_head(bytes, Limits{});
  ASSERT_TRUE(head);
  EXPECT_EQ(head->headers.find("X"), "\xc3\xa4\xff");
}

TEST(HeadParser, AsksNoHostOfHttp10) {
  const auto head = parse_head("GET /x HTTP/1.0\r\n\r\n", Limits{});
  ASSERT_TRUE(head);
  EXPECT_EQ(head->version, (Version{1, 0}));
  EXPECT_EQ(head->authority, "");
}

TEST(HeadParser, PrefersTheHostOfAnAbsoluteTarget) {
  const auto head = parse_head("GET http://inner:1/ HTTP/1.1\r\nHost: outer\r\n\r\n", Limits{});
  ASSERT_TRUE(head);
  EXPECT_EQ(head->authority, "inner:1");
}

// Each limit: exactly at it, and one more. S01.
TEST(HeadParser, TakesExactlyWhatTheLimitsAllow) {
  const Limits limits{};
  const auto head_of = [](std::size_t size) {  // with lines short enough
    std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
    while (head.size() + 2 < size) {
      std::size_t line = std::min<std::size_t>(1000, size - 2 - head.size());
      if (size - 2 - head.size() - line < 6) line = size - 2 - head.size() < 1000 ? line : 500;
      head += "X: " + std::string(line - 5, 'x') + "\r\n";
    }
    return head + "\r\n";
  };
  ASSERT_EQ(head_of(limits.max_head).size(), limits.max_head);
  std::string full = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (std::size_t i = 1; i < limits.max_headers; ++i) full += "X: y\r\n";
  const std::string longest_line(limits.max_line - 3, 'x');

  const std::tuple<std::string, bool> table[] = {
      {head_of(limits.max_head), true},
      {head_of(limits.max_head + 1), false},
      {full + "\r\n", true},
      {full + "X: y\r\n\r\n", false},
      {with_line("X: " + longest_line), true},
      {with_line("X: " + longest_line + "x"), false},
      {with_request_line("GET /" + std::string(limits.max_line - 14, 'x') + " HTTP/1.1"), true},
      {with_request_line("GET /" + std::string(limits.max_line - 13, 'x') + " HTTP/1.1"), false},
  };
  int row = 0;
  for (const auto& [request, taken] : table) {
    each_way(request, limits, [&, taken = taken](const Result<RequestHead>& head) {
      if (taken) {
        EXPECT_TRUE(head) << row;
      } else {
        ASSERT_TRUE(head.is(Errc::too_large)) << row;
        EXPECT_EQ(status_of(head.error()), Status::header_fields_too_large);
      }
    });
    ++row;
  }
}

TEST(HeadParser, RefusesALongHeadBeforeItsEndHasCome) {
  std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n";
  while (bytes.size() < Limits{}.max_head) bytes += "X: " + std::string(900, 'x') + "\r\n";
  bytes.resize(Limits{}.max_head);
  EXPECT_TRUE(parse_head(bytes, Limits{}).is(Errc::too_large));
  bytes.pop_back();
  EXPECT_TRUE(parse_head(bytes, Limits{}).is(Errc::incomplete));
}

}  // namespace
}  // namespace sipwsd::http
