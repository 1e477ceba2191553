#pragma once
// Changes to a message that itself never changes: a short list, applied once by write() (writer.h). What nobody
// edited is copied byte for byte. Texts are copied into the list's own store, so callers may build them on the stack;
// nothing is allocated for the usual number and size of edits.
// Rules: 1. Every text is refused (Errc::malformed) when it has CR, LF or NUL, a line when it is no header line, a
//           Request-URI when it has what no URI has: nobody can smuggle a header in.
//        2. Something inserted into or replaced within a removed part goes with it.
//        3. Inserted lines: the last `prepend`/`insert_before` of a place stands first; `append`s stand in order.
// Views given as "part of the message" must point into the message the list was made for.

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sipwsd/result.h"
#include "src/sip/message.h"
#include "src/sip/params.h"

namespace sipwsd::sip {

class Edits {
 public:
  // The message must outlive the list.
  explicit Edits(const MessageView& message) noexcept : message_(&message) {}
  Edits(const Edits&) = delete;
  Edits& operator=(const Edits&) = delete;

  // --- start line
  [[nodiscard]] Result<void> set_request_uri(std::string_view uri);
  // The whole first line, without CRLF.
  [[nodiscard]] Result<void> set_start_line(std::string_view line);

  // --- whole header lines: "Name: value" without CRLF
  [[nodiscard]] Result<void> prepend(std::string_view line);  // before all headers
  [[nodiscard]] Result<void> insert_before(HeaderId id,
                                           std::string_view line);  // before the first of its kind, else first of all
  [[nodiscard]] Result<void> insert_after(HeaderId id,
                                          std::string_view line);  // behind the last of its kind, else last of all
  [[nodiscard]] Result<void> append(std::string_view line);        // behind all headers
  void remove(const Header& header);
  void remove_all(HeaderId id);
  void remove_all(std::string_view name);

  // --- within a header
  [[nodiscard]] Result<void> replace_value(const Header& header, std::string_view value);
  // Sets the value of the only line of its kind, or appends one (Max-Forwards, Expires, ...).
  [[nodiscard]] Result<void> set_value(HeaderId id, std::string_view value);
  // The first `count` values of a list header, over lines and commas: the topmost Via, our own Routes. A line that
  // has no value left goes whole. Not additive: say the whole count once.
  void remove_first_values(HeaderId id, std::size_t count = 1);
  // `params` as read from this message (Via::params, NameAddr::params, Uri::params). Replaces or adds `;name=value`;
  // no value: the name alone.
  [[nodiscard]] Result<void> set_parameter(const Params& params, std::string_view name,
                                           std::optional<std::string_view> value);
  void remove_parameter(const Params& params, std::string_view name);
  // RFC 3261 18.2.1 and RFC 3581 4: `received` when it is not empty, `rport` filled in when the client asked for it.
  [[nodiscard]] Result<void> stamp_topmost_via(std::string_view received, std::uint16_t rport);

  // --- body
  // Replaces the body and keeps Content-Length true. Any bytes.
  void set_body(std::string_view body);
  // Adds Content-Length where RFC 7118 allowed to leave it out and the next hop's transport does not.
  void ensure_content_length();

  // --- anything: `part` is a view into the message, empty to insert there
  [[nodiscard]] Result<void> replace(std::string_view part, std::string_view text);

  [[nodiscard]] bool empty() const noexcept { return edit_count_ == 0; }
  [[nodiscard]] const MessageView& message() const noexcept { return *message_; }

  // For the writer: parts of the message to leave out and texts to put in their place, in order of the message.
  enum class Kind : std::uint8_t { insert, replace };
  struct Edit {
    std::uint32_t offset;  // in message().bytes()
    std::uint32_t removed;
    std::uint32_t text;  // in the store
    std::uint32_t text_size;
    std::int32_t order;  // among insertions at one offset
    Kind kind;
  };
  [[nodiscard]] std::span<const Edit> sorted() const noexcept { return {edits_, edit_count_}; }
  [[nodiscard]] std::string_view text(const Edit& edit) const noexcept;

 private:
  static constexpr std::size_t inline_edits = 24;
  static constexpr std::size_t inline_text = 1536;
  enum class Place { before_others, behind_others };

  [[nodiscard]] Result<void> insert_line(std::size_t offset, std::string_view line, Place place);
  void add(Kind kind, std::size_t offset, std::size_t removed, std::initializer_list<std::string_view> texts,
           std::int32_t order);
  void grow();
  std::uint32_t store(std::initializer_list<std::string_view> texts);
  [[nodiscard]] Edit* find_inserted(std::size_t offset, HeaderId id) noexcept;
  [[nodiscard]] std::size_t offset_of(std::string_view part) const noexcept;

  // Left uninitialised: only the first edit_count_ and text_size_ of them are ever read.
  std::array<Edit, inline_edits> inline_edits_;
  std::array<char, inline_text> inline_text_;
  const MessageView* message_;
  Edit* edits_ = inline_edits_.data();
  std::size_t edit_count_ = 0;
  std::size_t edit_capacity_ = inline_edits;
  std::size_t text_size_ = 0;
  std::int32_t next_order_ = 0;
  std::unique_ptr<Edit[]> more_edits_;
  std::string more_text_;  // the whole store, once the inline one is full
};

}  // namespace sipwsd::sip
