#pragma once
// From and To (RFC 3261 20.20, 20.39) and their tags (19.3).

#include <string_view>

#include "sipwsd/result.h"
#include "src/sip/message.h"
#include "src/sip/name_addr.h"

namespace sipwsd::sip {

[[nodiscard]] Result<NameAddr> from(const MessageView& message);
[[nodiscard]] Result<NameAddr> to(const MessageView& message);
// Empty when there is none, or when the header cannot be read.
[[nodiscard]] std::string_view from_tag(const MessageView& message) noexcept;
[[nodiscard]] std::string_view to_tag(const MessageView& message) noexcept;

}  // namespace sipwsd::sip
