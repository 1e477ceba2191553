#include "src/sip/message.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "sipwsd/bytes.h"
#include "src/base/text.h"
#include "src/sip/lexer.h"
#include "src/sip/sanity.h"

namespace sipwsd::sip {
namespace {

// The first control character (below 0x20) at or behind `at`, eight bytes at a time: all that a header line may need
// looking at. A byte is below 0x20 when taking 0x20 from it borrows and it had no top bit; borrows spoil only the
// bytes above the first hit.
std::size_t find_control(std::string_view text, std::size_t at) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    constexpr std::uint64_t spaces = 0x2020202020202020;
    constexpr std::uint64_t tops = 0x8080808080808080;
    while (at + sizeof(std::uint64_t) <= text.size()) {
      std::uint64_t word;
      std::memcpy(&word, text.data() + at, sizeof word);
      if (const std::uint64_t hits = (word - spaces) & ~word & tops)
        return at + static_cast<std::size_t>(std::countr_zero(hits)) / 8;
      at += sizeof word;
    }
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) >= 0x20) ++at;
  return at;
}

struct Line {
  std::size_t end;   // of the content, line end not included
  std::size_t next;  // where the next line begins; == end when the bytes ended first
  bool folded = false;
  bool bare = false;     // ended by LF without CR
  bool foreign = false;  // CR, LF or NUL where none may be
  bool has_nul = false;
};

// A NUL stands only behind a backslash within a quoted string (25.1 quoted-pair, RFC 4475 3.1.1.2).
bool nuls_are_quoted(std::string_view line) noexcept {
  bool quoted = false;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line[at] == '"') quoted = !quoted;
    if (line[at] == '\0') return false;
    if (quoted && line[at] == '\\') ++at;
  }
  return true;
}

// One header with its folds (RFC 3261 7.3.1). Looks at each byte once.
Line line_at(std::string_view text, std::size_t at) noexcept {
  Line line{text.size(), text.size()};
  for (;; ++at) {
    at = find_control(text, at);
    if (at == text.size()) return line;
    const char c = text[at];
    if (c == '\n') {
      line.bare = true;
      line.end = at;
      line.next = at + 1;
    } else if (c == '\r' && at + 1 < text.size() && text[at + 1] == '\n') {
      line.end = at;
      line.next = at + 2;
    } else {
      if (c == '\r') line.foreign = true;
      if (c == '\0') line.has_nul = true;
      continue;
    }
    if (line.next == text.size() || (text[line.next] != ' ' && text[line.next] != '\t')) return line;
    line.folded = true;
    at = line.next;
    line.end = line.next = text.size();
  }
}

bool is_version(std::string_view text) noexcept {
  if (!starts_with_nocase(text, "SIP/")) return false;
  const std::size_t dot = lexer::skip(text, 4, lexer::digit);
  if (dot == 4 || dot == text.size() || text[dot] != '.') return false;
  return dot + 1 < text.size() && lexer::skip(text, dot + 1, lexer::digit) == text.size();
}

constexpr std::string_view our_version = "SIP/2.0";

}  // namespace

std::size_t MessageView::HeaderRange::Filter::next(std::size_t at) const noexcept {
  for (; at < message->slot_count_; ++at) {
    if (by == By::any) return at;
    if (message->slots_[at].id != id) continue;
    if (by == By::id || equals_nocase(message->header(at).name, name)) return at;
  }
  return message->slot_count_;
}

Header MessageView::header(std::size_t index) const noexcept {
  const Slot& slot = slots_[index];
  return {slot.id, index, bytes_.substr(slot.line, slot.name_size), bytes_.substr(slot.value, slot.value_size),
          bytes_.substr(slot.line, slot.line_size)};
}

std::size_t MessageView::count(HeaderId id) const noexcept {
  std::size_t count = 0;
  for (std::size_t at = first_[static_cast<std::size_t>(id)]; at < slot_count_; ++at) count += slots_[at].id == id;
  return count;
}

std::optional<Header> MessageView::first(HeaderId id) const noexcept {
  if (!has(id)) return std::nullopt;
  return header(first_[static_cast<std::size_t>(id)]);
}

std::optional<Header> MessageView::first(std::string_view name) const noexcept {
  for (const Header& header : all(name)) return header;
  return std::nullopt;
}

