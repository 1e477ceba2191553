#include "src/base/utf8.h"

#include <unistr.h>

#include <cstring>

namespace sipwsd::base {
namespace {

const std::uint8_t* skip_ascii(const std::uint8_t* at, const std::uint8_t* end) noexcept {
  while (end - at >= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    if ((word & 0x8080808080808080ULL) != 0) break;
    at += 8;
  }
  while (at != end && *at < 0x80) ++at;
  return at;
}

const std::uint8_t* raw(std::string_view text) { return reinterpret_cast<const std::uint8_t*>(text.data()); }

// Length of the character that starts with `lead`; 0 for a byte that starts none (RFC 3629 4).
int length_of(std::uint8_t lead) noexcept {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  return 0;
}

// May these first `n` bytes (1 <= n < the character's length) begin a valid character? RFC 3629 4: only the second
// byte has a range that depends on the first.
bool may_begin(const std::uint8_t* bytes, int n) noexcept {
  const std::uint8_t lead = bytes[0];
  if (length_of(lead) <= n) return false;
  if (n >= 2) {
    std::uint8_t low = 0x80, high = 0xbf;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
    if (bytes[1] < low || bytes[1] > high) return false;
  }
  for (int i = 2; i < n; ++i)
    if (bytes[i] < 0x80 || bytes[i] > 0xbf) return false;
  return true;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  const auto* end = raw(text) + text.size();
  const auto* at = skip_ascii(raw(text), end);
  return at == end || u8_check(at, static_cast<std::size_t>(end - at)) == nullptr;
}

bool Utf8Validator::feed(std::string_view piece) noexcept {
  if (!ok_) return false;
  const auto* at = raw(piece);
  const auto* end = at + piece.size();
  while (held_ != 0 && at != end) {  // finish the character the last piece left open
    tail_[held_++] = *at++;
    if (held_ == length_of(tail_[0])) {
      if (u8_check(tail_, held_) != nullptr) return ok_ = false;
      held_ = 0;
    } else if (!may_begin(tail_, held_)) {
      return ok_ = false;
    }
  }
  at = skip_ascii(at, end);
  if (at == end) return true;
  const auto* bad = u8_check(at, static_cast<std::size_t>(end - at));
  if (bad == nullptr) return true;
  const auto left = static_cast<int>(end - bad);  // perhaps only cut off by the end of this piece
  if (left > 3 || !may_begin(bad, left)) return ok_ = false;
  std::memcpy(tail_, bad, static_cast<std::size_t>(left));
  held_ = static_cast<std::uint8_t>(left);
  return true;
}

std::size_t utf8_prefix(std::string_view text, std::size_t limit) noexcept {
  if (text.size() <= limit) return text.size();
  std::size_t cut = limit;
  while (cut > 0 && (static_cast<std::uint8_t>(text[cut]) & 0xc0) == 0x80) --cut;
  return cut;
}

}  // namespace sipwsd::base
