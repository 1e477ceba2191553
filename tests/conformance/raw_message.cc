#include "tests/conformance/raw_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <utility>

namespace sipwsd::test::conformance {
namespace {

std::string trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const auto begin = text.find_first_not_of(space);
  return begin == text.npos ? "" : std::string(text.substr(begin, text.find_last_not_of(space) + 1 - begin));
}

std::string long_name(std::string_view written) {
  static const std::map<std::string, std::string> compact{{"c", "content-type"}, {"f", "from"},      {"i", "call-id"}, {"k", "supported"},
                                                          {"l", "content-length"}, {"m", "contact"}, {"s", "subject"}, {"t", "to"},
                                                          {"v", "via"}};
  std::string name = trimmed(written);
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto found = compact.find(name);
  return found == compact.end() ? name : found->second;
}

long number(std::string_view text) {
  long out = -1;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

// Lines end in CRLF, no CR or LF stands elsewhere, and no NUL but a quoted one.
bool lines_are_clean(std::string_view head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    if (head[i] == '\r' && (i + 1 == head.size() || head[i + 1] != '\n')) return false;
    if (head[i] == '\n' && (i == 0 || head[i - 1] != '\r')) return false;
    if (head[i] == '\0' && (i == 0 || head[i - 1] != '\\')) return false;
  }
  return true;
}

}  // namespace

RawMessage::RawMessage(std::string_view bytes) {
  const auto end = bytes.find("\r\n\r\n");
  std::string_view head = bytes.substr(0, end == bytes.npos ? end : end + 2);
  if (end != bytes.npos) body = bytes.substr(end + 4);
  const auto take_line = [&head] {
    auto size = std::min(head.find("\r\n"), head.size());
    size = std::min(size + 2, head.size());
    const auto line = head.substr(0, size);
    head.remove_prefix(size);
    return line;
  };
  start_line = trimmed(take_line());
  while (!head.empty()) {
    std::string text{take_line()};
    while (!head.empty() && (head.front() == ' ' || head.front() == '\t')) text += take_line();
    const auto colon = text.find(':');
    headers.push_back({long_name(text.substr(0, colon)), text, colon == text.npos ? "" : trimmed(text.substr(colon + 1))});
  }
}

std::vector<std::string> RawMessage::values(std::string_view name) const {
  std::vector<std::string> out;
  for (const auto& header : headers)
    if (header.name == name) out.push_back(header.value);
  return out;
}

std::string RawMessage::value(std::string_view name) const {
  const auto all = values(name);
  return all.empty() ? "" : all.front();
}

int RawMessage::status() const { return start_line.starts_with("SIP/2.0 ") ? static_cast<int>(number(start_line.substr(8))) : 0; }

std::size_t whole_message(std::string_view bytes) {
  const auto end = bytes.find("\r\n\r\n");
  if (end == bytes.npos) return 0;
  const auto length = number(RawMessage(bytes.substr(0, end + 4)).value("content-length"));
  const auto size = end + 4 + static_cast<std::size_t>(std::max(length, 0L));
  return size <= bytes.size() ? size : 0;
}

std::string flaw_of_reply(std::string_view request, std::string_view reply) {
  const RawMessage asked(request), came(reply);
  if (!lines_are_clean(reply.substr(0, reply.find("\r\n\r\n")))) return "a CR, LF or NUL that ends no line";
  if (came.status() < 100 || came.status() > 699) return "no status line";
  if (came.value("content-length") != std::to_string(came.body.size())) return "a wrong Content-Length";
  if (came.values("via").empty()) return "no Via";
  // Of several messages in one frame, only the first is looked at.
  const auto call_id = came.value("call-id");
  const bool is_to_another = call_id != asked.value("call-id") && request.find(call_id) != request.npos && !call_id.empty();
  for (const auto& name : {"from", "to", "call-id", "cseq"}) {
    if (is_to_another) break;
    if (came.values(name).size() > 1) return fmt::format("{} more than once", name);
    if (asked.values(name).size() != 1) continue;
    if (came.value(name).substr(0, asked.value(name).size()) != asked.value(name)) return fmt::format("another {}", name);
  }
  if (came.status() != 100 && !came.value("to").empty() && came.value("to").find("tag") == std::string::npos) return "no To tag";
  for (const auto& header : came.headers)
    if (header.name.empty() || header.name.find_first_of(" \t\"(),/:;<=>?@[\\]{}") != std::string::npos) return "a bad header name";
  return {};
}

std::string flaw_of_copy(std::string_view request, std::string_view copy) {
  const RawMessage sent(request.substr(request.find_first_not_of("\r\n"))), came(copy);
  const auto method = sent.start_line.substr(0, sent.start_line.find(' '));
  if (!came.start_line.starts_with(method + " ") || !came.start_line.ends_with(" SIP/2.0")) return "another start line: " + came.start_line;
  const auto length = sent.value("content-length").empty() ? sent.body.size() : static_cast<std::size_t>(number(sent.value("content-length")));
  if (came.body != sent.body.substr(0, length)) return "another body";
  if (number(came.value("content-length")) != static_cast<long>(came.body.size())) return "a wrong Content-Length";
  if (came.values("via").size() != sent.values("via").size() + 1) return "not one Via more";
  const auto hops = sent.value("max-forwards").empty() ? 71 : number(sent.value("max-forwards"));
  const auto left = number(came.value("max-forwards"));
  if (left >= hops || (hops <= 70 && left != hops - 1)) return "Max-Forwards went from " + std::to_string(hops) + " to " + std::to_string(left);
  // The rest stands there as it stood, in its order.
  auto at = came.headers.begin();
  bool topmost = true;
  for (const auto& header : sent.headers) {
    if (header.name == "via" && std::exchange(topmost, false)) continue;
    if (header.name == "route" || header.name == "max-forwards") continue;
    at = std::find_if(at, came.headers.end(), [&](const RawHeader& other) { return other.text == header.text; });
    if (at == came.headers.end()) return "missing or changed: " + header.text;
    ++at;
  }
  return {};
}

std::string flaw_of_passed_reply(std::string_view said, std::string_view came) {
  RawMessage there(said), here(came);
  if (there.body != here.body) return "another body";
  if (there.value("content-length").empty()) std::erase_if(here.headers, [](const RawHeader& h) { return h.name == "content-length"; });
  const auto topmost = std::find_if(there.headers.begin(), there.headers.end(), [](const RawHeader& h) { return h.name == "via"; });
  if (topmost == there.headers.end()) return "no Via to take away";
  there.headers.erase(topmost);
  const auto same = [](const RawHeader& a, const RawHeader& b) { return a.text == b.text; };
  return std::equal(there.headers.begin(), there.headers.end(), here.headers.begin(), here.headers.end(), same) ? "" : "other headers";
}

std::string callee_answer(std::string_view request, std::string_view status_line, std::string_view more, std::string_view body) {
  std::string out = std::string(status_line) + "\r\n";
  for (const auto& header : RawMessage(request).headers) {
    if (header.name == "to" && header.value.find("tag") == std::string::npos)
      out += "To: " + header.value + ";tag=callee\r\n";
    else if (header.name == "via" || header.name == "from" || header.name == "to" || header.name == "call-id" || header.name == "cseq")
      out += header.text;
  }
  return out + "Contact: <sip:callee@callee.invalid;transport=ws>\r\n" + std::string(more) + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}

}  // namespace sipwsd::test::conformance
