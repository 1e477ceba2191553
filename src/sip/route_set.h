#pragma once
// Route, Record-Route, Path and Service-Route (RFC 3261 16.4, 16.6, 20.30, 20.34; RFC 3327; RFC 3608): lists of
// name-addr with brackets. Values are read one by one: `for (const ListValue& v : routes(m)) parse_route(v.text)`.

#include <cstddef>
#include <string_view>

#include "sipwsd/result.h"
#include "src/sip/header_list.h"
#include "src/sip/message.h"
#include "src/sip/name_addr.h"

namespace sipwsd::sip {

// A name-addr that has its brackets.
[[nodiscard]] Result<NameAddr> parse_route(std::string_view value);
[[nodiscard]] inline ListValues routes(const MessageView& message) { return values(message, HeaderId::route); }
[[nodiscard]] inline ListValues record_routes(const MessageView& message) {
  return values(message, HeaderId::record_route);
}
[[nodiscard]] inline ListValues paths(const MessageView& message) { return values(message, HeaderId::path); }
[[nodiscard]] inline ListValues service_routes(const MessageView& message) {
  return values(message, HeaderId::service_route);
}
// Errc::not_found when the message has no Route.
[[nodiscard]] Result<NameAddr> topmost_route(const MessageView& message);

}  // namespace sipwsd::sip
