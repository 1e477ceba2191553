#pragma once
// A response to a request (RFC 3261 8.2.6): all Via in order, From, To with a tag, Call-ID, CSeq; Record-Route for
// responses that make a dialog (12.1.1); Timestamp for 100 (8.2.6.1).

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "src/sip/message.h"
#include "src/sip/output_buffer.h"

namespace sipwsd::sip {

struct Reply {
  std::uint16_t status = 200;
  std::string_view reason{};                    // empty: the standard phrase
  std::string_view to_tag{};                    // put on To when it has none and the status is not 100
  std::string_view received{};                  // for the topmost Via (18.2.1); empty: none
  std::uint16_t rport = 0;                      // for a topmost Via that asked for rport; 0: none
  std::string_view server{};                    // Server header value; empty: none
  std::span<const std::string_view> headers{};  // further lines, "Name: value" without CRLF
  std::string_view content_type{};              // with a body
  std::string_view body{};
};

// Appends the response to `out`; returns how many bytes. Also works on Parsed::recovered() of an answerable failure.
// Texts of `reply` with CR, LF or NUL, and lines that are no header lines, are left out: they never reach the wire.
std::size_t write_reply(const MessageView& request, const Reply& reply, OutputBuffer& out);

}  // namespace sipwsd::sip
