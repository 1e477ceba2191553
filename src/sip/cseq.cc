#include "src/sip/cseq.h"

#include "src/base/text.h"
#include "src/sip/lexer.h"

namespace sipwsd::sip {

Result<CSeq> parse_cseq(std::string_view value) {
  value = base::trim(value);
  const std::size_t digits = lexer::skip(value, 0, lexer::digit);
  const std::size_t word = lexer::skip_lws(value, digits);
  const std::string_view method = value.substr(word);
  if (digits == 0 || word == digits || !lexer::is_token(method)) return Error{Errc::malformed, "bad CSeq"};
  const auto number = base::parse_decimal<std::uint32_t>(value.substr(0, digits));
  if (!number || *number >= 0x80000000u) return Error{Errc::out_of_range, "CSeq number too large"};
  return CSeq{*number, method_of(method), method};
}

Result<CSeq> cseq(const MessageView& message) {
  const std::string_view value = message.value(HeaderId::cseq);
  if (value.empty()) return Error{Errc::not_found, "no CSeq"};
  return parse_cseq(value);
}

}  // namespace sipwsd::sip
