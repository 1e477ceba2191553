#pragma once
// Contact (RFC 3261 20.10, 10.2; outbound: RFC 5626 4.1, 5.4; GRUU: RFC 5627 4.2, 5.3).

#include <cstdint>
#include <optional>
#include <string_view>

#include "sipwsd/result.h"
#include "src/sip/header_list.h"
#include "src/sip/message.h"
#include "src/sip/name_addr.h"

namespace sipwsd::sip {

struct Contact {
  NameAddr address;
  std::optional<std::uint32_t> expires;  // saturated at 2^32-1; one that is no number counts as 3600 (10.2.1.1)
  std::uint16_t q = 1000;                // thousandths (25.1 qvalue); 1000 when there is none
  std::string_view instance;             // +sip.instance without quotes and <>: "urn:uuid:..."; empty: none
  std::optional<std::uint32_t> reg_id;   // 1 .. 2^31-1
  bool ob = false;                       // the `ob` URI parameter

  [[nodiscard]] const Uri& uri() const noexcept { return address.uri; }
  // What a registrar gave out; without the quotes, empty when there is none.
  [[nodiscard]] std::string_view pub_gruu() const noexcept { return quoted_param("pub-gruu"); }
  [[nodiscard]] std::string_view temp_gruu() const noexcept { return quoted_param("temp-gruu"); }

 private:
  [[nodiscard]] std::string_view quoted_param(std::string_view name) const noexcept {
    return strip_quotes(address.params.find(name).value_or(""));
  }
};

[[nodiscard]] Result<Contact> parse_contact(std::string_view value);
// `for (const ListValue& value : contacts(message)) parse_contact(value.text)`
[[nodiscard]] inline ListValues contacts(const MessageView& message) { return values(message, HeaderId::contact); }
// The one Contact is "*": remove all bindings (10.2.2).
[[nodiscard]] bool is_star(const MessageView& message) noexcept;
[[nodiscard]] Result<Contact> first_contact(const MessageView& message);

}  // namespace sipwsd::sip
