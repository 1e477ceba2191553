// links: http base
// Any bytes as a request head: read whole and read as they trickle in, the answer is the same, and every view lies in
// the input.

#include "src/http/head_parser.h"

#include <cstdint>
#include <cstdlib>

namespace {

using namespace sipwsd;

void require(bool condition) {
  if (!condition) std::abort();
}
void require_inside(std::string_view part, std::string_view whole) {
  require(part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size()));
}

Result<http::RequestHead> trickled(std::string_view in, const http::Limits& limits) {
  http::HeadScanner scanner;
  std::size_t size = 0;
  for (std::size_t step = 1; size < in.size(); step = step % 5 + 1) {
    size = size + step < in.size() ? size + step : in.size();
    auto head = http::parse_head(in.substr(0, size), scanner, limits);
    if (!head.is(Errc::incomplete)) return head;
  }
  return Errc::incomplete;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view in{reinterpret_cast<const char*>(data), size};
  const http::Limits limits{.max_head = 1024, .max_line = 256, .max_headers = 8};
  const auto head = http::parse_head(in, limits);
  const auto again = trickled(in, limits);
  require(static_cast<bool>(head) == static_cast<bool>(again));
  if (!head) {
    require(head.error().code == again.error().code);
    require(head.is(Errc::incomplete) || http::number(http::status_of(head.error())) >= 400);
    return 0;
  }
  const auto whole = in.substr(0, head->length);
  require(head->length == again->length && head->length <= limits.max_head && whole.ends_with("\r\n\r\n"));
  require(head->headers.size() <= limits.max_headers && !head->method.empty() && !head->path.empty());
  for (const auto part : {head->method, head->target, head->query, head->authority}) require_inside(part, whole);
  if (head->path != "/") require_inside(head->path, whole);  // which may be a constant: http://host has no path
  for (const auto& [name, value] : head->headers) {
    require_inside(name, whole);
    require_inside(value, whole);
    require(value.find_first_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos);
  }
  return 0;
}
