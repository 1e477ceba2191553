#include "src/sip/uri.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "sipwsd/bytes.h"
#include "src/base/text.h"
#include "src/sip/lexer.h"

namespace sipwsd::sip {
namespace {

Error bad(const char* why) { return {Errc::malformed, why}; }

std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
  if (text.size() > 5) return std::nullopt;
  const auto port = base::parse_decimal<std::uint16_t>(text);
  if (!port || *port == 0) return std::nullopt;
  return port;
}

// "[...]" with hexadecimal groups, at least two colons, perhaps an IPv4 tail. Not stricter: RFC 5118 4.10 asks to
// accept the third colon that a mistake in RFC 3261's grammar produces.
bool is_ipv6_reference(std::string_view host) noexcept {
  if (host.size() < 4 || host.size() > 50 || host.front() != '[' || host.back() != ']') return false;
  const std::string_view inner = host.substr(1, host.size() - 2);
  const auto colons = std::ranges::count(inner, ':');
  return colons >= 2 && colons <= 8 &&
         std::ranges::all_of(inner, [](char c) { return lexer::is(c, lexer::hex) || c == ':' || c == '.'; });
}

// Not empty, of a name's characters: but is it one?
bool is_host_name(std::string_view host) noexcept {
  if (host.size() > 255 || host[0] == '-' || host[0] == '.') return false;
  char before = 0;
  for (const char c : host) {
    if (c == '.' && before == '.') return false;
    before = c;
  }
  return true;
}

// Each % is followed by two hexadecimal digits.
bool escapes_are_whole(std::string_view text) noexcept {
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 3)) {
    if (at + 2 >= text.size() || !lexer::is(text[at + 1], lexer::hex) || !lexer::is(text[at + 2], lexer::hex))
      return false;
  }
  return true;
}

// Each parameter has a name (";;" has none) and those with an equals sign a value.
bool uri_params_are_whole(std::string_view text) noexcept {
  while (!text.empty()) {
    text.remove_prefix(1);  // the semicolon
    const std::string_view param = text.substr(0, text.find(';'));
    if (param.empty() || param.front() == '=') return false;
    text.remove_prefix(param.size());
  }
  return true;
}

std::size_t scheme_size(std::string_view text) noexcept {
  if (text.empty() || !lexer::is(text[0], lexer::alpha)) return 0;
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == ':') return at;
    const char c = text[at];
    if (!lexer::is(c, lexer::alpha | lexer::digit) && c != '+' && c != '-' && c != '.') return 0;
  }
  return 0;
}

Scheme scheme_of(std::string_view text) noexcept {
  if (equals_nocase(text, "sip")) return Scheme::sip;
  if (equals_nocase(text, "sips")) return Scheme::sips;
  if (equals_nocase(text, "tel")) return Scheme::tel;
  return Scheme::other;
}

// rest: behind "sip:". RFC 3261 25.1 SIP-URI.
Result<Uri> parse_sip_uri(Uri uri, std::string_view rest) {
  const bool has_escapes = rest.find('%') != std::string_view::npos;
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    const std::string_view userinfo = rest.substr(0, at);
    const std::size_t colon = userinfo.find(':');
    uri.has_user = true;
    uri.user = userinfo.substr(0, colon);
    if (colon != std::string_view::npos) uri.password = userinfo.substr(colon + 1);
    if (uri.user.empty()) return bad("empty user in URI");
    if (has_escapes && !escapes_are_whole(userinfo)) return bad("broken escape in URI");
    rest.remove_prefix(at + 1);
  }
  std::size_t host_end = 0;
  if (!rest.empty() && rest[0] == '[') {
    const std::size_t close = rest.find(']');
    if (close == std::string_view::npos) return bad("open bracket in URI");
    host_end = close + 1;
    if (!is_ipv6_reference(rest.substr(0, host_end))) return bad("bad host in URI");
  } else {
    host_end = lexer::skip(rest, 0, lexer::host);
    if (host_end == 0 || !is_host_name(rest.substr(0, host_end))) return bad("bad host in URI");
  }
  uri.host = rest.substr(0, host_end);
  rest.remove_prefix(host_end);
  if (!rest.empty() && rest[0] == ':') {
    const std::size_t port_end = lexer::skip(rest, 1, lexer::digit);
    uri.port = parse_port(rest.substr(1, port_end - 1));
    if (!uri.port) return bad("bad port in URI");
    rest.remove_prefix(port_end);
  }
  const std::size_t question = rest.find('?');
  const std::string_view params = rest.substr(0, question);
  if (!params.empty() && params[0] != ';') return bad("bad character behind the host in URI");
  if (!uri_params_are_whole(params)) return bad("empty parameter in URI");
  uri.params = Params{params};
  if (question != std::string_view::npos) uri.headers = rest.substr(question + 1);
  if (has_escapes && !escapes_are_whole(rest)) return bad("broken escape in URI");
  return uri;
}

