#pragma once
// RFC 6455 5, 6.2 and RFC 7692 6 over everything a client has sent, as one string: what the receive side under test,
// which sees it in pieces, is compared with. The same rules in the order in which their bytes come, and no state.

#include "tests/fuzz/reference_inflate.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sipwsd::fuzz {

struct ReferenceRules {
  bool from_client = true;  // frames are masked
  bool deflate = false;
  bool takeover = false;
  std::uint64_t max_message_size = 0;
  std::uint64_t max_fragments = 0;
  std::uint64_t max_empty_fragments = 0;
};

class ReferenceReceiver {
 public:
  ReferenceReceiver(std::string_view wire, const ReferenceRules& rules) : wire_(wire), rules_(rules) {}

  // Letter and payload: t text, b binary, i ping, o pong, c close (code and reason), f failure (code).
  std::vector<std::string> events() {
    while (!ended_ && frame()) {
    }
    return events_;
  }

 private:
  unsigned byte(std::size_t i) const { return static_cast<unsigned char>(wire_[at_ + i]); }
  std::size_t left() const { return wire_.size() - at_; }
  void tell(char what, const std::string& payload) { events_.push_back(what + payload); }
  bool fail(int code) {
    tell('f', std::to_string(code));
    ended_ = true;
    return false;
  }

  // False when the wire ends before the frame does.
  bool frame() {
    if (left() < 1) return false;
    const unsigned opcode = byte(0) & 15, reserved = byte(0) & 0x70;
    const bool final = byte(0) >= 0x80, control = opcode >= 8;
    if (opcode > 10 || (opcode > 2 && opcode < 8)) return fail(1002);
    if (reserved != 0 && !(rules_.deflate && reserved == 0x40 && (opcode == 1 || opcode == 2))) return fail(1002);
    if (control && !final) return fail(1002);
    if (left() < 2) return false;
    if ((byte(1) >= 0x80) != rules_.from_client) return fail(1002);
    std::uint64_t length = byte(1) & 0x7f;
    if (control && length > 125) return fail(1002);
    std::size_t header = 2;
    if (length > 125) {
      header = length == 126 ? 4 : 10;
      if (left() < header) return false;
      const std::uint64_t least = length == 126 ? 126 : 65536;
      length = 0;
      for (std::size_t i = 2; i < header; ++i) length = length << 8 | byte(i);
      if (length < least || length > ~std::uint64_t{0} >> 1) return fail(1002);
    }
    if (!control && length > rules_.max_message_size) return fail(1009);
    const std::size_t mask = header;
    if (rules_.from_client) header += 4;
    if (left() < header) return false;
    if (!control && !begin(opcode, final, reserved != 0, length)) return false;

    std::string payload{wire_.substr(at_ + header, length)};
    if (rules_.from_client)
      for (std::size_t i = 0; i < payload.size(); ++i)
        payload[i] = static_cast<char>(static_cast<unsigned char>(payload[i]) ^ byte(mask + i % 4));
    const bool whole = payload.size() == length;
    at_ += header + payload.size();
    if (control) return whole && take_control(opcode, payload);
    return take_data(payload, whole && final) && whole;
  }

  bool begin(unsigned opcode, bool final, bool compressed, std::uint64_t length) {
    if ((opcode == 0) != message_.has_value()) return fail(1002);
    if (opcode != 0) {
      message_.emplace();
      text_ = opcode == 1;
      compressed_ = compressed;
      fragments_ = empty_fragments_ = 0;
    }
    if (message_->size() + length > rules_.max_message_size) return fail(1009);
    if (opcode == 0 || !final) {
      if (++fragments_ > std::max(rules_.max_fragments, rules_.max_message_size / 64)) return fail(1008);
      if (length == 0 && ++empty_fragments_ > rules_.max_empty_fragments) return fail(1008);
    }
    return true;
  }

  bool take_data(const std::string& payload, bool complete) {
    *message_ += payload;
    if (text_ && !compressed_ && !is_utf8(*message_, complete)) return fail(1007);
    if (!complete) return true;
    if (compressed_) {
      if (!rules_.takeover) inflate_.forget();
      auto inflated = inflate_.inflate(*message_, rules_.max_message_size);
      if (inflated.end == ReferenceInflate::End::too_large) return fail(1009);
      if (inflated.end == ReferenceInflate::End::too_many_blocks) return fail(1008);
      if (inflated.end == ReferenceInflate::End::malformed) return fail(1007);
      if (text_ && !is_utf8(inflated.message, true)) return fail(1007);
      *message_ = std::move(inflated.message);
    }
    tell(text_ ? 't' : 'b', *message_);
    message_.reset();
    return true;
  }

  bool take_control(unsigned opcode, const std::string& payload) {
    if (opcode != 8) return tell(opcode == 9 ? 'i' : 'o', payload), true;
    ended_ = true;
    if (payload.empty()) return tell('c', "1005"), false;
    if (payload.size() == 1) return fail(1002);
    const int code = static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]);
    const bool known = (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
                       (code >= 3000 && code <= 4999);
    if (!known) return fail(1002);
    if (!is_utf8(payload.substr(2), true)) return fail(1007);
    tell('c', std::to_string(code) + payload.substr(2));
    return false;
  }

  // RFC 3629 4; an unfinished text may end inside a character that can still become one.
  static bool is_utf8(std::string_view text, bool complete) {
    for (std::size_t i = 0; i < text.size();) {
      const auto at = [&](std::size_t k) { return static_cast<unsigned>(static_cast<unsigned char>(text[k])); };
      const unsigned lead = at(i);
      if (lead < 0x80) {
        ++i;
        continue;
      }
      const std::size_t size = lead >= 0xc2 && lead <= 0xdf ? 2 : lead >= 0xe0 && lead <= 0xef ? 3
                               : lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
      if (size == 0) return false;
      for (std::size_t k = 1; k < size; ++k) {
        if (i + k == text.size()) return !complete;
        unsigned low = 0x80, high = 0xbf;
        if (k == 1 && lead == 0xe0) low = 0xa0;
        if (k == 1 && lead == 0xed) high = 0x9f;
        if (k == 1 && lead == 0xf0) low = 0x90;
        if (k == 1 && lead == 0xf4) high = 0x8f;
        if (at(i + k) < low || at(i + k) > high) return false;
      }
      i += size;
    }
    return true;
  }

  std::string_view wire_;
  ReferenceRules rules_;
  std::size_t at_ = 0;
  std::optional<std::string> message_;  // under way, as it came
  bool text_ = false, compressed_ = false, ended_ = false;
  std::uint64_t fragments_ = 0, empty_fragments_ = 0;
  ReferenceInflate inflate_{32768};
  std::vector<std::string> events_;
};

}  // namespace sipwsd::fuzz
