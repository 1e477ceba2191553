#pragma once
// Call-ID (RFC 3261 20.8): compared byte by byte, case counts.

#include <string_view>

#include "src/sip/message.h"

namespace sipwsd::sip {

[[nodiscard]] inline std::string_view call_id(const MessageView& message) noexcept {
  return message.value(HeaderId::call_id);
}

}  // namespace sipwsd::sip
