#pragma once
// name-addr and addr-spec with header parameters: From, To, Contact, Route and their like (RFC 3261 20.10, 25.1).

#include <string>
#include <string_view>

#include "sipwsd/result.h"
#include "src/sip/params.h"
#include "src/sip/uri.h"

namespace sipwsd::sip {

struct NameAddr {
  std::string_view text;          // the whole value
  std::string_view display_name;  // as written: a quoted string with its quotes, or tokens; may be empty
  bool has_brackets = false;      // without them every parameter belongs to the header, none to the URI (20.10)
  Uri uri;
  Params params;  // of the header, behind the URI

  [[nodiscard]] std::string_view tag() const noexcept { return params.find("tag").value_or(""); }
};

// One value of a list (see header_list.h), or the whole value of From, To, Refer-To, ...
[[nodiscard]] Result<NameAddr> parse_name_addr(std::string_view value);

}  // namespace sipwsd::sip
