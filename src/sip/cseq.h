#pragma once
// CSeq (RFC 3261 20.16, 8.1.1.5): a number below 2^31 and a method.

#include <cstdint>
#include <string_view>

#include "sipwsd/result.h"
#include "src/sip/message.h"
#include "src/sip/method.h"

namespace sipwsd::sip {

struct CSeq {
  std::uint32_t number = 0;
  Method method = Method::other;
  std::string_view method_text;
};

// Errc::out_of_range for a number of 2^31 or more.
[[nodiscard]] Result<CSeq> parse_cseq(std::string_view value);
[[nodiscard]] Result<CSeq> cseq(const MessageView& message);

}  // namespace sipwsd::sip
