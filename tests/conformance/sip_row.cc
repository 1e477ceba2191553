#include "tests/conformance/sip_row.h"

#include <fmt/format.h>

#include <algorithm>

namespace sipwsd::test::conformance {

SipOutcome answered(std::string rest) { return {.replies = {std::move(rest)}}; }
SipOutcome answered_all(std::vector<std::string> replies) { return {.replies = std::move(replies)}; }
SipOutcome reaches() { return {.replies = {"200 Callee"}, .reaches_callee = true}; }
SipOutcome dropped() { return {}; }
SipOutcome ends_with(std::string rest) { return {.replies = {std::move(rest)}, .then = SipOutcome::Then::ends}; }
SipOutcome ends() { return {.then = SipOutcome::Then::ends}; }
SipOutcome waits_for_the_rest() { return {.then = SipOutcome::Then::waits}; }

SipRow& SipSection::row(std::string sentence, std::string sent, SipOutcome outcome) {
  rows_.push_back({.id = fmt::format("{}-{:02}", name_, ++count_),
                   .sentence = std::move(sentence),
                   .sent = std::move(sent),
                   .outcome = std::move(outcome),
                   .profile = profile_});
  return rows_.back();
}

SipText::SipText(std::string_view method)
    : start_line_(std::string(method) + " sip:user@example.com SIP/2.0"),
      lines_{"Via: SIP/2.0/TCP client.example.org;branch=z9hG4bK74bf9",
             "Max-Forwards: 70",
             "From: \"Alice\" <sip:alice@example.org>;tag=9fxced76sl",
             "To: <sip:user@example.com>",
             "Call-ID: 3848276298220188511@client.example.org",
             "CSeq: 2 " + std::string(method),
             "Contact: <sip:alice@client.example.org>",
             "Content-Length: 0"} {}

SipText& SipText::uri(std::string_view uri) {
  return start_line(start_line_.substr(0, start_line_.find(' ') + 1) + std::string(uri) + " SIP/2.0");
}

SipText& SipText::start_line(std::string line) {
  start_line_ = std::move(line);
  return *this;
}

SipText& SipText::change(std::string_view name, std::string lines) {
  const auto line = std::find_if(lines_.begin(), lines_.end(), [&](const std::string& l) { return l.starts_with(std::string(name) + ":"); });
  if (line != lines_.end()) *line = std::move(lines);
  return *this;
}

SipText& SipText::leave_out(std::string_view name) {
  std::erase_if(lines_, [&](const std::string& l) { return l.starts_with(std::string(name) + ":"); });
  return *this;
}

SipText& SipText::add(std::string line) {
  lines_.push_back(std::move(line));
  return *this;
}

SipText& SipText::first(std::string line) {
  lines_.insert(lines_.begin(), std::move(line));
  return *this;
}

SipText& SipText::body(std::string body) {
  body_ = std::move(body);
  return *this;
}

std::string SipText::text() const {
  std::string out = start_line_ + "\r\n";
  for (const auto& line : lines_) out += line + "\r\n";
  return out + "\r\n" + body_;
}

const SipRows& all_sip_rows() {
  static const SipRows all = [] {
    SipRows rows;
    add_rfc3261_rows(rows);
    add_rfc3261_header_rows(rows);
    add_rfc3261_uri_rows(rows);
    add_rfc3261_element_rows(rows);
    add_rfc3261_response_rows(rows);
    add_rfc4475_rows(rows);
    add_rfc5118_rows(rows);
    return rows;
  }();
  return all;
}

}  // namespace sipwsd::test::conformance
