#include "src/sip/via.h"

#include "sipwsd/bytes.h"
#include "src/base/text.h"
#include "src/sip/header_list.h"
#include "src/sip/lexer.h"
#include "src/sip/uri.h"

namespace sipwsd::sip {
namespace {

Error bad(const char* why) { return {Errc::malformed, why}; }

// A token at `at`; empty when there is none.
std::string_view token_at(std::string_view text, std::size_t at) noexcept {
  return text.substr(at, lexer::skip(text, at, lexer::token) - at);
}

}  // namespace

std::optional<std::uint16_t> Via::rport() const noexcept {
  return base::parse_decimal<std::uint16_t>(params.find("rport").value_or(""));
}

std::optional<std::uint8_t> Via::ttl() const noexcept {
  return base::parse_decimal<std::uint8_t>(params.find("ttl").value_or(""));
}

bool Via::has_magic_branch() const noexcept {
  const std::string_view text = branch();
  return text.size() > branch_cookie.size() && starts_with_nocase(text, branch_cookie);
}

// sent-protocol LWS sent-by *( SEMI via-params ), where every slash and colon may have white space around it.
Result<Via> parse_via(std::string_view value) {
  value = base::trim(value);
  Via via;
  via.text = value;
  std::size_t at = 0;
  for (std::string_view* part : {&via.protocol, &via.version, &via.transport_text}) {
    *part = token_at(value, at);
    if (part->empty()) return bad("bad protocol in Via");
    at = lexer::skip_lws(value, at + part->size());
    if (part == &via.transport_text) break;
    if (at == value.size() || value[at] != '/') return bad("bad protocol in Via");
    at = lexer::skip_lws(value, at + 1);
  }
  via.transport = transport_of(via.transport_text);
  const std::size_t transport_end = static_cast<std::size_t>(via.transport_text.end() - value.begin());
  if (at == transport_end) return bad("no sent-by in Via");

  std::size_t host_end = at;
  if (at < value.size() && value[at] == '[') {
    host_end = value.find(']', at);
    if (host_end == std::string_view::npos) return bad("open bracket in Via");
    ++host_end;
  } else {
    host_end = lexer::skip(value, at, lexer::host);
  }
  via.host = value.substr(at, host_end - at);
  if (!is_host(via.host)) return bad("bad sent-by in Via");
  at = host_end;
  const std::size_t colon = lexer::skip_lws(value, at);
  if (colon < value.size() && value[colon] == ':') {
    const std::size_t begin = lexer::skip_lws(value, colon + 1);
    at = lexer::skip(value, begin, lexer::digit);
    via.port = base::parse_decimal<std::uint16_t>(value.substr(begin, at - begin));
    if (!via.port || *via.port == 0) return bad("bad port in Via");
  }
  via.params = Params{value.substr(at)};
  if (!via.params.well_formed()) return bad("bad parameter in Via");
  return via;
}

Result<Via> topmost_via(const MessageView& message) {
  const std::string_view line = message.value(HeaderId::via);
  if (line.empty()) return Error{Errc::not_found, "no Via"};
  return parse_via(line.substr(0, first_value_size(line)));
}

}  // namespace sipwsd::sip
