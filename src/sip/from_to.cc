#include "src/sip/from_to.h"

namespace sipwsd::sip {
namespace {

Result<NameAddr> address(const MessageView& message, HeaderId id) {
  if (!message.has(id)) return Error{Errc::not_found, "no " + std::string{name(id)}};
  return parse_name_addr(message.value(id));
}

std::string_view tag_of(const MessageView& message, HeaderId id) noexcept {
  const std::string_view value = message.value(id);
  if (value.find(';') == std::string_view::npos) return {};  // most requests begin something
  const auto parsed = parse_name_addr(value);
  return parsed ? parsed->tag() : std::string_view{};
}

}  // namespace

Result<NameAddr> from(const MessageView& message) { return address(message, HeaderId::from); }
Result<NameAddr> to(const MessageView& message) { return address(message, HeaderId::to); }
std::string_view from_tag(const MessageView& message) noexcept { return tag_of(message, HeaderId::from); }
std::string_view to_tag(const MessageView& message) noexcept { return tag_of(message, HeaderId::to); }

}  // namespace sipwsd::sip
