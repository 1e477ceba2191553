#include "src/sip/sanity.h"

#include <array>
#include <cstddef>

#include "sipwsd/bytes.h"
#include "src/sip/contact.h"
#include "src/sip/cseq.h"
#include "src/sip/from_to.h"
#include "src/sip/header_list.h"
#include "src/sip/lexer.h"
#include "src/sip/max_breadth.h"
#include "src/sip/max_forwards.h"
#include "src/sip/route_set.h"
#include "src/sip/uri.h"
#include "src/sip/via.h"

namespace sipwsd::sip {
namespace {

// A finding: the status and words of a refusal; status 0: nothing wrong.
struct Finding {
  std::uint16_t status = 0;
  std::string_view reason;
};

constexpr Finding bad(std::string_view reason) { return {400, reason}; }

constexpr std::array<HeaderId, 5> mandatory = {HeaderId::via, HeaderId::from, HeaderId::to, HeaderId::call_id,
                                               HeaderId::cseq};

Finding missing(const MessageView& message) {
  constexpr std::array<std::string_view, mandatory.size()> words = {"Missing Via", "Missing From", "Missing To",
                                                                    "Missing Call-ID", "Missing CSeq"};
  for (std::size_t i = 0; i < mandatory.size(); ++i)
    if (message.value(mandatory[i]).empty()) return bad(words[i]);
  return {};
}

// A header that may stand only once means two things when it stands twice (RFC 4475 3.3.8).
Finding doubled(const MessageView& message) {
  std::array<bool, header_id_count> seen{};
  for (std::size_t i = 0; i < message.header_count(); ++i) {
    const HeaderId id = message.header_id_at(i);
    bool& mark = seen[static_cast<std::size_t>(id)];
    if (mark && row(id).shape == HeaderShape::single) return bad("Header Given Twice");
    mark = true;
  }
  return {};
}

// One tag at most, and not an empty one: else whose dialog is it?
bool tag_is_sound(const NameAddr& address) noexcept {
  bool seen = false;
  for (const Param& param : address.params) {
    if (!equals_nocase(param.name, "tag")) continue;
    if (seen || !lexer::all(param.value, lexer::param_value) || param.value.empty()) return false;
    seen = true;
  }
  return true;
}

Finding addresses(const MessageView& message) {
  const auto sender = from(message);
  if (!sender || !tag_is_sound(*sender)) return bad("Bad From");
  const auto receiver = to(message);
  if (!receiver || !tag_is_sound(*receiver)) return bad("Bad To");
  return {};
}

// Compared byte by byte and copied into every answer: no white space, so one word it is.
Finding identity(const MessageView& message) {
  const std::string_view call_id = message.value(HeaderId::call_id);
  for (const char c : call_id)
    if (static_cast<unsigned char>(c) <= 0x20) return bad("Bad Call-ID");
  return {};
}

Finding sequence(const MessageView& message) {
  const auto number = cseq(message);
  if (!number) return bad("Bad CSeq");
  if (message.is_response() || number->method_text == message.method_text()) return {};
  // RFC 4475 3.1.2.18: for a method nobody knows here 501 says more.
  if (message.method() == Method::other) return {501, "Not Implemented"};
  return bad("CSeq Method Mismatch");
}

Finding request_uri(const MessageView& message) {
  const auto uri = parse_uri(message.request_uri());
  if (!uri) return bad("Bad Request-URI");
  if (uri->scheme == Scheme::other) return {416, "Unsupported URI Scheme"};
  if (!uri->headers.empty()) return bad("Headers in Request-URI");  // 19.1.1, RFC 4475 3.1.2.11
  return {};
}

Finding contact_values(const MessageView& message) {
  if (is_star(message)) return {};
  for (const ListValue& value : contacts(message))
    if (!parse_contact(value.text)) return bad("Bad Contact");
  return {};
}

Finding request(const MessageView& message) {
  if (!topmost_via(message)) return bad("Bad Via");
  if (const Finding found = request_uri(message); found.status != 0) return found;
  if (!max_forwards(message)) return bad("Bad Max-Forwards");
  if (!max_breadth(message)) return bad("Bad Max-Breadth");
  if (message.has(HeaderId::route) && !topmost_route(message)) return bad("Bad Route");
  // In other requests it is for the other end, which knows better what it makes of it.
  return message.method() == Method::register_ ? contact_values(message) : Finding{};
}

// RFC 4475 3.3.10: a response that would be sent on to a broadcast address is an attack.
Finding response(const MessageView& message) {
  if (!topmost_via(message)) return bad("Bad Via");
  auto value = values(message, HeaderId::via).begin();
  if (++value != std::default_sentinel) {
    const auto next = parse_via(value->text);
    if (!next) return bad("Bad Via");
    if (next->host == "255.255.255.255") return bad("Broadcast Via");
  }
  return {};
}

Finding examine(const MessageView& message) {
  for (const auto check : {missing, doubled, sequence, addresses, identity}) {
    if (const Finding found = check(message); found.status != 0) return found;
  }
  return message.is_request() ? request(message) : response(message);
}

}  // namespace

std::optional<Refusal> sanity_refusal(const MessageView& message) {
  const Finding found = examine(message);
  if (found.status == 0) return std::nullopt;
  return Refusal{found.status, found.reason, is_answerable(message)};
}

bool is_answerable(const MessageView& message) noexcept {
  return message.is_request() && message.method() != Method::ack && !message.method_text().empty() &&
         message.has(HeaderId::via) && topmost_via(message);
}

}  // namespace sipwsd::sip
