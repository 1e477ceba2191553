#pragma once
// The SIP half of the table. A row is a message, as its bytes, and what an element makes of it (RFC 3261 8.2, 16.3, 18.3;
// RFC 4475; RFC 5118), whatever brings it: a WebSocket frame, a stream, a datagram. Where streams have rules of their own
// (only Content-Length says where a message ends), or datagrams (they hold one message), a row has an outcome for them.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sipwsd::test::conformance {

// Which daemon a row is put to; both serve the domains of the RFCs' messages and know no passwords.
enum class SipProfile {
  proxy,      // a callee is registered under the users of those messages
  registrar,  // nobody is
};

struct SipOutcome {
  // How each status line goes on behind "SIP/2.0 "; in further lines, headers that must be there. Provisional responses
  // are not counted.
  std::vector<std::string> replies{};
  bool reaches_callee = false;     // passed on, whole and unchanged but for what a proxy must change; the callee answers 200
  enum class Then {
    serves,  // the next message
    ends,    // the connection, the server first
    waits,   // for the rest, which is not there: whatever comes next belongs to it
  } then = Then::serves;
};

struct SipRow {
  std::string id;  // "4475/3.1.1.1": document, section
  std::string sentence;
  std::string sent;
  SipOutcome outcome;
  std::optional<SipOutcome> on_stream{};
  std::optional<SipOutcome> in_datagram{};
  bool only_in_packets = false;  // frames and datagrams: on a stream it would spoil what comes behind it
  SipProfile profile = SipProfile::proxy;
  std::uint16_t sent_by_port = 5060;  // of the topmost Via: where a response to a datagram goes (18.2.2)
  // What the callee says, message by message, to its copy of the request; empty: 200. The last one is what the client gets,
  // but for the topmost Via.
  std::function<std::vector<std::string>(const std::string& request)> callee_says{};
};

using SipRows = std::vector<SipRow>;

// --- outcomes
SipOutcome answered(std::string status_line_rest);
SipOutcome answered_all(std::vector<std::string> replies);
SipOutcome reaches();  // the callee
SipOutcome dropped();  // nothing comes, the connection lives
SipOutcome ends_with(std::string status_line_rest);
SipOutcome ends();  // without a word
SipOutcome waits_for_the_rest();

// A part of the table; numbers its rows.
class SipSection {
 public:
  SipSection(SipRows& rows, std::string name, SipProfile profile = SipProfile::proxy) : rows_(rows), name_(std::move(name)), profile_(profile) {}
  // For what only some rows have, the row is given back.
  SipRow& row(std::string sentence, std::string sent, SipOutcome outcome);

 private:
  SipRows& rows_;
  std::string name_;
  SipProfile profile_;
  int count_ = 0;
};

// A request to put things into and take things out of: an OPTIONS that the proxy passes on to the callee as it stands.
// Line ends are CRLF.
class SipText {
 public:
  explicit SipText(std::string_view method = "OPTIONS");
  SipText& uri(std::string_view uri);
  SipText& start_line(std::string line);
  // Instead of the line of this name: any text, none, or several lines with CRLF between them.
  SipText& change(std::string_view name, std::string lines);
  SipText& leave_out(std::string_view name);
  SipText& add(std::string line);    // behind the others
  SipText& first(std::string line);  // before the others
  SipText& body(std::string body);   // Content-Length is left to the row
  [[nodiscard]] std::string text() const;
  operator std::string() const { return text(); }

 private:
  std::string start_line_;
  std::vector<std::string> lines_;
  std::string body_;
};

// --- the table, by file
void add_rfc3261_rows(SipRows& rows);            // rfc3261_message.cc: 7, 18.3, 25: lines, folds, lengths, bytes
void add_rfc3261_header_rows(SipRows& rows);     // rfc3261_headers.cc: 20: header by header
void add_rfc3261_uri_rows(SipRows& rows);        // rfc3261_uri.cc: 19.1
void add_rfc3261_element_rows(SipRows& rows);    // rfc3261_element.cc: 8.2, 16.3: version, methods, extensions, hops
void add_rfc3261_response_rows(SipRows& rows);   // rfc3261_response.cc: 16.7, 18.1.2: what the callee may answer
void add_rfc4475_rows(SipRows& rows);            // rfc4475.cc
void add_rfc5118_rows(SipRows& rows);            // rfc5118.cc
const SipRows& all_sip_rows();

}  // namespace sipwsd::test::conformance
