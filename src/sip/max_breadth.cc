#include "src/sip/max_breadth.h"

#include "src/sip/expires.h"

namespace sipwsd::sip {

Result<std::optional<std::uint32_t>> max_breadth(const MessageView& message) {
  if (!message.has(HeaderId::max_breadth)) return std::optional<std::uint32_t>{};
  const auto breadth = parse_delta_seconds(message.value(HeaderId::max_breadth));
  if (!breadth) return Error{Errc::malformed, "bad Max-Breadth"};
  return breadth;
}

}  // namespace sipwsd::sip
