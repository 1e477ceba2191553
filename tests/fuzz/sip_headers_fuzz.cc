// links: sip base
// One header value before every typed parser, as a value and as a header of a message; and with its white space folded,
// which must mean the same (RFC 3261 7.3.1).

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/sip/exercise.h"

namespace {

using namespace sipwsd::sip;

// Every space outside quotes becomes a line end and the space.
std::string folded(std::string_view text) {
  std::string out;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (!quoted && text[i] == ' ') out += "\r\n";
    out += text[i];
    if (quoted && text[i] == '\\' && i + 1 < text.size()) out += text[++i];
  }
  return out;
}

std::string shown(const Params& params) {
  std::string out;
  for (const Param& param : params) out.append(";").append(param.name).append(param.has_value ? "=" : "").append(param.value);
  return out;
}
std::string shown(const NameAddr& address) { return std::string{address.uri.text} + shown(address.params); }
std::string shown(const Via& via) {
  return std::string{via.protocol} + "/" + std::string{via.version} + "/" + std::string{via.transport_text} + " " +
         std::string{via.host} + ":" + std::to_string(via.port.value_or(0)) + shown(via.params);
}
std::string shown(const CSeq& cseq) { return std::to_string(cseq.number) + " " + std::string{cseq.method_text}; }
std::string shown(const Contact& contact) {
  return shown(contact.address) + " " + std::to_string(contact.q) + " " + std::to_string(contact.expires.value_or(7)) + " " +
         std::to_string(contact.reg_id.value_or(7)) + std::string{contact.instance} + (contact.ob ? "o" : "");
}
std::string shown(const AuthHeader& auth) {
  return std::string{auth.scheme} + std::string{auth.realm} + std::string{auth.nonce} + std::string{auth.response};
}
std::string shown(const Reason& reason) { return std::string{reason.protocol} + shown(reason.params); }
std::string shown(const ContentType& type) { return std::string{type.type} + "/" + std::string{type.subtype} + shown(type.params); }
std::string shown(const EventHeader& event) { return std::string{event.package} + shown(event.params); }

template <typename Parse, typename Fail>
void means_the_same(std::string_view text, std::string_view fold, Parse&& parse, Fail&& fail) {
  const auto plain = parse(text);
  const auto other = parse(fold);
  if (static_cast<bool>(plain) != static_cast<bool>(other)) return fail("a fold decides whether a value is good");
  if (plain && shown(*plain) != shown(*other)) fail("a fold changes what a value means");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto fail = [](const char* why) {
    std::fprintf(stderr, "%s\n", why);
    std::abort();
  };
  test::exercise_value(text, fail);
  if (size == 0) return 0;
  if (text.find_first_of("\r\n") == std::string_view::npos) {
    const std::string fold = folded(text);
    means_the_same(text, fold, parse_name_addr, fail);
    means_the_same(text, fold, parse_contact, fail);
    means_the_same(text, fold, parse_via, fail);
    means_the_same(text, fold, parse_cseq, fail);
    means_the_same(text, fold, parse_auth_header, fail);
    means_the_same(text, fold, parse_reason, fail);
    means_the_same(text, fold, parse_content_type, fail);
    means_the_same(text, fold, parse_event, fail);
  }
  const auto id = static_cast<HeaderId>(data[0] % header_id_count);
  std::string message = "INVITE sip:a@b SIP/2.0\r\n";
  message.append(name(id == HeaderId::other ? HeaderId::via : id)).append(": ").append(text.substr(1));
  message.append("\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\n\r\n");
  test::exercise(message, fail);
  return 0;
}
