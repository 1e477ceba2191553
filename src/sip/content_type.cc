#include "src/sip/content_type.h"

#include "src/base/text.h"
#include "src/sip/lexer.h"

namespace sipwsd::sip {

Result<ContentType> parse_content_type(std::string_view value) {
  value = base::trim(value);
  const std::size_t type_end = lexer::skip(value, 0, lexer::token);
  const std::size_t slash = lexer::skip_lws(value, type_end);
  if (type_end == 0 || slash == value.size() || value[slash] != '/') return Error{Errc::malformed, "bad Content-Type"};
  const std::size_t subtype = lexer::skip_lws(value, slash + 1);
  const std::size_t end = lexer::skip(value, subtype, lexer::token);
  const ContentType type{value.substr(0, type_end), value.substr(subtype, end - subtype), Params{value.substr(end)}};
  if (end == subtype || !type.params.well_formed()) return Error{Errc::malformed, "bad Content-Type"};
  return type;
}

}  // namespace sipwsd::sip
