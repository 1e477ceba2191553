#pragma once
// The values of a list header (RFC 3261 7.3.1): commas separate them, and several lines mean the same as one line
// with commas. Quoted strings and <...> are not looked into.

#include <cstddef>
#include <iterator>
#include <string_view>

#include "src/sip/message.h"

namespace sipwsd::sip {

struct ListValue {
  std::string_view text;   // without white space around; empty where two commas meet
  std::size_t header = 0;  // index of the line it stands in
};

class ListValues {
 public:
  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = ListValue;
    using difference_type = std::ptrdiff_t;
    using pointer = const ListValue*;
    using reference = const ListValue&;

    iterator() = default;
    iterator(const MessageView* message, HeaderId id);
    explicit iterator(std::string_view field_value);
    const ListValue& operator*() const noexcept { return current_; }
    const ListValue* operator->() const noexcept { return &current_; }
    iterator& operator++() {
      advance();
      return *this;
    }
    void operator++(int) { advance(); }
    friend bool operator==(const iterator& a, std::default_sentinel_t) noexcept { return a.done_; }

   private:
    void advance() noexcept;

    const MessageView* message_ = nullptr;
    std::string_view rest_;
    ListValue current_;
    HeaderId id_ = HeaderId::other;
    bool more_in_line_ = false;
    bool done_ = true;
  };

  ListValues(const MessageView& message, HeaderId id) : message_(&message), id_(id) {}
  explicit ListValues(std::string_view field_value) : field_value_(field_value) {}
  [[nodiscard]] iterator begin() const {
    return message_ != nullptr ? iterator{message_, id_} : iterator{field_value_};
  }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

 private:
  const MessageView* message_ = nullptr;
  std::string_view field_value_;
  HeaderId id_ = HeaderId::other;
};

[[nodiscard]] inline ListValues values(const MessageView& message, HeaderId id) { return {message, id}; }
[[nodiscard]] inline ListValues values(std::string_view field_value) { return ListValues{field_value}; }
// How many bytes the first value takes in `field_value`, its comma not included.
[[nodiscard]] std::size_t first_value_size(std::string_view field_value) noexcept;

}  // namespace sipwsd::sip
