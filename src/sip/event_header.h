#pragma once
// Event (RFC 6665 8.2.1): a package name and parameters; and Subscription-State (8.2.3), which has the same form.

#include <string_view>

#include "sipwsd/result.h"
#include "src/sip/params.h"

namespace sipwsd::sip {

struct EventHeader {
  std::string_view package;  // "presence", "message-summary"; or the state: "active", "terminated"
  Params params;
  [[nodiscard]] std::string_view id() const noexcept { return params.find("id").value_or(""); }
};

[[nodiscard]] Result<EventHeader> parse_event(std::string_view value);

}  // namespace sipwsd::sip
