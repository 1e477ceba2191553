#include "src/sip/reason.h"

#include "src/base/text.h"
#include "src/sip/lexer.h"

namespace sipwsd::sip {

std::optional<std::uint16_t> Reason::cause() const noexcept {
  return base::parse_decimal<std::uint16_t>(params.find("cause").value_or(""));
}

Result<Reason> parse_reason(std::string_view value) {
  value = base::trim(value);
  const std::size_t end = lexer::skip(value, 0, lexer::token);
  const Reason reason{value.substr(0, end), Params{value.substr(end)}};
  if (end == 0 || !reason.params.well_formed()) return Error{Errc::malformed, "bad Reason"};
  return reason;
}

}  // namespace sipwsd::sip
