#include "src/sip/route_set.h"

namespace sipwsd::sip {

Result<NameAddr> parse_route(std::string_view value) {
  auto address = parse_name_addr(value);
  if (address && !address->has_brackets) return Error{Errc::malformed, "route without angle brackets"};
  return address;
}

Result<NameAddr> topmost_route(const MessageView& message) {
  const std::string_view line = message.value(HeaderId::route);
  if (!message.has(HeaderId::route)) return Error{Errc::not_found, "no Route"};
  return parse_route(line.substr(0, first_value_size(line)));
}

}  // namespace sipwsd::sip
