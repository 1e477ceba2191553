#pragma once
// One HTTP/1.1 request head: request line, header lines, empty line (RFC 9112 2-5). Stricter than the RFC lets a
// server be, because every tolerance is a second reading of the same bytes (S01): a line ends in CRLF only, nothing is
// folded, no control character or NUL anywhere, no space around a name, exactly one Host, no body.
//
// Every failure tells its answer (status_of) and is known as soon as the byte that causes it is there.

#include "sipwsd/result.h"
#include "src/http/header_list.h"
#include "src/http/limits.h"
#include "src/http/status.h"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sipwsd::http {

struct Version {
  std::uint8_t major_number = 1;
  std::uint8_t minor_number = 1;
  friend auto operator<=>(const Version&, const Version&) = default;
};

// Views into the bytes that were parsed: they live as long as those stay where they are.
struct RequestHead {
  std::string_view method;     // case matters (RFC 9110 9.1)
  std::string_view target;     // as sent
  std::string_view path;       // of the target, without its query; "*" for the asterisk form
  std::string_view query;      // without the '?'; may hold a secret, never log it (S08b)
  std::string_view authority;  // of an absolute target, otherwise Host (RFC 9112 3.2.2); empty only before HTTP/1.1
  Version version;
  HeaderList headers;
  std::size_t length = 0;  // bytes of the head: what follows belongs to the next protocol
};

// Finds the end of a head that arrives in pieces and looks at every byte once.
class HeadScanner {
 public:
  // `in` is everything received so far, from the first byte on; the length of the whole head when it is there.
  // Errc::incomplete, malformed, too_large.
  Result<std::size_t> scan(std::string_view in, const Limits& limits);

 private:
  std::uint32_t scanned_ = 0;
  std::uint32_t line_start_ = 0;
  std::uint32_t lines_ = 0;  // that ended, request line included
};

// Errc::incomplete when the head has not ended in `in`; malformed, too_large, unsupported: answer status_of(error).
Result<RequestHead> parse_head(std::string_view in, const Limits& limits);
// The same for bytes that grow between calls: `scanner` belongs to this connection and remembers where to go on.
Result<RequestHead> parse_head(std::string_view in, HeadScanner& scanner, const Limits& limits);

// malformed 400, too_large 431, unsupported (HTTP/2 and later in this form) 505.
Status status_of(const Error& error) noexcept;

}  // namespace sipwsd::http