std::string_view MessageView::value(HeaderId id) const noexcept {
  if (!has(id)) return {};
  const Slot& slot = slots_[first_[static_cast<std::size_t>(id)]];
  return bytes_.substr(slot.value, slot.value_size);
}

MessageView::HeaderRange MessageView::headers() const noexcept {
  return {{this, {}, HeaderRange::Filter::By::any, HeaderId::other}, 0};
}

MessageView::HeaderRange MessageView::all(HeaderId id) const noexcept {
  return {{this, {}, HeaderRange::Filter::By::id, id}, first_[static_cast<std::size_t>(id)]};
}

MessageView::HeaderRange MessageView::all(std::string_view name) const noexcept {
  const HeaderId id = header_id(name);
  if (id != HeaderId::other) return all(id);
  return {{this, name, HeaderRange::Filter::By::name, id}, first_[static_cast<std::size_t>(id)]};
}

// Reads one message. A mistake is noted, the first one counts, and reading goes on: a 400 needs the Via, From, To,
// Call-ID and CSeq of a request whatever else is wrong with it.
class Parsed::Reader {
 public:
  Reader(Parsed& out, std::string_view bytes, const Limits& limits) : out_(out), view_(out.view_), limits_(limits) {
    std::size_t begin = 0;
    while (begin < bytes.size() && (bytes[begin] == '\r' || bytes[begin] == '\n')) ++begin;
    skipped_ = begin;
    text_ = bytes.substr(begin);
  }

  void read() {
    view_.slots_ = out_.slots_.data();
    if (text_.size() > std::numeric_limits<std::uint32_t>::max()) {  // what the index can point to
      fail(513, "Message Too Large");
      out_.length_ = skipped_ + text_.size();
      return;
    }
    std::size_t at = start_line();
    at = out_.is_sip_ ? headers(at) : text_.size();
    body(at);
    if (out_.refusal_) out_.refusal_->answerable = may_answer_ && is_answerable(view_);
  }

 private:
  void fail(std::uint16_t status, std::string_view reason) {
    if (!out_.refusal_) out_.refusal_ = Refusal{status, reason, false};
  }
  // Nothing that may be answered: no SIP, or a response.
  void drop(std::string_view reason) {
    fail(400, reason);
    may_answer_ = false;
  }

  std::size_t start_line() {
    // What is not SIP is told apart before anything else is made of it.
    const Line line = first_line();
    view_.start_line_ = text_.substr(0, line.end);
    if (starts_with_nocase(view_.start_line_, "SIP/")) {
      out_.is_sip_ = true;
      status_line(view_.start_line_);
    } else {
      request_line(view_.start_line_);
    }
    if (line.foreign) fail(400, "Bad Character in Start Line");
    if (line.bare) fail(400, "Bare LF in Start Line");
    if (line.next == line.end) fail(400, "Incomplete Start Line");
    if (line.end > limits_.max_header_line) fail(414, "Start Line Too Long");
    return line.next;
  }

  // A start line has no folds.
  Line first_line() const {
    const std::size_t lf = text_.find('\n');
    if (lf == std::string_view::npos) return {text_.size(), text_.size()};
    Line line{lf, lf + 1};
    if (lf > 0 && text_[lf - 1] == '\r')
      --line.end;
    else
      line.bare = true;
    const std::string_view content = text_.substr(0, line.end);
    line.foreign = content.find('\r') != std::string_view::npos || content.find('\0') != std::string_view::npos;
    return line;
  }

