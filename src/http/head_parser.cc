#include "src/http/head_parser.h"

#include "sipwsd/bytes.h"
#include "src/http/authority.h"
#include "src/http/characters.h"

#include <algorithm>
#include <array>

namespace sipwsd::http {
namespace {

Error malformed(const char* why) { return {Errc::malformed, why}; }
Error too_large(const char* why) { return {Errc::too_large, why}; }

// Two of these in one request are two answers to one question (RFC 9112 3.2, RFC 6455 11.3; S01).
constexpr std::array<std::string_view, 4> never_twice{"Host", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Origin"};
// What announces a body. None of our requests has one, and a head that says so wants to be read in two ways.
constexpr std::array<std::string_view, 2> never{"Content-Length", "Transfer-Encoding"};

std::string_view take_line(std::string_view& rest) {
  const auto end = rest.find("\r\n");
  const auto line = rest.substr(0, end);
  rest.remove_prefix(end + 2);
  return line;
}

// RFC 9112 2.3. The digit after "HTTP/" decides whether we speak the language at all.
Result<Version> parse_version(std::string_view text) {
  if (text.size() != 8 || !text.starts_with("HTTP/") || !is_digit(text[5]) || text[6] != '.' || !is_digit(text[7]))
    return malformed("the HTTP version is malformed");
  const Version version{static_cast<std::uint8_t>(text[5] - '0'), static_cast<std::uint8_t>(text[7] - '0')};
  if (version.major_number != 1) return Error{Errc::unsupported, "only HTTP/1.x is spoken here"};
  return version;
}

void split_path(std::string_view path_and_query, RequestHead& head) {
  const auto question = path_and_query.find('?');
  head.path = path_and_query.substr(0, question);
  if (question != std::string_view::npos) head.query = path_and_query.substr(question + 1);
}

// RFC 9112 3.2: origin form, absolute form, asterisk form. The authority form is CONNECT's alone.
Result<void> parse_target(std::string_view target, RequestHead& head) {
  head.target = target;
  const bool plain = std::all_of(target.begin(), target.end(), [](char c) { return is_visible(c) && c != '#'; });
  if (target.empty() || !plain) return malformed("the request target is malformed");
  if (target == "*" && head.method == "OPTIONS") {
    head.path = target;
    return {};
  }
  if (target.front() == '/') {
    split_path(target, head);
    return {};
  }
  for (const std::string_view scheme : {"http://", "https://", "ws://", "wss://"}) {
    if (!starts_with_nocase(target, scheme)) continue;
    target.remove_prefix(scheme.size());
    const auto end = std::min(target.find_first_of("/?"), target.size());
    head.authority = target.substr(0, end);
    if (!parse_authority(head.authority)) return malformed("the request target has no valid host");
    split_path(target.substr(end), head);
    if (head.path.empty()) head.path = "/";
    return {};
  }
  return malformed("the request target is neither a path nor an http URI");
}

Result<void> parse_request_line(std::string_view line, RequestHead& head) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return malformed("the request line has no three words");
  head.method = line.substr(0, first);
  if (!is_token(head.method)) return malformed("the method is no token");
  auto version = parse_version(line.substr(last + 1));  // before the target, so that HTTP/2's preface gets its 505
  if (!version) return version.error();
  head.version = *version;
  return parse_target(line.substr(first + 1, last - first - 1), head);
}

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

Result<void> parse_header(std::string_view line, HeaderList& headers) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return malformed("a header line has no colon");
  const Header header{line.substr(0, colon), trim_blanks(line.substr(colon + 1))};
  if (!is_token(header.name)) return malformed("a header name is no token");
  const auto is_name = [&](std::string_view name) { return equals_nocase(header.name, name); };
  if (std::any_of(never.begin(), never.end(), is_name)) return malformed("a request with a body is not taken");
  if (std::any_of(never_twice.begin(), never_twice.end(), is_name) && headers.contains(header.name))
    return malformed("a header is there twice that may be there once");
  headers.add(header);
  return {};
}

// RFC 9112 3.2: HTTP/1.1 asks for exactly one valid Host; the host of an absolute target is the one that counts.
Result<void> settle_authority(RequestHead& head) {
  const auto host = head.headers.find("Host");
  if (!host) {
    if (head.version < Version{1, 1}) return {};
    return malformed("there is no Host");
  }
  if (!parse_authority(*host)) return malformed("the Host is malformed");
  if (head.authority.empty()) head.authority = *host;
  return {};
}

}  // namespace

Result<std::size_t> HeadScanner::scan(std::string_view in, const Limits& limits) {
  const std::size_t end = std::min(in.size(), limits.max_head);
  for (std::size_t i = scanned_; i < end; ++i) {
    const char c = in[i];
    const std::size_t in_line = i - line_start_;
    const bool after_cr = in_line > 0 && in[i - 1] == '\r';
    if (c == '\n') {
      if (!after_cr) return malformed("a line ends without CR");
      if (in_line == 1 && lines_ > 0) return i + 1;
      // RFC 9112 2.2: one empty line before the request is let pass.
      if (in_line == 1 && i != 1) return malformed("empty lines before the request");
      if (in_line > 1) ++lines_;
      line_start_ = static_cast<std::uint32_t>(i + 1);
      continue;
    }
    if (after_cr) return malformed("a CR stands alone");
    if (c == '\r') continue;
    if (in_line == 0 && (c == ' ' || c == '\t')) return malformed("a line begins with white space");
    if (is_control(c) && c != '\t') return malformed("a control character");
    if (in_line >= limits.max_line) return too_large("a line is too long");
    if (lines_ > limits.max_headers) return too_large("too many headers");
  }
  scanned_ = static_cast<std::uint32_t>(end);
  if (end == limits.max_head) return too_large("the request head is too long");
  return Errc::incomplete;
}

Result<RequestHead> parse_head(std::string_view in, HeadScanner& scanner, const Limits& limits) {
  auto length = scanner.scan(in, limits);
  if (!length) return length.error();

  RequestHead head;
  head.length = *length;
  auto rest = in.substr(0, *length);
  if (rest.starts_with("\r\n")) rest.remove_prefix(2);
  if (auto line = parse_request_line(take_line(rest), head); !line) return line.error();
  for (auto line = take_line(rest); !line.empty(); line = take_line(rest))
    if (auto header = parse_header(line, head.headers); !header) return header.error();
  if (auto authority = settle_authority(head); !authority) return authority.error();
  return head;
}

Result<RequestHead> parse_head(std::string_view in, const Limits& limits) {
  HeadScanner scanner;
  return parse_head(in, scanner, limits);
}

Status status_of(const Error& error) noexcept {
  if (error.code == Errc::too_large) return Status::header_fields_too_large;
  if (error.code == Errc::unsupported) return Status::version_not_supported;
  return Status::bad_request;
}

}  // namespace sipwsd::http
