#pragma once
// A SIP message (RFC 3261 7) as it stands in its bytes: start line, an index of header lines, body. Headers are read
// lazily by the typed parsers (via.h, contact.h, ...). Three types:
//   Parsed       the answer of parse(): views of bytes that outlive it, index inline (no heap for <= 48 headers)
//   MessageView  what everyone takes by const reference; small, copyable, valid as long as what it came from
//   Message      owns bytes and index in one block, for whoever keeps a message (a transaction)
// Length rules are those of a datagram, which a WebSocket message shares (RFC 7118 5): a missing Content-Length means
// the rest; less than Content-Length is malformed; more is left for the next message: see Parsed::length().

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>

#include "src/sip/header_table.h"
#include "src/sip/method.h"

namespace sipwsd::sip {

struct Limits {
  std::size_t max_headers = 255;            // header lines; the index cannot hold more
  std::size_t max_header_line = 16 * 1024;  // one header with its folds, or the start line
  std::size_t max_header_bytes = 64 * 1024;
};

// Why a message is not acted on, and what to say. The reason is made for the status line: static, printable.
struct Refusal {
  std::uint16_t status = 400;
  std::string_view reason;
  // A request other than ACK with a Via to answer by: answer it, with whatever of the other headers a response copies
  // it has (8.2.6.2); a person testing by hand learns more from a 400 than from silence. Else drop it.
  bool answerable = false;
};

// One header line. All views are into the message.
struct Header {
  HeaderId id = HeaderId::other;
  std::size_t index = 0;   // its number in the message, for Edits
  std::string_view name;   // as written
  std::string_view value;  // without the white space around it; folds inside stay
  std::string_view line;   // whole, with folds and final CRLF
};

class MessageView {
 public:
  // A place in the index: offsets into the message, so that it survives a copy of the bytes.
  struct Slot {
    std::uint32_t line;
    std::uint32_t line_size;
    std::uint32_t value;
    std::uint32_t value_size;
    std::uint16_t name_size;
    HeaderId id;
  };

  class HeaderRange {
    struct Filter {
      enum class By : std::uint8_t { any, id, name };
      const MessageView* message;
      std::string_view name;
      By by;
      HeaderId id;
      [[nodiscard]] std::size_t next(std::size_t at) const noexcept;  // the first match at or behind `at`
    };

   public:
    class iterator {
     public:
      using iterator_category = std::input_iterator_tag;
      using value_type = Header;
      using difference_type = std::ptrdiff_t;
      using pointer = const Header*;
      using reference = Header;

      iterator(const Filter& filter, std::size_t at) : filter_(filter), at_(at) {}
      Header operator*() const { return filter_.message->header(at_); }
      iterator& operator++() {
        at_ = filter_.next(at_ + 1);
        return *this;
      }
      void operator++(int) { ++*this; }
      friend bool operator==(const iterator& a, const iterator& b) noexcept { return a.at_ == b.at_; }

     private:
      Filter filter_;
      std::size_t at_;
    };
    [[nodiscard]] iterator begin() const { return {filter_, filter_.next(first_)}; }
    [[nodiscard]] iterator end() const { return {filter_, filter_.message->header_count()}; }
    [[nodiscard]] bool empty() const { return begin() == end(); }

   private:
    friend class MessageView;
    HeaderRange(const Filter& filter, std::size_t first) : filter_(filter), first_(first) {}

    Filter filter_;
    std::size_t first_;
  };

  MessageView() noexcept { first_.fill(none); }

  // --- start line
  [[nodiscard]] bool is_request() const noexcept { return status_ == 0; }
  [[nodiscard]] bool is_response() const noexcept { return status_ != 0; }
  [[nodiscard]] std::string_view start_line() const noexcept { return start_line_; }  // without CRLF
  [[nodiscard]] std::string_view version() const noexcept { return version_; }        // "SIP/2.0"
  // Of a request; Method::other for a response (its method is in CSeq: cseq.h).
  [[nodiscard]] Method method() const noexcept { return method_; }
  [[nodiscard]] std::string_view method_text() const noexcept { return is_request() ? word_ : std::string_view{}; }
  [[nodiscard]] std::string_view request_uri() const noexcept { return is_request() ? rest_ : std::string_view{}; }
  // Of a response; 0 for a request.
  [[nodiscard]] std::uint16_t status() const noexcept { return status_; }
  [[nodiscard]] std::string_view reason() const noexcept { return is_response() ? rest_ : std::string_view{}; }

