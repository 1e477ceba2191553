#pragma once
// A reply as bytes (RFC 9112 4). The given headers come first, in their order, then Server, and, except after a 1xx,
// Content-Length and Connection. The version is always HTTP/1.1, ours, whatever the client said (RFC 9110 2.5).
// Kamailio 4.1 adds a Via or Sia header and a Content-Length to its 101; we do neither (see reference/websocket.md 2).

#include "sipwsd/result.h"
#include "src/http/header_list.h"
#include "src/http/product.h"
#include "src/http/status.h"

#include <span>
#include <string>
#include <string_view>

namespace sipwsd::http {

struct ReplyForm {
  std::string_view server = product();  // empty: no Server header (server_signature=no)
  bool closes = true;                   // Connection: close
  bool head_only = false;               // the answer to HEAD: Content-Length of the body, but no body
};

// Errc::malformed when a header holds CR, LF, NUL or another control character, or its name is no token: what came
// from a client or a script can't end a header line (S56). Errc::unsupported for a body in a 1xx or 304.
Result<std::string> write_reply(Status status, std::span<const Header> headers, std::string_view body = {},
                                const ReplyForm& form = {});

}  // namespace sipwsd::http
