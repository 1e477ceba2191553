#pragma once
// Bytes on their way out. One per worker, cleared and reused, so that writing a message allocates nothing once the
// buffer has grown to the size of the usual message.

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "src/base/text.h"

namespace sipwsd::sip {

class OutputBuffer {
 public:
  void clear() noexcept { bytes_.clear(); }
  void reserve(std::size_t size) { bytes_.reserve(size); }
  OutputBuffer& append(std::string_view text) {
    bytes_.append(text);
    return *this;
  }
  OutputBuffer& append(char c) {
    bytes_.push_back(c);
    return *this;
  }
  OutputBuffer& append_decimal(std::unsigned_integral auto value) {
    char digits[20];
    bytes_.append(digits, base::write_decimal(digits, value));
    return *this;
  }

  // Valid until the buffer changes.
  [[nodiscard]] std::string_view view() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
  // Takes the bytes away; the buffer is empty afterwards.
  [[nodiscard]] std::string take() noexcept { return std::exchange(bytes_, {}); }

 private:
  std::string bytes_;
};

}  // namespace sipwsd::sip
