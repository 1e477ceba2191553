#include "src/sip/name_addr.h"

#include "src/sip/lexer.h"

namespace sipwsd::sip {
namespace {

Error bad(const char* why) { return {Errc::malformed, why}; }

// `<uri> params`, from the bracket on.
Result<NameAddr> parse_bracketed(NameAddr address, std::string_view rest) {
  const std::size_t close = rest.find('>');
  if (close == std::string_view::npos) return bad("open angle bracket");
  auto uri = parse_uri(rest.substr(1, close - 1));
  if (!uri) return uri.error();
  address.uri = *uri;
  address.has_brackets = true;
  address.params = Params{rest.substr(close + 1)};
  if (!address.params.well_formed()) return bad("bad parameter behind the angle brackets");
  return address;
}

// Without brackets the URI ends at the first semicolon or white space; a comma or question mark would have needed
// them (20: "must be enclosed").
Result<NameAddr> parse_bare(NameAddr address, std::string_view value) {
  std::size_t end = 0;
  while (end < value.size() && value[end] != ';' && !base::is_lws(value[end])) ++end;
  auto uri = parse_uri(value.substr(0, end));
  if (!uri) return uri.error();
  if (value.substr(0, end).find_first_of("?,") != std::string_view::npos && uri->is_sip())
    return bad("URI that needs angle brackets");
  address.uri = *uri;
  address.params = Params{value.substr(end)};
  if (!address.params.well_formed()) return bad("bad parameter behind the URI");
  return address;
}

}  // namespace

Result<NameAddr> parse_name_addr(std::string_view value) {
  value = base::trim(value);
  NameAddr address;
  address.text = value;
  if (value.empty()) return bad("empty address");
  if (value[0] == '"') {
    const std::size_t end = lexer::skip_quoted(value, 0);
    if (end == std::string_view::npos) return bad("open quoted string");
    const std::size_t open = lexer::skip_lws(value, end);
    if (open == value.size() || value[open] != '<') return bad("no URI behind the display name");
    address.display_name = value.substr(0, end);
    return parse_bracketed(std::move(address), value.substr(open));
  }
  // *(token LWS) before "<", the last LWS not needed (RFC 4475 3.1.1.6).
  std::size_t at = 0;
  while (at < value.size() && (lexer::is(value[at], lexer::token) || base::is_lws(value[at]) ||
                               static_cast<unsigned char>(value[at]) >= 0x80))
    ++at;
  if (at == value.size() || value[at] != '<') return parse_bare(std::move(address), value);
  address.display_name = base::trim(value.substr(0, at));
  return parse_bracketed(std::move(address), value.substr(at));
}

}  // namespace sipwsd::sip
