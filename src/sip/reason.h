#pragma once
// Reason (RFC 3326): `SIP ;cause=200 ;text="Call completed elsewhere"`.

#include <cstdint>
#include <optional>
#include <string_view>

#include "sipwsd/result.h"
#include "src/sip/params.h"

namespace sipwsd::sip {

struct Reason {
  std::string_view protocol;  // "SIP", "Q.850"
  Params params;
  [[nodiscard]] std::optional<std::uint16_t> cause() const noexcept;
  [[nodiscard]] std::string_view text() const noexcept { return strip_quotes(params.find("text").value_or("")); }
};

// One value of the list.
[[nodiscard]] Result<Reason> parse_reason(std::string_view value);

}  // namespace sipwsd::sip