// One character of a URI as it is compared (19.1.4): escapes of what need not be escaped count as the character.
// Reserved characters (25.1) and their escapes are different; 0x100 marks the escaped ones.
struct Unit {
  unsigned code;
  std::size_t size;
};
Unit unit_at(std::string_view text, std::size_t at) noexcept {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte != '%' || at + 2 >= text.size()) return {byte, 1};
  const int high = lexer::hex_digit(text[at + 1]);
  const int low = lexer::hex_digit(text[at + 2]);
  if (high < 0 || low < 0) return {byte, 1};
  const auto code = static_cast<unsigned>(high * 16 + low);
  constexpr std::string_view reserved = ";/?:@&=+$,";
  const bool is_reserved = reserved.find(static_cast<char>(code)) != std::string_view::npos;
  return {is_reserved ? code | 0x100u : code, 3};
}

enum class Case { exact, ignored };

bool equal_units(std::string_view a, std::string_view b, Case letter_case) noexcept {
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    Unit left = unit_at(a, i);
    Unit right = unit_at(b, j);
    if (letter_case == Case::ignored) {
      if (left.code < 0x80) left.code = static_cast<unsigned char>(ascii_lower(static_cast<char>(left.code)));
      if (right.code < 0x80) right.code = static_cast<unsigned char>(ascii_lower(static_cast<char>(right.code)));
    }
    if (left.code != right.code) return false;
    i += left.size;
    j += right.size;
  }
  return i == a.size() && j == b.size();
}

std::optional<Param> find_param(const Params& params, std::string_view name) noexcept {
  for (const Param& param : params)
    if (equal_units(param.name, name, Case::ignored)) return param;
  return std::nullopt;
}

// Parameters that change where or how a request goes: absent in one URI only makes the two different.
bool counts_when_absent(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 5> names = {"user", "ttl", "method", "maddr", "transport"};
  return std::ranges::any_of(names, [name](std::string_view n) { return equal_units(n, name, Case::ignored); });
}

bool params_match(const Params& a, const Params& b) noexcept {
  for (const Param& param : a) {
    const auto other = find_param(b, param.name);
    if (!other ? counts_when_absent(param.name) : !equal_units(param.value, other->value, Case::ignored)) return false;
  }
  return true;
}

std::vector<std::pair<std::string_view, std::string_view>> header_components(std::string_view text) {
  std::vector<std::pair<std::string_view, std::string_view>> components;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view one = text.substr(0, end);
    const std::size_t equals = std::min(one.find('='), one.size());
    components.emplace_back(one.substr(0, equals), equals < one.size() ? one.substr(equals + 1) : std::string_view{});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return components;
}

bool headers_match(std::string_view a, std::string_view b) {
  if (a.empty() && b.empty()) return true;
  auto left = header_components(a);
  auto right = header_components(b);
  if (left.size() != right.size() || left.size() > 64) return false;
  for (const auto& one : left) {
    const auto match = std::ranges::find_if(right, [&one](const auto& other) {
      return equal_units(one.first, other.first, Case::ignored) && equal_units(one.second, other.second, Case::ignored);
    });
    if (match == right.end()) return false;
    right.erase(match);
  }
  return true;
}

bool is_ipv4(std::string_view host) noexcept {
  int groups = 0;
  while (true) {
    const std::size_t dot = std::min(host.find('.'), host.size());
    if (dot > 3 || !base::parse_decimal<std::uint8_t>(host.substr(0, dot))) return false;
    ++groups;
    if (dot == host.size()) return groups == 4;
    host.remove_prefix(dot + 1);
  }
}

}  // namespace

bool Uri::is_invalid_host() const noexcept { return is_sip() && sip::is_invalid_host(host); }