  // Method SP Request-URI SP SIP-Version (7.1): single spaces, and none within or behind.
  void request_line(std::string_view line) {
    const std::size_t method_end = lexer::skip(line, 0, lexer::token);
    const std::size_t last_space = line.find_last_of(" \t");
    if (method_end == 0 || method_end == line.size() || line[method_end] != ' ' || last_space == std::string_view::npos)
      return drop("Not a SIP Message");
    view_.word_ = line.substr(0, method_end);
    view_.method_ = method_of(view_.word_);
    const std::string_view version = line.substr(last_space + 1);
    if (last_space == method_end || line[last_space] != ' ' || !is_version(version)) {
      // "INVITE sip:a SIP/2.0  " was meant to be SIP; "GET / HTTP/1.1" was not.
      out_.is_sip_ = line.find("SIP/") != std::string_view::npos || view_.method_ != Method::other;
      if (!out_.is_sip_) return drop("Not a SIP Message");
      return fail(400, "Malformed Request-Line");
    }
    out_.is_sip_ = true;
    view_.version_ = version;
    view_.rest_ = line.substr(method_end + 1, last_space - method_end - 1);
    if (!equals_nocase(version, our_version)) return fail(505, "Version Not Supported");
    if (view_.rest_.empty() || view_.rest_.find_first_of(" \t") != std::string_view::npos)
      fail(400, "Malformed Request-Line");
  }

  // SIP-Version SP Status-Code SP Reason-Phrase (7.2). The last SP may be missing (RFC 4475 3.1.1.13).
  void status_line(std::string_view line) {
    const std::size_t space = line.find(' ');
    view_.version_ = line.substr(0, space);
    if (space == std::string_view::npos || !equals_nocase(view_.version_, our_version)) return drop("Bad Status-Line");
    const std::string_view code = line.substr(space + 1, 3);
    const auto status = base::parse_decimal<std::uint16_t>(code);
    const std::string_view rest = line.substr(space + 1 + code.size());
    if (!status || code.size() != 3 || *status < 100 || *status > 699 || (!rest.empty() && rest[0] != ' '))
      return drop("Bad Status Code");
    view_.status_ = *status;
    view_.rest_ = rest.empty() ? rest : rest.substr(1);
  }

  // Returns where the body begins.
  std::size_t headers(std::size_t at) {
    const std::size_t begin = at;
    while (at < text_.size()) {
      if (text_[at] == '\r' && at + 1 < text_.size() && text_[at + 1] == '\n') return end_of_headers(at, at + 2);
      if (text_[at] == '\n') {
        fail(400, "Bare LF in Headers");
        return end_of_headers(at, at + 1);
      }
      if (at - begin > limits_.max_header_bytes) {
        fail(513, "Headers Too Large");
        break;
      }
      if (!header_line(at)) break;
    }
    if (at == text_.size()) fail(400, "Incomplete Header Section");
    view_.headers_end_ = static_cast<std::uint32_t>(at);
    framed_ = false;
    return text_.size();
  }

  std::size_t end_of_headers(std::size_t at, std::size_t body) {
    view_.headers_end_ = static_cast<std::uint32_t>(at);
    return body;
  }

  // Moves `at` behind the line. False when there is no room for more.
  bool header_line(std::size_t& at) {
    const std::size_t name_end = lexer::skip(text_, at, lexer::token);
    std::size_t colon = name_end;
    while (colon < text_.size() && (text_[colon] == ' ' || text_[colon] == '\t')) ++colon;
    const bool named = name_end > at && name_end - at <= std::numeric_limits<std::uint16_t>::max() &&
                       colon < text_.size() && text_[colon] == ':';
    Line line = line_at(text_, named ? colon + 1 : at);
    const std::size_t begin = std::exchange(at, line.next);
    if (line.has_nul && !nuls_are_quoted(text_.substr(begin, line.end - begin))) line.foreign = true;
    if (!named) fail(400, "Bad Header Line");
    if (line.foreign) fail(400, "Bad Character in Header");
    if (line.bare) fail(400, "Bare LF in Headers");
    if (line.next == line.end) fail(400, "Incomplete Header Section");
    if (line.end - begin > limits_.max_header_line) fail(513, "Header Too Long");
    // What could not be repeated in a response without repeating the mistake stays out of the index.
    if (!named || line.foreign || line.next == line.end || (line.bare && line.folded)) return true;
    return add(begin, name_end, colon + 1, line);
  }

