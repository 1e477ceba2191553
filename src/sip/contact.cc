#include "src/sip/contact.h"

#include <algorithm>

#include "sipwsd/bytes.h"
#include "src/base/text.h"
#include "src/sip/expires.h"
#include "src/sip/lexer.h"

namespace sipwsd::sip {
namespace {

// 10.2.1.1: a malformed value is as good as 3600.
constexpr std::uint32_t default_expires = 3600;

// qvalue (25.1): 0, 1, 0.xxx, 1.000; more digits than three are dropped, anything else counts as 1.
std::uint16_t thousandths(std::string_view text) noexcept {
  constexpr std::uint16_t most = 1000;
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return most;
  if (text.size() > 1 && text[1] != '.') return most;
  std::uint32_t value = static_cast<std::uint32_t>(text[0] - '0') * most;
  std::uint32_t weight = 100;
  for (const char c : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (!lexer::is(c, lexer::digit)) return most;
    value += static_cast<std::uint32_t>(c - '0') * weight;
    weight /= 10;
  }
  return static_cast<std::uint16_t>(std::min<std::uint32_t>(value, most));
}

// "<urn:uuid:...>" in quotes (RFC 5626 4.1); some write it without the angle brackets.
std::string_view instance_of(std::string_view text) noexcept {
  text = strip_quotes(text);
  if (text.size() >= 2 && text.front() == '<' && text.back() == '>') text = text.substr(1, text.size() - 2);
  return text;
}

}  // namespace

Result<Contact> parse_contact(std::string_view value) {
  auto address = parse_name_addr(value);
  if (!address) return address.error();
  Contact contact;
  contact.address = *std::move(address);
  for (const Param& param : contact.address.params) {
    if (equals_nocase(param.name, "expires")) {
      contact.expires = parse_delta_seconds(strip_quotes(param.value)).value_or(default_expires);
    } else if (equals_nocase(param.name, "q")) {
      contact.q = thousandths(param.value);
    } else if (equals_nocase(param.name, "+sip.instance")) {
      contact.instance = instance_of(param.value);
    } else if (equals_nocase(param.name, "reg-id")) {
      const auto number = base::parse_decimal<std::uint32_t>(param.value);
      if (number && *number > 0 && *number < 0x80000000u) contact.reg_id = number;
    }
  }
  contact.ob = contact.address.uri.params.has("ob");
  return contact;
}

bool is_star(const MessageView& message) noexcept {
  return message.value(HeaderId::contact) == "*" && message.count(HeaderId::contact) == 1;
}

Result<Contact> first_contact(const MessageView& message) {
  const std::string_view line = message.value(HeaderId::contact);
  if (line.empty()) return Error{Errc::not_found, "no Contact"};
  return parse_contact(line.substr(0, first_value_size(line)));
}

}  // namespace sipwsd::sip
