// links: net
// Any bytes as STUN: what is answered is answered shortly, and the answer is no request.

#include "src/net/stun.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sipwsd;
  const ByteView in{reinterpret_cast<const std::byte*>(data), size};
  const auto parsed = net::stun::parse(in);
  const auto* request = std::get_if<net::stun::BindingRequest>(&parsed);
  if (request == nullptr) return 0;
  if (!net::stun::looks_like_stun(in) || size < 20 || size % 4 != 0) std::abort();
  Endpoint source;
  source.family = size % 8 == 0 ? AddressFamily::ipv4 : AddressFamily::ipv6;
  const net::stun::Answer answer(*request, source);
  if (answer.bytes().size() > size + 32 || answer.bytes().size() % 4 != 0) std::abort();
  if (!std::holds_alternative<net::stun::NotForUs>(net::stun::parse(answer.bytes()))) std::abort();
  return 0;
}
