#pragma once
// RFC 1951 read bit by bit, slowly and plainly, and RFC 7692 7.2.2 on top: what the zlib code under test is compared
// with. Throws nothing, allocates as it likes.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sipwsd::fuzz {

class ReferenceInflate {
 public:
  enum class End : std::uint8_t { message, too_large, malformed, too_many_blocks };
  struct Outcome {
    End end;
    std::string message;
  };

  explicit ReferenceInflate(std::size_t window) : window_(window) {}

  void forget() { history_.clear(); }

  Outcome inflate(std::string_view payload, std::size_t limit) {
    if (payload.empty()) return {End::message, {}};
    in_ = std::string{payload} + std::string("\0\0\xff\xff", 4);
    payload_bits_ = payload.size() * 8;
    at_ = 0;
    out_.clear();
    limit_ = limit;
    end_ = End::message;
    std::size_t budget = 2048 + payload.size() / 4;
    while (end_ == End::message) {
      if (at_ == payload_bits_) break;     // complete without the tail
      if (at_ == in_.size() * 8) break;
      block();
      if (end_ != End::message) break;
      const std::size_t cost = next_type() == 2 ? 32 : 1;
      if (cost > budget) end_ = End::too_many_blocks;
      budget -= cost;
    }
    if (end_ == End::message && produced_by_tail_) end_ = End::malformed;
    produced_by_tail_ = false;
    if (end_ != End::message) return {end_, {}};
    history_ += out_;
    if (history_.size() > window_) history_.erase(0, history_.size() - window_);
    return {End::message, out_};
  }

 private:
  struct Code {
    std::array<unsigned, 16> count{};
    std::vector<unsigned> symbols;
  };

  bool bad() {
    if (end_ == End::message) end_ = End::malformed;
    return false;
  }
  unsigned bits(unsigned n) {
    unsigned value = 0;
    for (unsigned i = 0; i < n; ++i, ++at_) {
      if (at_ >= in_.size() * 8) return bad(), 0u;
      value |= (static_cast<unsigned char>(in_[at_ / 8]) >> (at_ % 8) & 1u) << i;
    }
    return value;
  }
  unsigned next_type() {
    const auto before = at_;
    bits(1);
    const unsigned type = bits(2);
    const bool there = end_ == End::message;
    end_ = End::message;
    at_ = before;
    return there ? type : 0;
  }
  void align() { at_ = (at_ + 7) / 8 * 8; }
  bool put(char c) {
    if (at_ > payload_bits_) produced_by_tail_ = true;
    out_ += c;
    if (out_.size() > limit_) end_ = End::too_large;
    return end_ == End::message;
  }

  void block() {
    const bool last = bits(1) == 1;
    const unsigned type = bits(2);
    if (end_ != End::message) return;
    if (type == 0) stored();
    if (type == 1) fixed();
    if (type == 2) dynamic();
    if (type == 3) bad();
    if (last) align();  // RFC 7692 7.2.1
  }

  void stored() {
    align();
    const unsigned length = bits(16), complement = bits(16);
    if (end_ == End::message && length != (~complement & 0xffff)) bad();
    for (unsigned i = 0; i < length && end_ == End::message; ++i) {
      const char c = static_cast<char>(bits(8));
      if (end_ == End::message) put(c);
    }
  }

  // 3.2.2. Complete sets only; a single code of one bit, or none at all, is let through as zlib does.
  bool build(Code& code, const std::vector<unsigned>& lengths, bool may_be_single) {
    code = Code{};
    for (const unsigned length : lengths) ++code.count[length];
    code.count[0] = 0;
    int left = 1;
    unsigned most = 0;
    for (unsigned length = 1; length < 16; ++length) {
      left = left * 2 - static_cast<int>(code.count[length]);
      if (left < 0) return bad();
      if (code.count[length] != 0) most = length;
    }
    if (left > 0 && most != 0 && (!may_be_single || most != 1)) return bad();
    for (unsigned length = 1; length < 16; ++length)
      for (unsigned symbol = 0; symbol < lengths.size(); ++symbol)
        if (lengths[symbol] == length) code.symbols.push_back(symbol);
    return true;
  }
  unsigned symbol(const Code& code) {
    unsigned value = 0, first = 0, index = 0;
    for (unsigned length = 1; length < 16; ++length) {
      value |= bits(1);
      if (end_ != End::message) return 0;
      if (value < first + code.count[length]) return code.symbols[index + value - first];
      index += code.count[length];
      first = (first + code.count[length]) * 2;
      value *= 2;
    }
    return bad(), 0u;
  }

