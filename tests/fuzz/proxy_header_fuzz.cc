// links: http base
// Any bytes as a PROXY header: no shorter piece of an accepted header is accepted, and nothing behind it matters.

#include "src/http/proxy_protocol.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sipwsd;
  const ByteView in{reinterpret_cast<const std::byte*>(data), size};
  const auto header = http::parse_proxy_header(in);
  if (!header) return 0;
  if (header->length == 0 || header->length > size || header->length > http::max_proxy_header) std::abort();
  const auto exact = http::parse_proxy_header(in.first(header->length));
  if (!exact || exact->length != header->length) std::abort();
  if (!http::parse_proxy_header(in.first(header->length - 1)).is(Errc::incomplete)) std::abort();
  return 0;
}
