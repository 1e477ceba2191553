#pragma once
// Writes DNS messages (RFC 1035 4.1) byte by byte, right ones and, since it checks nothing, any others.

#include <arpa/inet.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sipwsd::test {

class DnsPacket {
 public:
  enum Type : std::uint16_t { a = 1, cname = 5, soa = 6, aaaa = 28, srv = 33, naptr = 35, opt = 41 };
  enum Section : std::size_t { question = 0, answer = 1, authority = 2, additional = 3 };

  DnsPacket(std::uint16_t id, std::uint16_t flags) {
    word(id);
    word(flags);
    for (int i = 0; i < 4; ++i) word(0);
  }

  DnsPacket& byte(unsigned value) {
    bytes_.push_back(static_cast<std::uint8_t>(value));
    return *this;
  }
  DnsPacket& word(unsigned value) { return byte(value >> 8).byte(value); }
  DnsPacket& double_word(std::uint32_t value) { return word(value >> 16).word(value); }
  // Labels as they are, parted by dots; "" is the root.
  DnsPacket& name(std::string_view text) {
    while (!text.empty()) {
      const std::string_view label = text.substr(0, text.find('.'));
      character_string(label);
      text.remove_prefix(std::min(label.size() + 1, text.size()));
    }
    return byte(0);
  }
  DnsPacket& pointer(unsigned offset) { return word(0xc000 | offset); }
  DnsPacket& character_string(std::string_view text) {
    byte(static_cast<unsigned>(text.size()));
    for (const char c : text) byte(static_cast<unsigned char>(c));
    return *this;
  }

  DnsPacket& ask(std::string_view text, unsigned type) {
    count(question);
    return name(text).word(type).word(1);
  }
  // The head of a record, up to its data, which end() ends.
  DnsPacket& record(Section section, std::string_view owner, unsigned type, std::uint32_t ttl) {
    count(section);
    return name(owner).rest_of_head(type, ttl);
  }
  // The same, for the name of the question.
  DnsPacket& record(Section section, unsigned type, std::uint32_t ttl) {
    count(section);
    return pointer(12).rest_of_head(type, ttl);
  }
  DnsPacket& end() {
    const std::size_t size = bytes_.size() - data_;
    bytes_[data_ - 2] = static_cast<std::uint8_t>(size >> 8);
    bytes_[data_ - 1] = static_cast<std::uint8_t>(size);
    return *this;
  }
  // The data of A and AAAA.
  DnsPacket& address(const std::string& text) {
    std::array<std::uint8_t, 16> bytes{};
    const bool is_ipv6 = text.find(':') != std::string::npos;
    inet_pton(is_ipv6 ? AF_INET6 : AF_INET, text.c_str(), bytes.data());
    for (std::size_t i = 0; i < (is_ipv6 ? 16u : 4u); ++i) byte(bytes[i]);
    return *this;
  }
  DnsPacket& count(Section section) {
    const std::size_t at = 4 + 2 * section;
    if (++bytes_[at + 1] == 0) ++bytes_[at];
    return *this;
  }

  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] std::vector<std::uint8_t>& bytes() noexcept { return bytes_; }
  operator std::span<const std::uint8_t>() const noexcept { return bytes_; }

 private:
  DnsPacket& rest_of_head(unsigned type, std::uint32_t ttl) {
    word(type).word(1).double_word(ttl).word(0);
    data_ = bytes_.size();
    return *this;
  }

  std::vector<std::uint8_t> bytes_;
  std::size_t data_ = 0;
};

}  // namespace sipwsd::test
