#pragma once
// A SIP message taken apart without the daemon's codec, strictly: what the daemon writes has to stand that, and what it
// passes on is compared byte by byte.

#include <string>
#include <string_view>
#include <vector>

namespace sipwsd::test::conformance {

struct RawHeader {
  std::string name;   // long form, lower case
  std::string text;   // as it stands, with folds and the last CRLF
  std::string value;  // without the white space around it
};

struct RawMessage {
  std::string start_line;
  std::vector<RawHeader> headers;
  std::string body;

  explicit RawMessage(std::string_view bytes);
  [[nodiscard]] std::vector<std::string> values(std::string_view name) const;
  [[nodiscard]] std::string value(std::string_view name) const;  // the first; empty when there is none
  [[nodiscard]] int status() const;                              // 0: a request
};

// Where the first whole message in `bytes` ends, by its Content-Length; 0 when it has not all come.
std::size_t whole_message(std::string_view bytes);

// What is wrong with a response that answers `request`; empty when nothing is.
std::string flaw_of_reply(std::string_view request, std::string_view reply);
// What a proxy has changed in `request` that it must not have (RFC 3261 16.6).
std::string flaw_of_copy(std::string_view request, std::string_view copy);
// What it has changed in a response (16.7).
std::string flaw_of_passed_reply(std::string_view said, std::string_view came);
// A response to `request`, as a UAS makes it (8.2.6); `more`: whole lines.
std::string callee_answer(std::string_view request, std::string_view status_line = "SIP/2.0 200 Callee", std::string_view more = {},
                          std::string_view body = {});

}  // namespace sipwsd::test::conformance