  bool add(std::size_t begin, std::size_t name_end, std::size_t value, const Line& line) {
    if (view_.slot_count_ >= std::min<std::size_t>(limits_.max_headers, MessageView::none)) {
      fail(513, "Too Many Headers");
      return false;
    }
    if (view_.slot_count_ == inline_headers) move_to_heap();
    std::size_t end = line.end;
    while (value < end && base::is_lws(text_[value])) ++value;
    while (end > value && base::is_lws(text_[end - 1])) --end;
    const HeaderId id = header_id(text_.substr(begin, name_end - begin));
    slots()[view_.slot_count_] = {static_cast<std::uint32_t>(begin),
                                  static_cast<std::uint32_t>(line.next - begin),
                                  static_cast<std::uint32_t>(value),
                                  static_cast<std::uint32_t>(end - value),
                                  static_cast<std::uint16_t>(name_end - begin),
                                  id};
    std::uint8_t& first = view_.first_[static_cast<std::size_t>(id)];
    if (first == MessageView::none) first = static_cast<std::uint8_t>(view_.slot_count_);
    ++view_.slot_count_;
    view_.bytes_ = text_;  // header() and value() read through it from the first header on
    return true;
  }

  MessageView::Slot* slots() { return out_.more_slots_ ? out_.more_slots_.get() : out_.slots_.data(); }

  void move_to_heap() {
    out_.more_slots_ = std::make_unique<MessageView::Slot[]>(MessageView::none);
    std::memcpy(out_.more_slots_.get(), out_.slots_.data(), inline_headers * sizeof(MessageView::Slot));
    view_.slots_ = out_.more_slots_.get();
  }

  // RFC 3261 18.3 for datagrams; RFC 7118 5: a WebSocket message needs no Content-Length.
  void body(std::size_t at) {
    std::size_t size = text_.size() - at;
    if (view_.has(HeaderId::content_length)) {
      const auto length = base::parse_decimal<std::uint64_t>(view_.value(HeaderId::content_length));
      if (view_.count(HeaderId::content_length) > 1) {
        fail(400, "Content-Length Given Twice");
      } else if (!length) {
        fail(400, "Bad Content-Length");
      } else if (*length > size) {
        if (framed_) fail(400, "Content-Length Mismatch");
      } else {
        size = static_cast<std::size_t>(*length);
      }
    }
    view_.bytes_ = text_.substr(0, at + size);
    view_.body_ = view_.bytes_.substr(at);
    out_.length_ = skipped_ + at + size;
  }

  Parsed& out_;
  MessageView& view_;
  const Limits& limits_;
  std::string_view text_;
  std::size_t skipped_ = 0;
  bool may_answer_ = true;
  bool framed_ = true;  // the end of the headers was found
};

Parsed::Parsed(std::string_view bytes, const Limits& limits) { Reader{*this, bytes, limits}.read(); }

Message Message::copy_of(const MessageView& view) {
  Message copy;
  const std::size_t index_size = view.slot_count_ * sizeof(MessageView::Slot);
  copy.memory_ = index_size + view.bytes_.size();
  copy.block_.reset(new std::byte[copy.memory_]);
  auto* const slots = reinterpret_cast<MessageView::Slot*>(copy.block_.get());
  auto* const bytes = reinterpret_cast<char*>(copy.block_.get() + index_size);
  if (index_size > 0) std::memcpy(slots, view.slots_, index_size);
  if (!view.bytes_.empty()) std::memcpy(bytes, view.bytes_.data(), view.bytes_.size());

  copy.view_ = view;
  copy.view_.slots_ = slots;
  copy.view_.bytes_ = {bytes, view.bytes_.size()};
  for (std::string_view MessageView::*part : {&MessageView::start_line_, &MessageView::version_, &MessageView::word_,
                                              &MessageView::rest_, &MessageView::body_}) {
    const std::string_view old = view.*part;
    if (old.data() != nullptr) copy.view_.*part = {bytes + (old.data() - view.bytes_.data()), old.size()};
  }
  return copy;
}

std::optional<Message> Message::from_bytes(std::string_view bytes) {
  const Parsed parsed = parse(bytes);
  if (!parsed) return std::nullopt;
  return copy_of(*parsed);
}

Message::Message(Message&& other) noexcept
    : block_(std::move(other.block_)),
      memory_(std::exchange(other.memory_, 0)),
      view_(std::exchange(other.view_, MessageView{})) {}

Message& Message::operator=(Message&& other) noexcept {
  block_ = std::move(other.block_);
  memory_ = std::exchange(other.memory_, 0);
  view_ = std::exchange(other.view_, MessageView{});
  return *this;
}

}  // namespace sipwsd::sip
