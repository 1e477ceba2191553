#pragma once
// Just enough of RFC 3261 to check what a server sends: one pass over the header lines, the fields a client compares
// kept as views. A message that a strict client would drop (no Call-ID, Content-Length unlike the body) is refused,
// so that a server's mistake is counted as an error and not overlooked.

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace sipwsd::bench {

struct SipMessage {
  int status = 0;           // 0: a request
  std::string_view method;  // of the request line, or of a response's CSeq
  std::string_view request_uri;
  std::array<std::string_view, 8> via;
  std::size_t via_count = 0;  // header lines: how many the browsers' libraries would see
  std::string_view from, to, call_id, cseq, contact;
  std::string_view challenge;    // WWW-Authenticate, the first
  std::string_view retry_after;
  std::string record_route;  // values in order, joined by ", "; empty for most messages
  std::string_view body;
  std::string_view bytes;  // all of it: whoever wants to answer later keeps a copy

  bool is_request() const noexcept { return status == 0; }
};

std::optional<SipMessage> parse_sip(std::string_view bytes);

std::string_view tag_of(std::string_view from_or_to);
std::string_view uri_of(std::string_view name_addr);  // between < and >, or all of it without parameters
// "a, b, c" -> "c, b, a"; commas inside <> or quotes do not separate.
std::string reversed_list(std::string_view values);

}  // namespace sipwsd::bench
