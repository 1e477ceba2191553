#include "src/http/reply_writer.h"

#include "src/base/text.h"
#include "src/http/characters.h"

namespace sipwsd::http {
namespace {

void append_number(std::string& out, std::unsigned_integral auto value) {
  char digits[20];
  out.append(digits, base::write_decimal(digits, value));
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

Result<std::string> write_reply(Status status, std::span<const Header> headers, std::string_view body,
                                const ReplyForm& form) {
  const bool bodiless = is_interim(status) || status == Status::not_modified;
  if (bodiless && !body.empty()) return Error{Errc::unsupported, "this status has no body"};

  std::string out;
  out.reserve(256 + (form.head_only ? 0 : body.size()));
  out += "HTTP/1.1 ";
  append_number(out, number(status));
  out.append(" ").append(reason_phrase(status)).append("\r\n");
  for (const auto& [name, value] : headers) {
    if (!is_token(name) || !is_field_value(value)) return Error{Errc::malformed, "a header would break its line"};
    append_header(out, name, value);
  }
  if (!is_field_value(form.server)) return Error{Errc::malformed, "a header would break its line"};
  if (!form.server.empty()) append_header(out, "Server", form.server);
  if (!bodiless) {
    out += "Content-Length: ";
    append_number(out, body.size());
    out += "\r\n";
  }
  if (form.closes && !is_interim(status)) append_header(out, "Connection", "close");
  out += "\r\n";
  if (!form.head_only) out += body;
  return out;
}

}  // namespace sipwsd::http
