#include "tests/conformance/bytes.h"

namespace sipwsd::test::conformance {
namespace {

void append_number(std::string& out, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

std::string header(std::uint8_t first, int mask_bit, std::uint64_t length) {
  std::string out(1, static_cast<char>(first));
  out += static_cast<char>(mask_bit | (length < 126 ? static_cast<int>(length) : length <= 0xffff ? 126 : 127));
  if (length >= 126) append_number(out, length, length <= 0xffff ? 2 : 8);
  return out;
}

}  // namespace

std::string unmasked(std::uint8_t first, std::string_view payload) {
  return header(first, 0, payload.size()) + std::string(payload);
}

std::string with_key(std::string_view key, std::uint8_t first, std::string_view payload) {
  std::string out = header(first, 0x80, payload.size()) + std::string(key);
  for (std::size_t i = 0; i < payload.size(); ++i) out += static_cast<char>(payload[i] ^ key[i % 4]);
  return out;
}

std::string with_length(std::uint8_t first, int field, std::uint64_t length, std::string_view payload) {
  std::string out(1, static_cast<char>(first));
  out += static_cast<char>(0x80 | (field == 7 ? static_cast<int>(length) : field));
  if (field != 7) append_number(out, length, field == 126 ? 2 : 8);
  return out + std::string(4, '\0') + std::string(payload);  // a key of zeros changes nothing
}

std::string fragments(std::uint8_t opcode, const std::vector<std::string>& pieces) {
  std::string out;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const int fin = i + 1 == pieces.size() ? op::last : 0;
    out += frame(static_cast<std::uint8_t>(fin | (i == 0 ? opcode : op::more)), pieces[i]);
  }
  return out;
}

std::string byte_fragments(std::uint8_t opcode, std::string_view text) {
  std::vector<std::string> pieces;
  for (const char c : text) pieces.emplace_back(1, c);
  return fragments(opcode, pieces);
}

std::string all_bytes(std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(i);
  return out;
}

}  // namespace sipwsd::test::conformance
