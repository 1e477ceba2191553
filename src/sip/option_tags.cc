#include "src/sip/option_tags.h"

#include "sipwsd/bytes.h"
#include "src/sip/lexer.h"

namespace sipwsd::sip {

bool has_option_tag(const MessageView& message, HeaderId id, std::string_view tag) noexcept {
  for (const ListValue& value : values(message, id))
    if (equals_nocase(value.text, tag)) return true;
  return false;
}

std::string unsupported_tags(const MessageView& message, HeaderId id, std::string_view known) {
  std::string unknown;
  for (const ListValue& value : values(message, id)) {
    if (!lexer::is_token(value.text)) continue;
    bool found = false;
    for (const ListValue& tag : values(known)) found = found || equals_nocase(tag.text, value.text);
    if (found) continue;
    if (!unknown.empty()) unknown.append(", ");
    unknown.append(value.text);
  }
  return unknown;
}

}  // namespace sipwsd::sip
