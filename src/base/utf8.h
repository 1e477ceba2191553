#pragma once
// UTF-8 validity (RFC 3629), whole or in pieces. ASCII runs are skipped eight bytes at a time; what is left goes to
// libunistring's u8_check.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sipwsd::base {

bool is_utf8(std::string_view text) noexcept;

// Validates a text that arrives in pieces and fails at the first byte that can't belong to it (fail-fast, as RFC 6455
// 8.1 allows): `feed` is false from then on. `complete` says whether the text may end here.
class Utf8Validator {
 public:
  bool feed(std::string_view piece) noexcept;
  bool complete() const noexcept { return ok_ && held_ == 0; }
  void reset() noexcept { *this = Utf8Validator{}; }

 private:
  std::uint8_t tail_[4]{};  // the bytes of a character that is not complete yet
  std::uint8_t held_ = 0;
  bool ok_ = true;
};

// How much of `text` fits into `limit` bytes without cutting a character.
std::size_t utf8_prefix(std::string_view text, std::size_t limit) noexcept;

}  // namespace sipwsd::base
