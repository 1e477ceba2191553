#pragma once
// An edited message as bytes. No edits: the same bytes.

#include <cstddef>

#include "src/sip/edits.h"
#include "src/sip/message.h"
#include "src/sip/output_buffer.h"

namespace sipwsd::sip {

// Appends to `out`; returns how many bytes.
std::size_t write(const MessageView& message, const Edits& edits, OutputBuffer& out);
[[nodiscard]] std::size_t written_size(const MessageView& message, const Edits& edits) noexcept;

}  // namespace sipwsd::sip
