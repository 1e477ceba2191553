// links: location base
// Any user part as a flow token: only what make() wrote is read, and it is read as what it was made from.

#include "src/location/flow_token.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace sipwsd;

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view in{reinterpret_cast<const char*>(data), size};
  const location::FlowTokens tokens({1, 2}), others({1, 3});
  const auto read = tokens.read(in);
  if (read) {  // by luck of 2^-64, or because it is in the corpus
    const auto again = tokens.make(*read);
    require(std::string_view(again.data(), again.size()) == in);
  } else {
    require(read.is(Errc::not_found) || read.is(Errc::refused));
    require(read.is(Errc::not_found) || in.size() == 27);
  }

  const auto byte = [&](std::size_t i) { return i < size ? data[i] : std::uint8_t{0}; };
  const auto flow = [&](std::size_t i) {
    return Flow{ConnectionId{std::uint32_t{byte(i)} << 24 | std::uint32_t{byte(i + 1)} << 8 | byte(i + 2)},
                static_cast<WorkerSlot>(byte(i + 3) << 8 | byte(i + 4))};
  };
  const location::FlowPair flows{.upstream = flow(0), .downstream = flow(5)};
  auto text = tokens.make(flows);
  const std::string_view view{text.data(), text.size()};
  const auto back = tokens.read(view);
  require(back && back->upstream == flows.upstream && back->downstream == flows.downstream);
  require(others.read(view).is(Errc::refused));
  text[byte(10) % text.size()] = static_cast<char>(byte(11));
  if (const auto changed = tokens.read(view)) require(changed->upstream == flows.upstream && changed->downstream == flows.downstream);
  return 0;
}