  // --- headers
  [[nodiscard]] std::size_t header_count() const noexcept { return slot_count_; }
  [[nodiscard]] Header header(std::size_t index) const noexcept;  // index < header_count()
  [[nodiscard]] HeaderId header_id_at(std::size_t index) const noexcept { return slots_[index].id; }
  [[nodiscard]] bool has(HeaderId id) const noexcept { return first_[static_cast<std::size_t>(id)] != none; }
  [[nodiscard]] std::size_t count(HeaderId id) const noexcept;  // lines, not values
  [[nodiscard]] std::optional<Header> first(HeaderId id) const noexcept;
  // By name: compact and long form find each other.
  [[nodiscard]] std::optional<Header> first(std::string_view name) const noexcept;
  // The first line's value; empty when there is none.
  [[nodiscard]] std::string_view value(HeaderId id) const noexcept;
  [[nodiscard]] HeaderRange headers() const noexcept;
  [[nodiscard]] HeaderRange all(HeaderId id) const noexcept;
  [[nodiscard]] HeaderRange all(std::string_view name) const noexcept;

  // --- the rest
  [[nodiscard]] std::string_view body() const noexcept { return body_; }
  // Start line to the end of the body: nothing before, nothing behind.
  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }
  // Where the header lines end: the CRLF that stands before the body.
  [[nodiscard]] std::size_t headers_end() const noexcept { return headers_end_; }

 private:
  friend class Parsed;
  friend class Message;
  static constexpr std::uint8_t none = 0xff;

  std::string_view bytes_;
  std::string_view start_line_;
  std::string_view version_;
  std::string_view word_;  // method of a request
  std::string_view rest_;  // Request-URI or reason phrase
  std::string_view body_;
  const Slot* slots_ = nullptr;
  std::uint32_t headers_end_ = 0;
  std::uint16_t slot_count_ = 0;
  std::uint16_t status_ = 0;
  Method method_ = Method::other;
  std::array<std::uint8_t, header_id_count> first_;  // index of the first line of each kind
};

// The outcome of parse(). Stays where it was made: its view points into it.
class [[nodiscard]] Parsed {
 public:
  explicit Parsed(std::string_view bytes, const Limits& limits = {});
  Parsed(const Parsed&) = delete;
  Parsed& operator=(const Parsed&) = delete;

  explicit operator bool() const noexcept { return !refusal_; }
  const MessageView& operator*() const noexcept { return view_; }
  const MessageView* operator->() const noexcept { return &view_; }
  // Why not. Only after a failure.
  [[nodiscard]] const Refusal& refusal() const { return *refusal_; }
  // What could be read in spite of a failure: enough for write_reply() when refusal().answerable.
  [[nodiscard]] const MessageView& recovered() const noexcept { return view_; }
  // The first line is that of a SIP message, perhaps a bad one. False: nothing here was meant to be SIP.
  [[nodiscard]] bool is_sip() const noexcept { return is_sip_; }
  // Bytes this message took, CRLFs before it included. After a failure: where the next message may begin, or all
  // of the bytes when that cannot be known.
  [[nodiscard]] std::size_t length() const noexcept { return length_; }

 private:
  class Reader;
  static constexpr std::size_t inline_headers = 48;

  MessageView view_;
  std::optional<Refusal> refusal_;
  std::size_t length_ = 0;
  bool is_sip_ = false;
  std::unique_ptr<MessageView::Slot[]> more_slots_;  // when the inline ones do not suffice
  std::array<MessageView::Slot, inline_headers> slots_;
};

[[nodiscard]] inline Parsed parse(std::string_view bytes, const Limits& limits = {}) { return Parsed{bytes, limits}; }

class Message {
 public:
  Message() = default;
  // One allocation: bytes and index together.
  [[nodiscard]] static Message copy_of(const MessageView& view);
  // Nothing when the bytes are not one well-formed message.
  [[nodiscard]] static std::optional<Message> from_bytes(std::string_view bytes);
  Message(Message&& other) noexcept;
  Message& operator=(Message&& other) noexcept;

  // False after a move and for a Message made by default: then the view is empty.
  explicit operator bool() const noexcept { return block_ != nullptr; }
  const MessageView& operator*() const noexcept { return view_; }
  const MessageView* operator->() const noexcept { return &view_; }
  [[nodiscard]] const MessageView& view() const noexcept { return view_; }
  [[nodiscard]] std::size_t memory() const noexcept { return memory_; }

 private:
  std::unique_ptr<std::byte[]> block_;
  std::size_t memory_ = 0;
  MessageView view_;
};

}  // namespace sipwsd::sip
