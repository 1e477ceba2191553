#pragma once
// RFC 6455 5.3. Masking and unmasking are the same exclusive or.

#include "sipwsd/bytes.h"

#include <array>
#include <cstddef>

namespace sipwsd::ws {

using MaskKey = std::array<std::byte, 4>;

// `offset`: how many bytes of the frame's payload came before these.
void apply_mask(MutableBytes bytes, MaskKey key, std::size_t offset = 0) noexcept;

}  // namespace sipwsd::ws
