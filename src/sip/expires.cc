#include "src/sip/expires.h"

#include <limits>

#include "src/base/text.h"
#include "src/sip/lexer.h"

namespace sipwsd::sip {

std::optional<std::uint32_t> parse_delta_seconds(std::string_view text) noexcept {
  if (text.empty() || !lexer::all(text, lexer::digit)) return std::nullopt;
  return base::parse_decimal<std::uint32_t>(text).value_or(std::numeric_limits<std::uint32_t>::max());
}

std::optional<std::uint32_t> expires(const MessageView& message) noexcept {
  return parse_delta_seconds(message.value(HeaderId::expires));
}

}  // namespace sipwsd::sip
