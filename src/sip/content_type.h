#pragma once
// Content-Type (RFC 3261 20.15): type "/" subtype and parameters.

#include <string_view>

#include "sipwsd/bytes.h"
#include "sipwsd/result.h"
#include "src/sip/params.h"

namespace sipwsd::sip {

struct ContentType {
  std::string_view type;
  std::string_view subtype;
  Params params;
  [[nodiscard]] bool is(std::string_view a_type, std::string_view a_subtype) const noexcept {
    return equals_nocase(type, a_type) && equals_nocase(subtype, a_subtype);
  }
};

[[nodiscard]] Result<ContentType> parse_content_type(std::string_view value);

}  // namespace sipwsd::sip
