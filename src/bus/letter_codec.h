#pragma once
// A letter as bytes: kind, version, then its fields in the order of `fields`; a number as it stands in memory (both ends
// are on this machine), a text as its length and its bytes. Reading gives views into the bytes; nothing is allocated.

#include "sipwsd/bytes.h"
#include "sipwsd/result.h"

#include "src/bus/letters.h"

namespace sipwsd::bus {

[[nodiscard]] std::size_t encoded_size(const Letter& letter) noexcept;
// `out` must have encoded_size() bytes.
void encode(const Letter& letter, MutableBytes out) noexcept;
// Errc::malformed, Errc::unsupported (another version or kind).
[[nodiscard]] Result<Letter> decode(ByteView bytes) noexcept;

}  // namespace sipwsd::bus