  void fixed() {
    std::vector<unsigned> lengths(288, 8);
    for (unsigned i = 144; i < 256; ++i) lengths[i] = 9;
    for (unsigned i = 256; i < 280; ++i) lengths[i] = 7;
    Code literals, distances;
    build(literals, lengths, false);
    build(distances, std::vector<unsigned>(32, 5), false);
    data(literals, distances);
  }

  void dynamic() {
    const unsigned literal_count = bits(5) + 257, distance_count = bits(5) + 1, order_count = bits(4) + 4;
    if (end_ != End::message) return;
    if (literal_count > 286 || distance_count > 30) return void(bad());
    constexpr std::array<unsigned, 19> order{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    std::vector<unsigned> lengths(19, 0);
    for (unsigned i = 0; i < order_count; ++i) lengths[order[i]] = bits(3);
    Code code_lengths;
    if (end_ != End::message || !build(code_lengths, lengths, false)) return;
    lengths.clear();
    while (lengths.size() < literal_count + distance_count) {
      const unsigned what = symbol(code_lengths);
      if (end_ != End::message) return;
      if (what < 16) {
        lengths.push_back(what);
        continue;
      }
      if (what == 16 && lengths.empty()) return void(bad());
      const unsigned value = what == 16 ? lengths.back() : 0;
      const unsigned times = what == 16 ? 3 + bits(2) : what == 17 ? 3 + bits(3) : 11 + bits(7);
      if (end_ != End::message) return;
      if (lengths.size() + times > literal_count + distance_count) return void(bad());
      lengths.insert(lengths.end(), times, value);
    }
    if (lengths[256] == 0) return void(bad());
    const auto middle = lengths.begin() + static_cast<std::ptrdiff_t>(literal_count);
    Code literals, distances;
    if (!build(literals, {lengths.begin(), middle}, true) || !build(distances, {middle, lengths.end()}, true)) return;
    data(literals, distances);
  }

  // 3.2.5.
  void data(const Code& literals, const Code& distances) {
    constexpr std::array<unsigned, 29> length_base{3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                                   31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    constexpr std::array<unsigned, 29> length_extra{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                                    2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    for (;;) {
      const unsigned what = symbol(literals);
      if (end_ != End::message || what == 256) return;
      if (what < 256) {
        if (!put(static_cast<char>(what))) return;
        continue;
      }
      if (what > 285) return void(bad());
      const unsigned length = length_base[what - 257] + bits(length_extra[what - 257]);
      const unsigned code = symbol(distances);
      if (end_ != End::message) return;
      if (code > 29) return void(bad());
      const unsigned extra = code < 4 ? 0 : code / 2 - 1;
      const std::size_t distance = (code < 4 ? code : (2u + code % 2) << extra) + 1 + bits(extra);
      if (end_ != End::message) return;
      if (distance > window_ || distance > out_.size() + history_.size()) return void(bad());
      for (unsigned i = 0; i < length; ++i)
        if (!put(distance <= out_.size() ? out_[out_.size() - distance]
                                         : history_[history_.size() + out_.size() - distance]))
          return;
    }
  }

  std::size_t window_;
  std::string history_;
  std::string in_, out_;
  std::size_t payload_bits_ = 0, at_ = 0, limit_ = 0;
  End end_ = End::message;
  bool produced_by_tail_ = false;
};

}  // namespace sipwsd::fuzz
