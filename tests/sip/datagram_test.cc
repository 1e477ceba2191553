// What a datagram holds (RFC 3261 18.3): the length rules, and that only its first piece counts. A WebSocket message has
// the same rules for lengths (RFC 7118 5).

#include <gtest/gtest.h>

#include "src/sip/message_splitter.h"
#include "src/sip/sanity.h"
#include "tests/sip/samples.h"

namespace sipwsd::sip {
namespace {

std::string datagram(std::string_view start_line, std::string_view length, std::string_view body) {
  return test::wire(std::string{start_line} +
                    "\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\nFrom: <sip:a@b>;tag=1\nTo: <sip:c@d>\nCall-ID: 1\nCSeq: 1 OPTIONS\n" +
                    std::string{length} + "\n") +
         std::string{body};
}

TEST(Datagram, EndsWhereContentLengthSaysOrWhereItEnds) {
  struct Row {
    const char* length;
    std::string body;
    const char* read;  // null: refused
  };
  const Row table[] = {
      {"", "abc", "abc"},
      {"", "", ""},
      {"Content-Length: 3\n", "abc", "abc"},
      {"l: 2\n", "abc", "ab"},
      {"Content-Length: 0\n", "abc", ""},
      {"Content-Length: 0\n", "\r\n\r\n", ""},
      {"Content-Length: 4\n", "abc", nullptr},
      {"Content-Length: 99999999999999999999\n", "abc", nullptr},
      {"Content-Length: -1\n", "abc", nullptr},
      {"Content-Length: 3\nl: 3\n", "abc", nullptr},
  };
  for (const Row& row : table) {
    const std::string request = datagram("OPTIONS sip:c@d SIP/2.0", row.length, row.body);
    Splitter splitter{request};
    const auto piece = splitter.next();
    ASSERT_TRUE(piece && piece->parsed != nullptr) << row.length;
    EXPECT_EQ(static_cast<bool>(*piece->parsed), row.read != nullptr) << row.length;
    if (row.read != nullptr) {
      EXPECT_EQ((*piece->parsed)->body(), row.read) << row.length;
    } else {
      EXPECT_EQ(piece->parsed->refusal().status, 400) << row.length;
      EXPECT_TRUE(piece->parsed->refusal().answerable) << row.length;
    }
    // 18.3: of a response the same is dropped.
    const Parsed response = parse(datagram("SIP/2.0 200 OK", row.length, row.body));
    EXPECT_EQ(static_cast<bool>(response), row.read != nullptr) << row.length;
    if (!response) {
      EXPECT_FALSE(response.refusal().answerable) << row.length;
    }
  }
}

TEST(Datagram, CutAnywhereIsRefusedOrAWholeMessageWithAShorterBody) {
  const std::string whole = datagram("OPTIONS sip:c@d SIP/2.0", "Content-Length: 3\n", "abc");
  for (std::size_t size = 1; size < whole.size(); ++size) EXPECT_FALSE(parse(std::string_view{whole}.substr(0, size))) << size;
}

TEST(Datagram, IsKeptAliveByLineEndsAndByBytesThatAreNoSip) {
  const auto kind = [](std::string_view bytes) {
    Splitter splitter{bytes};
    return splitter.next()->kind;
  };
  EXPECT_EQ(kind("\r\n\r\n"), Piece::Kind::ping);
  EXPECT_EQ(kind("\r\n"), Piece::Kind::pong);
  EXPECT_EQ(kind(std::string(4, '\0')), Piece::Kind::garbage);
  EXPECT_EQ(kind("\n"), Piece::Kind::garbage);
}

}  // namespace
}  // namespace sipwsd::sip
