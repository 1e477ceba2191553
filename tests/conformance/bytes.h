#pragma once
// Frames no client would write: any length field, any mask, none. What a good client writes is frame() of the support
// library.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/ws_client.h"

namespace sipwsd::test::conformance {

inline constexpr std::size_t max_message = 262'144;  // the daemon's default

std::string unmasked(std::uint8_t first, std::string_view payload);
std::string with_key(std::string_view key, std::uint8_t first, std::string_view payload);
// `field` is 7, 126 or 127 for a length of 7 bits, 16 bits, 64 bits; the payload follows as it is given.
std::string with_length(std::uint8_t first, int field, std::uint64_t length, std::string_view payload = {});
// A message in pieces, the first with this opcode.
std::string fragments(std::uint8_t opcode, const std::vector<std::string>& pieces);
// Every byte of `text` in a fragment of its own.
std::string byte_fragments(std::uint8_t opcode, std::string_view text);
// 0, 1, 2, ... 255, 0, 1 ...
std::string all_bytes(std::size_t size);

}  // namespace sipwsd::test::conformance
