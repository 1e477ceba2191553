// links: location base
// Any user part as a flow token: only what make() wrote is read, and it is read as what it was made from.

#include "src/location/flow_token.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace sipwsd;

constexpr std::int64_t lifetime = 86'400, now = 20'000 * lifetime;

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view in{reinterpret_cast<const char*>(data), size};
  const location::FlowTokens tokens({1, 2}, lifetime), others({1, 3}, lifetime);
  const auto read = tokens.read(in, now);
  if (!read) require(read.is(Errc::not_found) || read.is(Errc::refused) || read.is(Errc::gone));

  std::size_t at = 0;
  const auto take = [&](int width) {
    std::uint64_t value = 0;
    for (int i = 0; i < width; ++i) value = value << 8 | (at < size ? data[at] : 0), ++at;
    return value;
  };
  const auto end = [&] {
    location::FlowEnd out;
    const auto kind = take(1);
    if (kind & 1) {
      out.at.flow = {static_cast<ConnectionId>(take(4) | 1), static_cast<WorkerSlot>(take(2))};
    } else if (kind & 2) {
      out.at.remote.protocol = static_cast<TransportProtocol>(take(1) % 7);
      out.at.remote.family = kind & 4 ? AddressFamily::ipv6 : AddressFamily::ipv4;
      for (int i = 0; i < (kind & 4 ? 16 : 4); ++i) out.at.remote.address[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(take(1));
      out.at.remote.port = static_cast<std::uint16_t>(take(2));
    }
    if (kind & 8) out.client = static_cast<ClientId>(take(8));
    return out;
  };
  const location::FlowPair ends{.upstream = end(), .downstream = end()};
  std::string text(std::string_view(tokens.make(ends, now)));
  const auto back = tokens.read(text, now);
  require(back && back->upstream == ends.upstream && back->downstream == ends.downstream);
  require(others.read(text, now).is(Errc::refused));
  const std::string good = text;
  text[take(1) % text.size()] = static_cast<char>(take(1));
  require(text == good || !tokens.read(text, now));
  return 0;
}
