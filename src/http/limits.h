#pragma once
// How much of a request head is taken before the answer is 431 (RFC 6585 5). A head is all a client can make us hold
// before it is known, so these are small (security requirement S01).

#include <cstddef>

namespace sipwsd::http {

struct Limits {
  std::size_t max_head = 8 * 1024;  // request line, header lines and the empty line, with their CRLFs
  std::size_t max_line = 4 * 1024;  // one line without its CRLF
  std::size_t max_headers = 64;
};

}  // namespace sipwsd::http
