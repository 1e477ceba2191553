#include "src/mi/fifo_request.h"

#include <algorithm>
#include <utility>

#include "src/base/text.h"

namespace sipwsd::mi {
namespace {

bool is_of_a_reply_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool is_blank(std::string_view text) { return base::trim(text).empty(); }

}  // namespace

// A line without its LF. One that is too long comes as empty text with line_too_long_ set, and its rest is skipped.
std::optional<std::string> FifoReader::take_line() {
  const auto end = buffer_.find('\n');
  if (end == std::string::npos) {
    if (buffer_.size() >= max_line) {
      line_too_long_ = true;
      buffer_.clear();
    }
    return std::nullopt;
  }
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  if (line.size() >= max_line) line_too_long_ = true;
  return line;
}

std::optional<std::variant<FifoRequest, FifoRefusal>> FifoReader::next() {
  for (;;) {
    const auto line = take_line();
    if (!line) return std::nullopt;
    const bool too_long = line_too_long_;
    line_too_long_ = false;
    const bool is_end = !too_long && (line->empty() || *line == "\r");
    switch (state_) {
      case State::first_line: {
        if (!too_long && is_blank(*line)) continue;
        current_ = {};
        argument_bytes_ = 0;
        const std::string error = too_long ? "request line too long" : first_line(*line);
        state_ = error.empty() ? State::arguments : State::dropping;
        if (!error.empty()) return FifoRefusal{error};
        continue;
      }
      case State::dropping:
        if (is_end) state_ = State::first_line;
        continue;
      case State::arguments:
      case State::quoted:
        if (is_end) {
          if (state_ == State::quoted) current_.arguments_are_bad = true;  // the quote never ended
          state_ = State::first_line;
          return std::exchange(current_, {});
        }
        argument_bytes_ += line->size() + 1;
        if (too_long || argument_bytes_ > max_arguments) current_.arguments_are_bad = true;
        if (current_.arguments_are_bad) continue;
        if (state_ == State::quoted) quoted_line(*line);
        else if (!is_blank(*line)) argument_line(*line);
        continue;
    }
  }
}

std::string FifoReader::first_line(std::string_view line) {
  while (!line.empty() && base::is_lws(line.back())) line.remove_suffix(1);
  if (line.size() < 3) return "command too short";
  if (line.front() != ':') return "command must begin with ':'";
  const auto second = line.find(':', 1);
  if (second == std::string_view::npos) return "second ':' is missing";
  if (second == 1) return "empty command";
  const auto reply = line.substr(second + 1);
  // No dot, no slash, and nothing that a shell or a terminal would take for more than a name (S54).
  if (!std::all_of(reply.begin(), reply.end(), is_of_a_reply_name)) return "forbidden reply name";
  if (reply_dir_size_ + reply.size() > max_reply_path) return "reply name too long";
  current_.request.command = std::string(line.substr(1, second - 1));
  current_.reply_name = std::string(reply);
  return {};
}

void FifoReader::argument_line(std::string_view whole) {
  const auto line = base::trim(whole);
  Argument argument;
  const auto quote = line.find('"');
  const auto separator = line.find("::");
  std::string_view value = line;
  bool named = false;
  if (separator != std::string_view::npos && (quote == std::string_view::npos || separator < quote)) {
    named = true;
    argument.name = std::string(base::trim(line.substr(0, separator)));
    value = base::trim(line.substr(separator + 2));
  }
  if (!value.empty() && value.front() == '"') {
    quoted_name_ = argument.name;
    quoted_value_.clear();
    state_ = State::quoted;
    return quoted_line(whole.substr(quote + 1 + static_cast<std::size_t>(line.data() - whole.data())));  // with its blanks
  }
  if (quote != std::string_view::npos || (value.empty() && (!named || argument.name.empty()))) {
    current_.arguments_are_bad = true;
    return;
  }
  argument.value = std::string(value);
  current_.request.arguments.push_back(std::move(argument));
}

// What stands behind an opening quote, or a further line of it.
void FifoReader::quoted_line(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\' && i + 1 < line.size() && line[i + 1] == '"') {
      quoted_value_ += '"';
      ++i;
    } else if (line[i] == '"') {
      state_ = State::arguments;
      if (!is_blank(line.substr(i + 1)) || (quoted_value_.empty() && quoted_name_.empty())) {
        current_.arguments_are_bad = true;
        return;
      }
      current_.request.arguments.push_back({quoted_name_, quoted_value_});
      return;
    } else {
      quoted_value_ += line[i];
    }
  }
  quoted_value_ += '\n';
}

}  // namespace sipwsd::mi
