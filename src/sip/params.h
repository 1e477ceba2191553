#pragma once
// `;name=value` lists, as behind a URI, a name-addr or a Via (RFC 3261 25.1 generic-param, uri-parameter).
// A Params is a view of the text; nothing is copied. Values keep their quotes and escapes: see unquote().

#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

namespace sipwsd::sip {

struct Param {
  std::string_view name;
  std::string_view value;  // as written; empty when there is none
  bool has_value = false;  // ";lr" against ";lr="
  std::string_view text;   // from its semicolon to its end: what an edit removes
};

class Params {
 public:
  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Param;
    using difference_type = std::ptrdiff_t;
    using pointer = const Param*;
    using reference = const Param&;

    iterator() = default;
    explicit iterator(std::string_view rest) : rest_(rest) { advance(); }
    const Param& operator*() const noexcept { return current_; }
    const Param* operator->() const noexcept { return &current_; }
    iterator& operator++() {
      advance();
      return *this;
    }
    void operator++(int) { advance(); }
    friend bool operator==(const iterator& a, std::default_sentinel_t) noexcept { return a.done_; }

   private:
    void advance() noexcept;

    std::string_view rest_;
    Param current_;
    bool done_ = true;
  };

  Params() = default;
  // `text` begins with the first semicolon, white space before it allowed, or is empty.
  explicit Params(std::string_view text) : text_(text) {}

  [[nodiscard]] iterator begin() const { return iterator{text_}; }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

  // The first parameter of that name, compared without case.
  [[nodiscard]] std::optional<Param> get(std::string_view name) const noexcept;
  // Its value as written: "" for a parameter without one, nothing when there is no such parameter.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
  [[nodiscard]] bool has(std::string_view name) const noexcept { return get(name).has_value(); }
  // No empty parameters (";;"), names are tokens, values are tokens, hosts or closed quoted strings.
  [[nodiscard]] bool well_formed() const noexcept;

  // Where the parameters stand in the message; when empty, where they would begin.
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }

 private:
  std::string_view text_;
};

// Without the quotes around it, if any; escapes inside stay. Allocates nothing.
[[nodiscard]] std::string_view strip_quotes(std::string_view text) noexcept;
// Without the quotes and with `\x` read as `x` (25.1 quoted-pair).
[[nodiscard]] std::string unquote(std::string_view text);
// Within quotes, `"` and `\` escaped.
[[nodiscard]] std::string quote(std::string_view text);

}  // namespace sipwsd::sip
