#include "src/transaction/branch.h"

#include <algorithm>
#include <cstddef>

#include "sipwsd/bytes.h"
#include "src/sip/via.h"

namespace sipwsd::transaction {
namespace {

constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::size_t raw_size = 25;  // slot 2, generation 4, token 8, loop hash 4, MAC 7
constexpr std::size_t signed_size = 18;
constexpr std::size_t mac_size = raw_size - signed_size;
using Raw = std::array<std::uint8_t, raw_size>;

constexpr std::array<std::int8_t, 256> value_of = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
    if (alphabet[i] >= 'a') values[static_cast<unsigned char>(alphabet[i] - 'a' + 'A')] = static_cast<std::int8_t>(i);
  }
  return values;
}();

void put(std::uint8_t* out, std::uint64_t value, std::size_t bytes) noexcept {
  for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<std::uint8_t>(value >> (8 * i));
}
std::uint64_t take(const std::uint8_t* in, std::size_t bytes) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value |= std::uint64_t{in[i]} << (8 * i);
  return value;
}

std::uint64_t mac_of(const base::SipHashKey& key, const Raw& raw) noexcept {
  return base::siphash(key, {reinterpret_cast<const char*>(raw.data()), signed_size}) & ((std::uint64_t{1} << 56) - 1);
}

}  // namespace

BranchText BranchKey::make(const Branch& branch) const noexcept {
  Raw raw;
  put(raw.data(), number(branch.slot), 2);
  put(raw.data() + 2, branch.generation, 4);
  put(raw.data() + 6, number(branch.token), 8);
  put(raw.data() + 14, branch.loop_hash, 4);
  put(raw.data() + signed_size, mac_of(key_, raw), mac_size);

  BranchText text;
  char* out = std::copy(sip::branch_cookie.begin(), sip::branch_cookie.end(), text.text_.data());
  for (std::size_t i = 0; i < raw_size; i += 5) {  // five bytes are eight characters
    std::uint64_t group = take(raw.data() + i, 5);
    for (int j = 0; j < 8; ++j, group >>= 5) *out++ = alphabet.data()[group & 31];
  }
  return text;
}

std::optional<Branch> BranchKey::recognise(std::string_view text) const noexcept {
  if (text.size() != BranchText::size || !starts_with_nocase(text, sip::branch_cookie)) return std::nullopt;
  const char* in = text.data() + sip::branch_cookie.size();
  Raw raw;
  int all = 0;  // negative as soon as one character was no digit
  for (std::size_t i = 0; i < raw_size; i += 5) {
    std::uint64_t group = 0;
    for (unsigned shift = 0; shift < 40; shift += 5) {
      const int value = value_of[static_cast<unsigned char>(*in++)];
      all |= value;
      group |= static_cast<std::uint64_t>(value & 31) << shift;
    }
    put(raw.data() + i, group, 5);
  }
  if (all < 0) return std::nullopt;
  // Both are keyed and 64 bits wide: comparing them as numbers takes the same time whatever they are.
  if (take(raw.data() + signed_size, mac_size) != mac_of(key_, raw)) return std::nullopt;
  return Branch{static_cast<WorkerSlot>(take(raw.data(), 2)), static_cast<std::uint32_t>(take(raw.data() + 2, 4)),
                static_cast<Token>(take(raw.data() + 6, 8)), static_cast<std::uint32_t>(take(raw.data() + 14, 4))};
}

std::optional<Branch> BranchKey::of_topmost_via(const sip::MessageView& response) const {
  // The usual case without a parser: our Via came back as we wrote it, so the first cookie of the line is ours, and
  // the MAC says whether it is. A comma or a quote before it may mean another Via: then read what it really says.
  const std::string_view line = response.value(sip::HeaderId::via);
  const std::size_t cookie = line.find(sip::branch_cookie);
  if (cookie != std::string_view::npos && line.substr(0, cookie).find_first_of(",\"") == std::string_view::npos)
    if (auto ours = recognise(line.substr(cookie, BranchText::size))) return ours;
  const auto via = sip::topmost_via(response);
  return via ? recognise(via->branch()) : std::nullopt;
}

}  // namespace sipwsd::transaction
