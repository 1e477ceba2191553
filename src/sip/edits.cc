#include "src/sip/edits.h"

#include <algorithm>
#include <cstring>

#include "sipwsd/bytes.h"
#include "src/base/assert.h"
#include "src/base/text.h"
#include "src/sip/header_list.h"
#include "src/sip/lexer.h"
#include "src/sip/via.h"

namespace sipwsd::sip {
namespace {

Error line_breaker() { return {Errc::malformed, "line break or NUL in a header"}; }

constexpr std::string_view crlf = "\r\n";

// A decimal number as text, on the stack.
class Decimal {
 public:
  explicit Decimal(std::uint64_t value) : size_(base::write_decimal(digits_.data(), value)) {}
  operator std::string_view() const noexcept { return {digits_.data(), size_}; }

 private:
  std::array<char, 20> digits_;
  std::size_t size_;
};

}  // namespace

Result<void> Edits::set_request_uri(std::string_view uri) {
  if (uri.empty() || !lexer::all(uri, lexer::uri)) return Error{Errc::malformed, "not a Request-URI"};
  // Read in any case, written in capitals (7.1).
  constexpr std::string_view version = "SIP/2.0";
  if (message_->version() != version)
    if (auto done = replace(message_->version(), version); !done) return done;
  return replace(message_->request_uri(), uri);
}
Result<void> Edits::set_start_line(std::string_view line) { return replace(message_->start_line(), line); }

Result<void> Edits::insert_line(std::size_t offset, std::string_view line, Place place) {
  if (!lexer::is_header_line(line)) return Error{Errc::malformed, "not a header line"};
  add(Kind::insert, offset, 0, {line, crlf}, place == Place::before_others ? -++next_order_ : ++next_order_);
  return {};
}

Result<void> Edits::prepend(std::string_view line) {
  const std::size_t offset =
      message_->header_count() > 0 ? offset_of(message_->header(0).line) : message_->headers_end();
  return insert_line(offset, line, Place::before_others);
}

Result<void> Edits::insert_before(HeaderId id, std::string_view line) {
  const auto first = message_->first(id);
  if (!first) return prepend(line);
  return insert_line(offset_of(first->line), line, Place::before_others);
}

Result<void> Edits::insert_after(HeaderId id, std::string_view line) {
  std::optional<Header> last;
  for (const Header& header : message_->all(id)) last = header;
  if (!last) return append(line);
  return insert_line(offset_of(last->line) + last->line.size(), line, Place::behind_others);
}

Result<void> Edits::append(std::string_view line) {
  return insert_line(message_->headers_end(), line, Place::behind_others);
}

void Edits::remove(const Header& header) { add(Kind::replace, offset_of(header.line), header.line.size(), {}, 0); }

void Edits::remove_all(HeaderId id) {
  for (const Header& header : message_->all(id)) remove(header);
}

void Edits::remove_all(std::string_view name) {
  for (const Header& header : message_->all(name)) remove(header);
}

Result<void> Edits::replace_value(const Header& header, std::string_view value) { return replace(header.value, value); }

Result<void> Edits::set_value(HeaderId id, std::string_view value) {
  if (const auto header = message_->first(id)) return replace_value(*header, value);
  if (lexer::has_line_breaker(value)) return line_breaker();
  // A second call means the first one's line.
  Edit* const before = find_inserted(message_->headers_end(), id);
  if (before != nullptr) {
    before->text = store({name(id), ": ", value, crlf});
    before->text_size = static_cast<std::uint32_t>(text_size_ - before->text);
  } else {
    add(Kind::insert, message_->headers_end(), 0, {name(id), ": ", value, crlf}, ++next_order_);
  }
  return {};
}

void Edits::remove_first_values(HeaderId id, std::size_t count) {
  for (const Header& header : message_->all(id)) {
    if (count == 0) return;
    // Counted as ListValues counts: an empty line is a value, and so is what follows a last comma.
    std::string_view rest = header.value;
    bool has_more = true;
    for (; count > 0 && has_more; --count) {
      const std::size_t size = first_value_size(rest);
      has_more = size < rest.size();
      rest.remove_prefix(has_more ? size + 1 : size);
    }
    rest = base::trim(rest);
    if (rest.empty()) {
      remove(header);
    } else {
      const std::size_t begin = offset_of(header.value);
      add(Kind::replace, begin, offset_of(rest) - begin, {}, 0);
    }
  }
}

Result<void> Edits::set_parameter(const Params& params, std::string_view name, std::optional<std::string_view> value) {
  if (lexer::has_line_breaker(name) || (value && lexer::has_line_breaker(*value))) return line_breaker();
  const std::string_view equals = value ? "=" : "";
  const auto present = params.get(name);
  if (present) {
    add(Kind::replace, offset_of(present->text), present->text.size(), {";", name, equals, value.value_or("")}, 0);
  } else {
    add(Kind::insert, offset_of(params.text()) + params.text().size(), 0, {";", name, equals, value.value_or("")},
        ++next_order_);
  }
  return {};
}

void Edits::remove_parameter(const Params& params, std::string_view name) {
  for (const Param& param : params)
    if (equals_nocase(param.name, name)) add(Kind::replace, offset_of(param.text), param.text.size(), {}, 0);
}

Result<void> Edits::stamp_topmost_via(std::string_view received, std::uint16_t rport) {
  const auto via = topmost_via(*message_);
  if (!via) return via.error();
  if (!received.empty()) {
    if (auto done = set_parameter(via->params, "received", received); !done) return done;
  }
  if (rport != 0 && via->wants_rport()) return set_parameter(via->params, "rport", Decimal{rport});
  return {};
}

void Edits::set_body(std::string_view body) {
  const std::size_t begin = message_->bytes().size() - message_->body().size();
  add(Kind::replace, begin, message_->body().size(), {body}, 0);
  static_cast<void>(set_value(HeaderId::content_length, Decimal{body.size()}));  // digits have no line break
}

void Edits::ensure_content_length() {
  if (message_->has(HeaderId::content_length)) return;
  if (find_inserted(message_->headers_end(), HeaderId::content_length) != nullptr) return;
  static_cast<void>(set_value(HeaderId::content_length, Decimal{message_->body().size()}));
}

Result<void> Edits::replace(std::string_view part, std::string_view text) {
  if (lexer::has_line_breaker(text)) return line_breaker();
  add(Kind::replace, offset_of(part), part.size(), {text}, 0);
  return {};
}

std::string_view Edits::text(const Edit& edit) const noexcept {
  const char* const store = more_text_.empty() ? inline_text_.data() : more_text_.data();
  return {store + edit.text, edit.text_size};
}

// Keeps the list sorted: by offset, insertions before what replaces the bytes at their place, then by order.
void Edits::add(Kind kind, std::size_t offset, std::size_t removed, std::initializer_list<std::string_view> texts,
                std::int32_t order) {
  Edit edit{static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(removed), store(texts), 0, order, kind};
  edit.text_size = static_cast<std::uint32_t>(text_size_ - edit.text);
  const auto less = [](const Edit& a, const Edit& b) {
    if (a.offset != b.offset) return a.offset < b.offset;
    if (a.kind != b.kind) return a.kind == Kind::insert;
    return a.order < b.order;
  };
  Edit* const end = edits_ + edit_count_;
  if (kind == Kind::replace) {
    // Replacing the same bytes again: the last word counts.
    Edit* const same = std::find_if(edits_, end, [&](const Edit& other) {
      return other.kind == Kind::replace && other.offset == edit.offset && other.removed == edit.removed;
    });
    if (same != end) {
      *same = edit;
      return;
    }
  }
  if (edit_count_ == edit_capacity_) grow();
  Edit* const place = std::upper_bound(edits_, edits_ + edit_count_, edit, less);
  std::move_backward(place, edits_ + edit_count_, edits_ + edit_count_ + 1);
  *place = edit;
  ++edit_count_;
}

void Edits::grow() {
  auto larger = std::make_unique<Edit[]>(edit_capacity_ * 2);
  std::copy(edits_, edits_ + edit_count_, larger.get());
  edits_ = larger.get();
  more_edits_ = std::move(larger);
  edit_capacity_ *= 2;
}

std::uint32_t Edits::store(std::initializer_list<std::string_view> texts) {
  const std::size_t begin = text_size_;
  std::size_t size = 0;
  for (const std::string_view text : texts) size += text.size();
  if (more_text_.empty() && begin + size > inline_text) more_text_.assign(inline_text_.data(), begin);
  const bool outgrown = begin + size > inline_text;
  for (const std::string_view text : texts) {
    if (outgrown || !more_text_.empty())
      more_text_.append(text);
    else if (!text.empty())
      std::memcpy(inline_text_.data() + text_size_, text.data(), text.size());
    text_size_ += text.size();
  }
  return static_cast<std::uint32_t>(begin);
}

Edits::Edit* Edits::find_inserted(std::size_t offset, HeaderId id) noexcept {
  for (std::size_t i = 0; i < edit_count_; ++i) {
    const Edit& edit = edits_[i];
    const std::string_view line = text(edit);
    if (edit.kind == Kind::insert && edit.offset == offset &&
        header_id(line.substr(0, lexer::skip(line, 0, lexer::token))) == id)
      return &edits_[i];
  }
  return nullptr;
}

std::size_t Edits::offset_of(std::string_view part) const noexcept {
  const std::string_view bytes = message_->bytes();
  SIPWSD_ASSERT(part.data() >= bytes.data() && part.data() + part.size() <= bytes.data() + bytes.size(),
                "an edit names a part of its message");
  return static_cast<std::size_t>(part.data() - bytes.data());
}

}  // namespace sipwsd::sip
