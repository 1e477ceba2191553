// Responses (RFC 3261 7.2, 8.1.3, 16.7, 18.1.2): the callee answers, rightly, oddly or to do harm. What is well-formed and
// answers our request goes to the client as it came, but for our Via; the rest is dropped, and a good answer behind it still
// counts.

#include <algorithm>

#include "tests/conformance/raw_message.h"
#include "tests/conformance/sip_row.h"

namespace sipwsd::test::conformance {
namespace {

using namespace std::string_literals;
using Says = std::function<std::vector<std::string>(const std::string&)>;

Says says(std::string status_line, std::string more = {}, std::string body = {}) {
  return [=](const std::string& request) { return std::vector{callee_answer(request, status_line, more, body)}; };
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  if (const auto at = text.find(from); at != text.npos) text.replace(at, from.size(), to);
  return text;
}

// The 200 with one thing changed, then the 200.
Says first_with(std::string from, std::string to) {
  return [=](const std::string& request) { return std::vector{replaced(callee_answer(request), from, to), callee_answer(request)}; };
}

std::string without_line(std::string text, std::string_view name) {
  const auto line = text.find("\r\n" + std::string(name) + ":");
  return text.erase(line, text.find("\r\n", line + 2) - line);
}

SipRow& add(SipSection& section, std::string sentence, Says callee, std::string reply = "200 Callee") {
  auto& row = section.row(std::move(sentence), SipText("MESSAGE"), {.replies = {std::move(reply)}, .reaches_callee = true});
  row.callee_says = std::move(callee);
  return row;
}

void add_passed(SipRows& rows) {
  SipSection s(rows, "3261/16.7");
  for (const std::string line : {"SIP/2.0 299 Nobody Knows This", "SIP/2.0 404 Not Found", "SIP/2.0 499 x", "SIP/2.0 500 ", "SIP/2.0 504 \xe5\xa4\xa7", "SIP/2.0 603 Decline",
                                 "SIP/2.0 699 = 2**3 * 5**2", "SIP/2.0 302 Moved Temporarily"})
    add(s, "`" + line + "`", says(line), line.substr(8, line.find_last_not_of(' ') + 1 - 8));
  add(s, "a 503 becomes a 500 (16.7 step 6)", says("SIP/2.0 503 Service Unavailable", "Retry-After: 99\r\n"), "500");
  add(s, "provisional ones before it",
      [](const std::string& request) {
        return std::vector{callee_answer(request, "SIP/2.0 100 Trying"), callee_answer(request, "SIP/2.0 183 Session Progress"), callee_answer(request)};
      });
  add(s, "only the first final one",
      [](const std::string& request) { return std::vector{callee_answer(request, "SIP/2.0 486 Busy Here"), callee_answer(request)}; }, "486 Busy Here");
  add(s, "headers nobody knows, folded, compact, twice, in any case",
      says("SIP/2.0 200 Callee", "X-Own :\r\n a\r\n\tb\r\ns: x\r\nx-own: ;;,\r\nSERVER: y\r\nk: a,b\r\nSupported:\r\n"));
  add(s, "several challenges", says("SIP/2.0 401 Unauthorized", "WWW-Authenticate: Digest realm=\"a\", nonce=\"b\"\r\nWWW-Authenticate: Digest realm=\"c\",\r\n nonce=\"d\"\r\n"),
      "401 Unauthorized");
  add(s, "values only the client reads: it may judge them", says("SIP/2.0 200 Callee", "Expires: never\r\nRetry-After: 949302838503028349304023988\r\nWarning: 1812 overture \"In Progress\"\r\n"));
  add(s, "a body of every byte", says("SIP/2.0 200 Callee", "Content-Type: x/y\r\n", "\0\r\n\r\n\xff SIP/2.0 200 OK\r\n\r\n"s));
  add(s, "a quoted NUL in a header", says("SIP/2.0 200 Callee", "X-Own: \"\\\0\"\r\n"s));
  add(s, "without Content-Length, as RFC 7118 allows: the client gets one",
      [](const std::string& request) { return std::vector{without_line(callee_answer(request), "Content-Length")}; });
  add(s, "a To without a tag",
      [](const std::string& request) { return std::vector{replaced(callee_answer(request), ";tag=callee", ";x=tag")}; });
  add(s, "100 Vias behind ours", [](const std::string& request) {
    auto reply = callee_answer(request);
    std::string vias;
    for (int i = 0; i < 99; ++i) vias += "Via: SIP/2.0/UDP a.example.org;branch=z9hG4bKx\r\n";
    return std::vector{reply.insert(reply.find("Max-Forwards:") == reply.npos ? reply.find("From:") : 0, vias)};
  });
}

void add_dropped(SipRows& rows) {
  SipSection s(rows, "3261/18.1.2");
  for (const std::string line : {"SIP/2.0 099 x", "SIP/2.0 700 x", "SIP/2.0 4294967496 x", "SIP/2.0 2x0 Callee", "SIP/2.0 200Callee", "SIP/2.0  200 Callee", "SIP/3.0 200 Callee", "SIP/2.0", "HTTP/1.1 200 OK", ""})
    add(s, "`" + line + "`, and then an answer", first_with("SIP/2.0 200 Callee", line));
  for (const std::string name : {"Via", "From", "To", "Call-ID", "CSeq"})
    add(s, "one without " + name, [name](const std::string& request) { return std::vector{without_line(callee_answer(request), name), callee_answer(request)}; });
  for (const std::string header : {"To: x\r\n", "From: <sip:a@b>;tag=2\r\n", "Call-ID: x\r\n", "CSeq: 9 MESSAGE\r\n", "l: 0\r\n"})
    add(s, "one with two " + header.substr(0, header.find(':')), first_with("Contact:", header + "Contact:"));
  add(s, "one with another branch of ours", first_with("branch=z9hG4bK", "branch=z9hG4bKa"));
  add(s, "one with an unreadable topmost Via", first_with("SIP/2.0/WS ", "SIP/2.0 WS "));
  add(s, "one to another method", first_with("CSeq: 2 MESSAGE", "CSeq: 2 INVITE"));
  add(s, "one with a number too large", first_with("CSeq: 2 ", "CSeq: 2147483648 "));
  add(s, "one with a CR in it", first_with("Contact:", "X-Own: a\rInjected: b\r\nContact:"));
  add(s, "one with an LF in it", first_with("Contact:", "X-Own: a\nInjected: b\r\nContact:"));
  add(s, "one with a NUL in it", first_with("Contact:", "X-Own: a\0b\r\nContact:"s));
  add(s, "one with a line that is no header", first_with("Contact:", "no header\r\nContact:"));
  add(s, "one with a length that is too large", first_with("Content-Length: 0", "Content-Length: 5"));
  add(s, "one with a negative length", first_with("Content-Length: 0", "Content-Length: -1"));
  add(s, "one that would go to everybody", first_with("Via: SIP/2.0/TCP client", "Via: SIP/2.0/UDP 255.255.255.255\r\nVia: SIP/2.0/TCP client"));
}

}  // namespace

void add_rfc3261_response_rows(SipRows& rows) {
  add_passed(rows);
  add_dropped(rows);
}

}  // namespace sipwsd::test::conformance
