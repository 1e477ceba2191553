#include "src/sip/stream_framer.h"

#include <algorithm>

#include "src/base/text.h"
#include "src/sip/header_table.h"
#include "src/sip/lexer.h"

namespace sipwsd::sip {
namespace {

constexpr std::string_view bad_line_end = "Bad Line End";

std::string_view take_front(MutableBytes& wire, std::size_t size) {
  const auto front = as_text(ByteView{wire.first(size)});
  wire = wire.subspan(size);
  return front;
}

// The header line at `at` with its folds (7.3.1); every line ends in CRLF, that has been seen to.
std::string_view unfolded_line(std::string_view head, std::size_t at) noexcept {
  auto end = at;
  do end = head.find('\n', end) + 1;
  while (end < head.size() && (head[end] == ' ' || head[end] == '\t'));
  return head.substr(at, end - at);
}

struct BodySize {
  std::optional<std::uint64_t> size;
  std::string_view problem;  // when there is none
};

// As the message parser reads Content-Length: what the two make of the same bytes must be the same.
BodySize body_size(std::string_view head) noexcept {
  BodySize found{.size = {}, .problem = "Missing Content-Length"};
  for (std::size_t at = head.find('\n') + 1; at < head.size();) {
    const auto line = unfolded_line(head, at);
    at += line.size();
    if (const char first = ascii_lower(line.front()); first != 'c' && first != 'l') continue;  // nearly every line
    const auto name = line.substr(0, lexer::skip(line, 0, lexer::token));
    if (header_id(name) != HeaderId::content_length) continue;
    const auto colon = line.find_first_not_of(" \t", name.size());
    if (line[colon] != ':') continue;
    if (found.problem.empty()) return {.size = {}, .problem = "Content-Length Given Twice"};
    found = {.size = base::parse_decimal<std::uint64_t>(base::trim(line.substr(colon + 1))), .problem = {}};
    if (!found.size) return {.size = {}, .problem = "Bad Content-Length"};
  }
  return found;
}

}  // namespace

std::optional<StreamEvent> StreamFramer::next(MutableBytes& wire, const StreamLimits& limits) {
  release_shown();
  if (has_ended_) {
    wire = {};
    return std::nullopt;
  }
  if (!held_.empty()) return take_behind_held(wire, limits);
  if (wire.empty()) return std::nullopt;
  if (has_cr_ || wire.front() == std::byte{'\r'}) return take_line_end(wire);
  has_line_end_ = false;
  return take_from_wire(wire, limits);
}

// Between messages: one CRLF, or its first half.
std::optional<StreamEvent> StreamFramer::take_line_end(MutableBytes& wire) {
  if (!has_cr_) {
    static_cast<void>(take_front(wire, 1));
    has_cr_ = true;
    if (wire.empty()) return std::nullopt;
  }
  if (take_front(wire, 1) != "\n") return fail(400, bad_line_end);
  has_cr_ = false;
  has_line_end_ = !has_line_end_;
  if (has_line_end_) return StreamPong{};
  return StreamPing{};
}

std::optional<StreamEvent> StreamFramer::take_from_wire(MutableBytes& wire, const StreamLimits& limits) {
  const auto text = as_text(ByteView{wire});
  for (std::size_t end = text.find('\n'); total_ == 0 && end != text.npos; end = text.find('\n', end + 1))
    if (auto failed = check_line(text, end + 1, limits)) return failed;
  if (total_ == 0 && text.size() > limits.max_header_bytes) return fail(513, "Headers Too Large");
  if (total_ == 0 || text.size() < total_) {
    held_ = take_front(wire, wire.size());
    return std::nullopt;
  }
  const StreamMessage message{take_front(wire, total_)};
  line_start_ = total_ = 0;
  return message;
}

// Not a byte more than the message has: the next one may lie whole in `wire`.
std::optional<StreamEvent> StreamFramer::take_behind_held(MutableBytes& wire, const StreamLimits& limits) {
  while (total_ == 0) {
    const auto line_feed = as_text(ByteView{wire}).find('\n');
    const bool ends = line_feed != std::string_view::npos;
    held_ += take_front(wire, ends ? line_feed + 1 : wire.size());
    if (ends) {
      if (auto failed = check_line(held_, held_.size(), limits)) return failed;
    } else {
      if (held_.size() > limits.max_header_bytes) return fail(513, "Headers Too Large");
      return std::nullopt;
    }
  }
  held_ += take_front(wire, std::min<std::size_t>(total_ - held_.size(), wire.size()));
  if (held_.size() < total_) return std::nullopt;
  is_shown_ = true;
  return StreamMessage{held_};
}

// The line that began at line_start_ ends before `end`. The empty one ends the headers.
std::optional<StreamEvent> StreamFramer::check_line(std::string_view text, std::size_t end, const StreamLimits& limits) {
  if (end > limits.max_header_bytes) return fail(513, "Headers Too Large");
  const auto line = text.substr(line_start_, end - line_start_);
  if (!line.ends_with("\r\n")) return fail(400, bad_line_end);
  line_start_ = static_cast<std::uint32_t>(end);
  if (line.size() > 2) return std::nullopt;
  return read_head(text.substr(0, end), limits);
}

std::optional<StreamEvent> StreamFramer::read_head(std::string_view head, const StreamLimits& limits) {
  const auto body = body_size(head);
  if (!body.size) return fail(400, body.problem, head);
  if (head.size() > limits.max_message_size || *body.size > limits.max_message_size - head.size())
    return fail(513, "Message Too Large", head);
  total_ = static_cast<std::uint32_t>(head.size() + *body.size);
  return std::nullopt;
}

StreamEvent StreamFramer::fail(std::uint16_t status, std::string_view reason, std::string_view head) {
  has_ended_ = true;
  is_shown_ = true;
  return StreamFailed{status, reason, head};
}

// What the last event showed is not needed any more.
void StreamFramer::release_shown() noexcept {
  if (!is_shown_) return;
  is_shown_ = false;
  line_start_ = total_ = 0;
  held_ = std::string{};
}

}  // namespace sipwsd::sip