Result<Uri> parse_uri(std::string_view text) {
  const std::size_t size = scheme_size(text);
  if (size == 0) return bad("URI without a scheme");
  if (!lexer::all(text, lexer::uri)) return bad("bad character in URI");
  Uri uri;
  uri.text = text;
  uri.scheme_text = text.substr(0, size);
  uri.scheme = scheme_of(uri.scheme_text);
  const std::string_view rest = text.substr(size + 1);
  switch (uri.scheme) {
    case Scheme::sip:
    case Scheme::sips:
      return parse_sip_uri(std::move(uri), rest);
    case Scheme::tel: {
      const std::size_t number_end = std::min(rest.find(';'), rest.size());
      if (number_end == 0) return bad("tel URI without a number");
      if (!uri_params_are_whole(rest.substr(number_end))) return bad("empty parameter in URI");
      uri.has_user = true;
      uri.user = rest.substr(0, number_end);
      uri.params = Params{rest.substr(number_end)};
      return uri;
    }
    case Scheme::other:
      break;
  }
  if (rest.empty()) return bad("URI without anything behind its scheme");
  uri.opaque = rest;
  return uri;
}

bool equivalent(const Uri& a, const Uri& b) {
  if (a.text == b.text) return true;  // also where a parameter stands twice, against 19.1.1, with two values
  if (a.scheme != b.scheme) return false;
  if (a.scheme == Scheme::other) return equals_nocase(a.scheme_text, b.scheme_text) && a.opaque == b.opaque;
  return a.has_user == b.has_user && a.port == b.port && equal_units(a.user, b.user, Case::exact) &&
         equal_units(a.password, b.password, Case::exact) && equals_nocase(a.host, b.host) &&
         params_match(a.params, b.params) && params_match(b.params, a.params) && headers_match(a.headers, b.headers);
}

void append_canonical_aor(std::string& out, const Uri& uri) {
  if (uri.scheme == Scheme::other) {
    out.append(uri.text);
    return;
  }
  if (uri.has_user) {
    if (uri.user.find('%') == std::string_view::npos)
      out.append(uri.user);
    else
      out.append(unescape(uri.user));
    if (uri.scheme == Scheme::tel) return;
    out.push_back('@');
  }
  std::string_view host = uri.host;
  if (host.size() > 1 && host.back() == '.') host.remove_suffix(1);
  for (const char c : host) out.push_back(ascii_lower(c));
}

std::string canonical_aor(const Uri& uri) {
  std::string aor;
  aor.reserve(uri.user.size() + uri.host.size() + 1);
  append_canonical_aor(aor, uri);
  return aor;
}

std::string unescape(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = lexer::hex_digit(text[i + 1]);
      const int low = lexer::hex_digit(text[i + 2]);
      if (high >= 0 && low >= 0) {
        plain.push_back(static_cast<char>(high * 16 + low));
        i += 2;
        continue;
      }
    }
    plain.push_back(text[i]);
  }
  return plain;
}

std::string escape_user(std::string_view text) {
  constexpr std::string_view allowed = "-_.!~*'()&=+$,;?/";  // unreserved and user-unreserved (25.1)
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    if (lexer::is(c, lexer::alpha | lexer::digit) || allowed.find(c) != std::string_view::npos) {
      escaped.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    escaped.push_back('%');
    escaped.push_back(digits[byte >> 4]);
    escaped.push_back(digits[byte & 15]);
  }
  return escaped;
}

bool equal_unescaped(std::string_view a, std::string_view b) noexcept {
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    const Unit left = unit_at(a, i);
    const Unit right = unit_at(b, j);
    if ((left.code & 0xffu) != (right.code & 0xffu)) return false;
    i += left.size;
    j += right.size;
  }
  return i == a.size() && j == b.size();
}

bool is_invalid_host(std::string_view host) noexcept {
  constexpr std::string_view suffix = ".invalid";
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  if (equals_nocase(host, suffix.substr(1))) return true;
  return host.size() > suffix.size() && equals_nocase(host.substr(host.size() - suffix.size()), suffix);
}

bool is_host(std::string_view host) noexcept {
  if (host.empty() || host.size() > 255) return false;
  if (host[0] == '[') return is_ipv6_reference(host);
  return lexer::all(host, lexer::host) && is_host_name(host);
}

bool is_ip_literal(std::string_view host) noexcept { return is_ipv4(host) || is_ipv6_reference(host); }

TransportProtocol transport_of(std::string_view text) noexcept {
  constexpr std::array all = {TransportProtocol::ws,  TransportProtocol::wss, TransportProtocol::udp,
                              TransportProtocol::tcp, TransportProtocol::tls, TransportProtocol::sctp};
  for (const TransportProtocol protocol : all)
    if (equals_nocase(via_name(protocol), text)) return protocol;
  return TransportProtocol::none;
}

}  // namespace sipwsd::sip
