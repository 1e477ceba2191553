#include "src/sip/request_builder.h"

#include "src/sip/cseq.h"
#include "src/sip/header_list.h"
#include "src/sip/lexer.h"
#include "src/sip/max_forwards.h"

namespace sipwsd::sip {
namespace {

// What CANCEL and ACK have in common (9.1, 17.1.1.3): Request-URI, the one topmost Via, Route, From, Call-ID and the
// number of CSeq are those of the INVITE as it was sent.
std::size_t write_twin(std::string_view method, const MessageView& invite, std::string_view to,
                       std::span<const std::string_view> headers, OutputBuffer& out) {
  const std::size_t before = out.size();
  out.append(method).append(' ').append(invite.request_uri()).append(" SIP/2.0\r\n");
  const std::string_view via = invite.value(HeaderId::via);
  out.append("Via: ").append(base::trim(via.substr(0, first_value_size(via)))).append("\r\n");
  for (const Header& route : invite.all(HeaderId::route)) out.append("Route: ").append(route.value).append("\r\n");
  out.append("Max-Forwards: ").append_decimal(default_max_forwards).append("\r\n");
  out.append("From: ").append(invite.value(HeaderId::from)).append("\r\n");
  out.append("To: ").append(to).append("\r\n");
  out.append("Call-ID: ").append(invite.value(HeaderId::call_id)).append("\r\n");
  const auto sequence = cseq(invite);
  out.append("CSeq: ").append_decimal(sequence ? sequence->number : 0u).append(' ').append(method).append("\r\n");
  for (const std::string_view line : headers)
    if (lexer::is_header_line(line)) out.append(line).append("\r\n");
  out.append("Content-Length: 0\r\n\r\n");
  return out.size() - before;
}

}  // namespace

std::size_t write_cancel(const MessageView& invite, std::span<const std::string_view> headers, OutputBuffer& out) {
  return write_twin("CANCEL", invite, invite.value(HeaderId::to), headers, out);
}

std::size_t write_ack(const MessageView& invite, const MessageView& response, OutputBuffer& out) {
  return write_twin("ACK", invite, response.value(HeaderId::to), {}, out);
}

}  // namespace sipwsd::sip
