#include "src/sip/header_list.h"

#include "src/base/text.h"
#include "src/sip/lexer.h"

namespace sipwsd::sip {

std::size_t first_value_size(std::string_view field_value) noexcept {
  for (std::size_t at = 0; at < field_value.size(); ++at) {
    const char c = field_value[at];
    if (!lexer::is(c, lexer::list_mark)) continue;
    if (c == ',') return at;
    if (c == '"') {
      at = lexer::skip_quoted(field_value, at);
      if (at == std::string_view::npos) return field_value.size();
      --at;
    } else {
      at = field_value.find('>', at);
      if (at == std::string_view::npos) return field_value.size();
    }
  }
  return field_value.size();
}

ListValues::iterator::iterator(const MessageView* message, HeaderId id) : message_(message), id_(id) {
  if (const auto first = message->first(id)) {
    current_.header = first->index;
    rest_ = first->value;
    more_in_line_ = true;
    done_ = false;
    advance();
  }
}

ListValues::iterator::iterator(std::string_view field_value)
    : rest_(field_value), more_in_line_(!field_value.empty()), done_(field_value.empty()) {
  if (!done_) advance();
}

void ListValues::iterator::advance() noexcept {
  if (!more_in_line_) {
    std::size_t next = message_ != nullptr ? current_.header + 1 : 0;
    while (message_ != nullptr && next < message_->header_count() && message_->header_id_at(next) != id_) ++next;
    if (message_ == nullptr || next == message_->header_count()) {
      done_ = true;
      return;
    }
    current_.header = next;
    rest_ = message_->header(next).value;
  }
  const std::size_t size = first_value_size(rest_);
  current_.text = base::trim(rest_.substr(0, size));
  more_in_line_ = size < rest_.size();
  rest_.remove_prefix(more_in_line_ ? size + 1 : size);
}

}  // namespace sipwsd::sip
