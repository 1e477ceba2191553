#include "src/sip/event_header.h"

#include "src/base/text.h"
#include "src/sip/lexer.h"

namespace sipwsd::sip {

Result<EventHeader> parse_event(std::string_view value) {
  value = base::trim(value);
  const std::size_t end = lexer::skip(value, 0, lexer::token);
  const EventHeader event{value.substr(0, end), Params{value.substr(end)}};
  if (end == 0 || !event.params.well_formed()) return Error{Errc::malformed, "bad event"};
  return event;
}

}  // namespace sipwsd::sip
