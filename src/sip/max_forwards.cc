#include "src/sip/max_forwards.h"

#include "src/base/text.h"

namespace sipwsd::sip {

Result<std::optional<std::uint8_t>> max_forwards(const MessageView& message) {
  if (!message.has(HeaderId::max_forwards)) return std::optional<std::uint8_t>{};
  const auto hops = base::parse_decimal<std::uint8_t>(message.value(HeaderId::max_forwards));
  if (!hops) return Error{Errc::malformed, "bad Max-Forwards"};
  return std::optional<std::uint8_t>{hops};
}

}  // namespace sipwsd::sip
