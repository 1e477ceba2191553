#include "src/sip/response_builder.h"

#include "sipwsd/bytes.h"
#include "src/sip/from_to.h"
#include "src/sip/header_list.h"
#include "src/sip/lexer.h"
#include "src/sip/status_code.h"
#include "src/sip/via.h"

namespace sipwsd::sip {
namespace {

class ReplyWriter {
 public:
  ReplyWriter(const MessageView& request, const Reply& reply, OutputBuffer& out)
      : request_(request), reply_(reply), out_(out) {}

  void write() {
    status_line();
    vias();
    if (makes_dialog()) copy_all(HeaderId::record_route);
    copy_first(HeaderId::from);
    to();
    copy_first(HeaderId::call_id);
    copy_first(HeaderId::cseq);
    if (reply_.status == 100) copy_first(HeaderId::timestamp);
    for (const std::string_view line : reply_.headers)
      if (lexer::is_header_line(line)) out_.append(line).append("\r\n");
    if (!reply_.server.empty()) line("Server: ", reply_.server);
    if (!reply_.body.empty() && !reply_.content_type.empty()) line("Content-Type: ", reply_.content_type);
    out_.append("Content-Length: ").append_decimal(reply_.body.size()).append("\r\n\r\n").append(reply_.body);
  }

 private:
  void line(std::string_view start, std::string_view value) {
    if (lexer::has_line_breaker(value)) return;
    out_.append(start).append(value).append("\r\n");
  }

  void status_line() {
    const bool usable = !reply_.reason.empty() && !lexer::has_line_breaker(reply_.reason);
    out_.append("SIP/2.0 ").append_decimal(reply_.status).append(' ');
    out_.append(usable ? reply_.reason : reason_phrase(reply_.status)).append("\r\n");
  }

  void copy(HeaderId id, std::string_view value) { out_.append(name(id)).append(": ").append(value).append("\r\n"); }
  void copy_first(HeaderId id) {
    if (request_.has(id)) copy(id, request_.value(id));
  }
  void copy_all(HeaderId id) {
    for (const Header& header : request_.all(id)) copy(id, header.value);
  }

  // 8.2.6.2: all, in their order, and the topmost with what the transport layer adds (18.2.1, RFC 3581 4).
  void vias() {
    bool first = true;
    for (const Header& header : request_.all(HeaderId::via)) {
      if (first && (!reply_.received.empty() || reply_.rport != 0))
        stamped(header.value);
      else
        copy(HeaderId::via, header.value);
      first = false;
    }
  }

  void stamped(std::string_view value) {
    const std::size_t size = first_value_size(value);
    const auto via = parse_via(value.substr(0, size));
    if (!via || lexer::has_line_breaker(reply_.received)) return copy(HeaderId::via, value);
    const std::size_t params_at = static_cast<std::size_t>(via->params.text().data() - value.data());
    const bool fills_rport = reply_.rport != 0 && via->wants_rport();
    out_.append("Via: ").append(value.substr(0, params_at));
    for (const Param& param : via->params) {
      if (equals_nocase(param.name, "received") && !reply_.received.empty()) continue;
      if (equals_nocase(param.name, "rport") && fills_rport)
        out_.append(";rport=").append_decimal(reply_.rport);
      else
        out_.append(param.text);
    }
    if (!reply_.received.empty()) out_.append(";received=").append(reply_.received);
    out_.append(value.substr(size)).append("\r\n");
  }

  void to() {
    if (!request_.has(HeaderId::to)) return;
    const std::string_view value = request_.value(HeaderId::to);
    const bool tagged = reply_.status == 100 || reply_.to_tag.empty() || lexer::has_line_breaker(reply_.to_tag) ||
                        !to_tag(request_).empty();
    out_.append("To: ").append(value);
    if (!tagged) out_.append(";tag=").append(reply_.to_tag);
    out_.append("\r\n");
  }

  // 12.1.1; NOTIFY: RFC 6665 4.4.1. 100 makes none.
  bool makes_dialog() const noexcept {
    if (reply_.status <= 100 || reply_.status >= 300) return false;
    switch (request_.method()) {
      case Method::invite:
      case Method::subscribe:
      case Method::refer:
      case Method::notify:
        return true;
      default:
        return false;
    }
  }

  const MessageView& request_;
  const Reply& reply_;
  OutputBuffer& out_;
};

}  // namespace

std::size_t write_reply(const MessageView& request, const Reply& reply, OutputBuffer& out) {
  const std::size_t before = out.size();
  ReplyWriter{request, reply, out}.write();
  return out.size() - before;
}

}  // namespace sipwsd::sip
