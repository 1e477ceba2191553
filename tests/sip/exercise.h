#pragma once
// Reads everything that can be read in a message and checks what must hold for any bytes at all. Used by the mutation
// tests and by the fuzz targets, so failures are reported through a callable: fail("what broke").

#include <algorithm>
#include <string>
#include <string_view>

#include "src/sip/auth_header.h"
#include "src/sip/call_id.h"
#include "src/sip/contact.h"
#include "src/sip/content_type.h"
#include "src/sip/cseq.h"
#include "src/sip/edits.h"
#include "src/sip/event_header.h"
#include "src/sip/expires.h"
#include "src/sip/from_to.h"
#include "src/sip/max_breadth.h"
#include "src/sip/max_forwards.h"
#include "src/sip/message_splitter.h"
#include "src/sip/option_tags.h"
#include "src/sip/reason.h"
#include "src/sip/request_builder.h"
#include "src/sip/response_builder.h"
#include "src/sip/route_set.h"
#include "src/sip/sanity.h"
#include "src/sip/via.h"
#include "src/sip/writer.h"

namespace sipwsd::sip::test {

inline bool within(std::string_view part, std::string_view whole) {
  if (part.empty()) return true;
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

template <typename Fail>
void exercise_params(const Params& params, std::string_view whole, Fail&& fail) {
  std::size_t count = 0;
  for (const Param& param : params) {
    if (!within(param.name, whole) || !within(param.value, whole) || !within(param.text, whole))
      fail("parameter outside");
    if (param.text.empty() || param.text[0] != ';') fail("parameter without its semicolon");
    static_cast<void>(unquote(param.value));
    if (++count > whole.size()) return fail("endless parameters");
  }
  static_cast<void>(params.well_formed());
}

template <typename Fail>
void exercise_uri(const Uri& uri, std::string_view whole, Fail&& fail) {
  for (const std::string_view part : {uri.scheme_text, uri.user, uri.password, uri.host, uri.headers, uri.opaque})
    if (!within(part, whole)) fail("URI part outside");
  exercise_params(uri.params, whole, fail);
  if (!equivalent(uri, uri)) fail("a URI is not equivalent to itself");
  static_cast<void>(canonical_aor(uri));
  if (uri.has_user && !equal_unescaped(uri.user, uri.user)) fail("a user is not equal to itself");
  if (uri.has_user && unescape(escape_user(unescape(uri.user))) != unescape(uri.user)) fail("escaping loses bytes");
}

// Every typed parser sees every value: headers are often not what their name says.
template <typename Fail>
void exercise_value(std::string_view value, Fail&& fail) {
  if (const auto address = parse_name_addr(value)) {
    exercise_uri(address->uri, value, fail);
    exercise_params(address->params, value, fail);
  }
  static_cast<void>(parse_contact(value));
  static_cast<void>(parse_route(value));
  if (const auto via = parse_via(value)) {
    exercise_params(via->params, value, fail);
    if (via->host.empty() || !within(via->host, value)) fail("Via without sent-by");
    static_cast<void>(via->rport());
    static_cast<void>(via->ttl());
    static_cast<void>(via->has_magic_branch());
  }
  if (const auto number = parse_cseq(value); number && number->number >= 0x80000000u) fail("CSeq out of range");
  if (const auto auth = parse_auth_header(value)) static_cast<void>(auth->nonce_count());
  static_cast<void>(parse_event(value));
  if (const auto reason = parse_reason(value)) static_cast<void>(reason->cause());
  static_cast<void>(parse_content_type(value));
  static_cast<void>(parse_delta_seconds(value));
  std::size_t size = 0;
  for (const ListValue& one : values(value)) {
    if (!within(one.text, value)) fail("list value outside");
    size += one.text.size();
  }
  if (size > value.size()) fail("list values longer than the list");
}

template <typename Fail>
void exercise_message(const MessageView& message, Fail&& fail) {
  const std::string_view bytes = message.bytes();
  for (const std::string_view part : {message.start_line(), message.method_text(), message.request_uri(),
                                      message.reason(), message.version(), message.body()})
    if (!within(part, bytes)) fail("start line or body outside");
  for (const Header& header : message.headers()) {
    if (!within(header.line, bytes) || !within(header.value, header.line) || !within(header.name, header.line))
      fail("header outside its line");
    if (header.name.empty() || header_id(header.name) != header.id) fail("header under a wrong name");
    exercise_value(header.value, fail);
  }
  static_cast<void>(topmost_via(message));
  static_cast<void>(from(message));
  static_cast<void>(to(message));
  static_cast<void>(max_breadth(message));
  static_cast<void>(max_forwards(message));
  static_cast<void>(first_contact(message));
  static_cast<void>(topmost_route(message));
  static_cast<void>(is_star(message));
  static_cast<void>(expires(message));
  static_cast<void>(has_option_tag(message, HeaderId::supported, "outbound"));
  static_cast<void>(unsupported_tags(message, HeaderId::require, "path, gruu"));
}

inline std::size_t count_of(const MessageView& message, const Header& header) {
  std::size_t count = 0;
  for ([[maybe_unused]] const Header& one : message.all(header.name)) ++count;
  return count;
}

// What holds for a message that was accepted.
template <typename Fail>
void exercise_accepted(const MessageView& message, Fail&& fail) {
  OutputBuffer out;
  {
    const Edits none{message};
    write(message, none, out);
    if (out.view() != message.bytes()) fail("no edits, other bytes");
  }
  const Message kept = Message::copy_of(message);
  if (kept->bytes() != message.bytes() || kept->header_count() != message.header_count()) fail("a copy differs");

  // As a proxy would edit it: the result must be a message again, with the same body.
  Edits edits{message};
  edits.remove_first_values(HeaderId::route);
  if (!edits.set_value(HeaderId::max_forwards, "69")) fail("an innocent value was refused");
  if (!edits.insert_before(HeaderId::via, "Via: SIP/2.0/WS x.invalid;branch=z9hG4bKtest"))
    fail("an innocent line was refused");
  edits.ensure_content_length();
  out.clear();
  if (write(message, edits, out) != written_size(message, edits)) fail("written_size differs from what was written");
  const Parsed again = parse(out.view());
  if (!again) return fail("an edited message cannot be read");
  if (again->body() != message.body()) fail("an edited message has another body");
  if (again->count(HeaderId::via) != message.count(HeaderId::via) + 1) fail("an inserted Via is missing");

  // However it is spelt, nothing that is taken out stays in (S21).
  for (std::size_t i = 0; i < message.header_count() && i < 16; ++i) {
    const Header header = message.header(i);
    Edits removal{message};
    if (header.id == HeaderId::other)
      removal.remove_all(header.name);
    else
      removal.remove_all(header.id);
    out.clear();
    write(message, removal, out);
    const Parsed without = parse(out.view());
    if (without.recovered().first(header.name)) fail("a removed header is still there");
    if (without.recovered().header_count() + std::max<std::size_t>(count_of(message, header), 1) != message.header_count())
      fail("more than the removed header is gone");
  }

  if (message.is_request() && is_answerable(message)) {
    out.clear();
    write_reply(message, {.status = 200, .to_tag = "t", .received = "192.0.2.1", .rport = 5060}, out);
    const Parsed reply = parse(out.view());
    if (!reply || reply->status() != 200) fail("a reply cannot be read");
  }
  if (message.method() == Method::invite && !sanity_refusal(message)) {
    out.clear();
    write_cancel(message, {}, out);
    const Parsed cancel = parse(out.view());
    if (!cancel || sanity_refusal(*cancel)) fail("a CANCEL of a sound INVITE is not sound");
  }
}

template <typename Fail>
void exercise(std::string_view payload, Fail&& fail) {
  Splitter splitter{payload};
  std::size_t used = 0;
  bool had_message = false;
  while (const auto piece = splitter.next()) {
    if (piece->bytes.empty()) return fail("an empty piece");
    used += piece->bytes.size();
    if (had_message && piece->kind == Piece::Kind::garbage) fail("garbage told behind a message");
    had_message = had_message || piece->parsed != nullptr;
    if (piece->parsed == nullptr) continue;
    if (piece->kind == Piece::Kind::message) {
      exercise_message(**piece->parsed, fail);
      exercise_accepted(**piece->parsed, fail);
      static_cast<void>(sanity_refusal(**piece->parsed));
    } else {
      exercise_message(piece->parsed->recovered(), fail);
      if (!piece->parsed->refusal().answerable) continue;
      OutputBuffer out;
      write_reply(piece->parsed->recovered(), {.status = 400, .to_tag = "t"}, out);
      const Parsed reply = parse(out.view());
      if (!reply || reply->status() != 400) fail("a 400 cannot be read");
    }
  }
  if (used != payload.size() && (!had_message || parse(payload.substr(used)).is_sip()))
    fail("bytes were lost between pieces");
}

}  // namespace sipwsd::sip::test
