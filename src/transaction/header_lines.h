#pragma once
// Several header lines in one text, each with its CRLF: how a context keeps what it may have to write again.

#include <algorithm>
#include <string_view>

namespace sipwsd::transaction {

class HeaderLines {
 public:
  explicit HeaderLines(std::string_view text) noexcept : rest_(text) {}

  [[nodiscard]] bool done() const noexcept { return rest_.empty(); }
  // Without their CRLF.
  [[nodiscard]] std::string_view first() const noexcept { return rest_.substr(0, rest_.find('\r')); }
  [[nodiscard]] std::string_view last() const noexcept { return HeaderLines{rest_.substr(begin_of_last())}.first(); }
  void drop_first() noexcept { rest_.remove_prefix(std::min(rest_.size(), first().size() + 2)); }
  void drop_last() noexcept { rest_ = rest_.substr(0, begin_of_last()); }

 private:
  [[nodiscard]] std::size_t begin_of_last() const noexcept {
    if (rest_.size() <= 2) return 0;
    const std::size_t end_of_previous = rest_.rfind('\n', rest_.size() - 2);
    return end_of_previous == std::string_view::npos ? 0 : end_of_previous + 1;
  }

  std::string_view rest_;
};

}  // namespace sipwsd::transaction
