#include "tests/bench/sip_message.h"

#include <algorithm>
#include <vector>

#include "src/base/text.h"

namespace sipwsd::bench {
namespace {

std::string_view take_line(std::string_view& bytes) {
  const auto end = bytes.find("\r\n");
  const auto line = bytes.substr(0, end);
  bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 2);
  return line;
}

std::string_view take_word(std::string_view& line) {
  const auto end = line.find(' ');
  const auto word = line.substr(0, end);
  line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  return word;
}

bool same_name(std::string_view a, std::string_view lower) {
  return std::equal(a.begin(), a.end(), lower.begin(), lower.end(), [](char x, char y) { return (x | 0x20) == y; });
}

bool named(std::string_view name, std::string_view lower, char compact) {
  return same_name(name, lower) || (name.size() == 1 && (name[0] | 0x20) == compact);
}

bool read_start_line(std::string_view line, SipMessage& message) {
  const auto first = take_word(line);
  if (first == "SIP/2.0") {
    const auto code = base::parse_decimal<std::uint16_t>(take_word(line));
    message.status = code.value_or(0);
    return message.status >= 100 && message.status < 700;
  }
  message.method = first;
  message.request_uri = take_word(line);
  return line == "SIP/2.0";
}

}  // namespace

std::optional<SipMessage> parse_sip(std::string_view bytes) {
  SipMessage message;
  message.bytes = bytes;
  if (!read_start_line(take_line(bytes), message)) return std::nullopt;
  std::optional<std::size_t> length;
  bool ended = false;
  while (!bytes.empty()) {
    const auto line = take_line(bytes);
    if (line.empty()) {
      ended = true;
      break;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto name = base::trim(line.substr(0, colon));
    const auto value = base::trim(line.substr(colon + 1));
    if (named(name, "via", 'v')) {
      if (message.via_count == message.via.size()) return std::nullopt;
      message.via[message.via_count++] = value;
    } else if (named(name, "from", 'f')) {
      message.from = value;
    } else if (named(name, "to", 't')) {
      message.to = value;
    } else if (named(name, "call-id", 'i')) {
      message.call_id = value;
    } else if (same_name(name, "cseq")) {
      message.cseq = value;
    } else if (named(name, "contact", 'm')) {
      if (message.contact.empty()) message.contact = value;
    } else if (same_name(name, "www-authenticate")) {
      if (message.challenge.empty()) message.challenge = value;
    } else if (same_name(name, "retry-after")) {
      message.retry_after = value;
    } else if (same_name(name, "record-route")) {
      if (!message.record_route.empty()) message.record_route += ", ";
      message.record_route += value;
    } else if (named(name, "content-length", 'l')) {
      length = base::parse_decimal<std::size_t>(value);
      if (!length) return std::nullopt;
    }
  }
  message.body = bytes;
  if (!ended || message.via_count == 0 || message.from.empty() || message.to.empty() || message.call_id.empty() ||
      message.cseq.empty() || length.value_or(bytes.size()) != bytes.size())
    return std::nullopt;
  const auto method = message.cseq.substr(message.cseq.rfind(' ') + 1);
  if (message.is_request() && message.method != method) return std::nullopt;
  message.method = method;
  return message;
}

std::string_view tag_of(std::string_view from_or_to) {
  const auto close = from_or_to.rfind('>');
  const auto params = close == std::string_view::npos ? from_or_to : from_or_to.substr(close);
  const auto at = params.find(";tag=");
  if (at == std::string_view::npos) return {};
  const auto tag = params.substr(at + 5);
  return tag.substr(0, tag.find(';'));
}

std::string_view uri_of(std::string_view name_addr) {
  const auto open = name_addr.find('<');
  if (open == std::string_view::npos) return name_addr.substr(0, name_addr.find(';'));
  return name_addr.substr(open + 1, name_addr.find('>', open) - open - 1);
}

std::string reversed_list(std::string_view values) {
  std::vector<std::string_view> parts;
  std::size_t start = 0;
  bool quoted = false;
  int angle = 0;
  for (std::size_t i = 0; i <= values.size(); ++i) {
    const bool end = i == values.size();
    if (!end && values[i] == '"') quoted = !quoted;
    if (!end && !quoted) angle += values[i] == '<' ? 1 : values[i] == '>' ? -1 : 0;
    if (!end && (quoted || angle > 0 || values[i] != ',')) continue;
    parts.push_back(base::trim(values.substr(start, i - start)));
    start = i + 1;
  }
  std::string out;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (!out.empty()) out += ", ";
    out += *part;
  }
  return out;
}

}  // namespace sipwsd::bench
