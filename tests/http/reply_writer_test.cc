#include "src/http/reply_writer.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace sipwsd::http {
namespace {

using namespace std::string_literals;

TEST(ReplyWriter, WritesHeadersThenServerThenLengthThenConnection) {
  const std::array<Header, 2> headers{{{"Content-Type", "text/plain"}, {"X-A", "b"}}};

  const auto reply = write_reply(Status::ok, headers, "hello", {.server = "sipwsd"});

  ASSERT_TRUE(reply);
  EXPECT_EQ(*reply,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-A: b\r\nServer: sipwsd\r\nContent-Length: 5\r\n"
            "Connection: close\r\n\r\nhello");
}

TEST(ReplyWriter, SaysTheLengthOfAnEmptyBodyAndNothingElseThatIsNotAsked) {
  const auto reply = write_reply(Status::not_found, {}, {}, {.server = "", .closes = false});
  ASSERT_TRUE(reply);
  EXPECT_EQ(*reply, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

TEST(ReplyWriter, GivesA1xxNeitherContentLengthNorClose) {
  const auto reply = write_reply(Status::switching_protocols, {});
  ASSERT_TRUE(reply);
  EXPECT_EQ(*reply, "HTTP/1.1 101 Switching Protocols\r\nServer: " + std::string{product()} + "\r\n\r\n");
  EXPECT_TRUE(write_reply(Status::switching_protocols, {}, "body").is(Errc::unsupported));
  EXPECT_TRUE(write_reply(Status::not_modified, {}, "body").is(Errc::unsupported));
}

TEST(ReplyWriter, AnswersHeadWithTheLengthOfTheBodyItLeavesOut) {
  const auto reply = write_reply(Status::ok, {}, "12345678", {.server = "", .head_only = true});
  ASSERT_TRUE(reply);
  EXPECT_EQ(*reply, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\n");
}

// S56.
TEST(ReplyWriter, RefusesAHeaderThatWouldBreakItsLine) {
  const std::pair<std::string, std::string> table[] = {
      {"X", "a\r\nSet-Cookie: b"}, {"X", "a\nb"}, {"X", "a\rb"}, {"X", "a\0b"s}, {"X", "a\x7f"}, {"X", "a\x1b"},
      {"X: a\r\nY", "b"},          {"", "a"},     {"X Y", "a"},  {"X:", "a"},    {"X\0"s, "a"},  {"X\xc3\xa4", "a"},
  };
  for (const auto& [name, value] : table) {
    const std::array<Header, 1> headers{{{name, value}}};
    EXPECT_TRUE(write_reply(Status::ok, headers).is(Errc::malformed)) << name << ": " << value;
  }
  EXPECT_TRUE(write_reply(Status::ok, {}, {}, {.server = "a\r\nb"}).is(Errc::malformed));
  const std::array<Header, 1> good{{{"X", "tab\tand \xc3\xa4"}}};
  EXPECT_TRUE(write_reply(Status::ok, good));
}

TEST(Status, HasAReasonForEachCodeWeSend) {
  for (const auto status : {Status::switching_protocols, Status::ok, Status::not_modified, Status::bad_request,
                            Status::unauthorized, Status::forbidden, Status::not_found, Status::method_not_allowed,
                            Status::request_timeout, Status::upgrade_required, Status::too_many_requests,
                            Status::header_fields_too_large, Status::internal_server_error, Status::not_implemented,
                            Status::service_unavailable, Status::version_not_supported})
    EXPECT_FALSE(reason_phrase(status).empty()) << number(status);
  EXPECT_EQ(reason_phrase(Status::upgrade_required), "Upgrade Required");
  EXPECT_EQ(reason_phrase(Status::header_fields_too_large), "Request Header Fields Too Large");
}

// The default of ping_application_data: 1..125 bytes.
TEST(Product, FitsIntoAPing) {
  EXPECT_TRUE(product().starts_with("sipwsd ("));
  EXPECT_TRUE(product().ends_with("/linux))"));
  EXPECT_LE(product().size(), 125u);
}

}  // namespace
}  // namespace sipwsd::http
