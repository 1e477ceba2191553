#pragma once
// Lists of tokens: Require, Proxy-Require, Supported, Unsupported, Allow, Allow-Events (RFC 3261 20.32, 20.37).

#include <string>
#include <string_view>

#include "src/sip/header_list.h"
#include "src/sip/message.h"

namespace sipwsd::sip {

// Compared without case; empty list elements are skipped.
[[nodiscard]] bool has_option_tag(const MessageView& message, HeaderId id, std::string_view tag) noexcept;
[[nodiscard]] inline bool supports(const MessageView& message, std::string_view tag) noexcept {
  return has_option_tag(message, HeaderId::supported, tag);
}
[[nodiscard]] inline bool requires_option(const MessageView& message, std::string_view tag) noexcept {
  return has_option_tag(message, HeaderId::require, tag);
}
// The tags of `id` that are not among `known` (comma-separated), joined for an Unsupported header; empty: none.
// Bytes that are no token never get in.
[[nodiscard]] std::string unsupported_tags(const MessageView& message, HeaderId id, std::string_view known);

}  // namespace sipwsd::sip
