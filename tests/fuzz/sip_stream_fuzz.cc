// links: sip base
// Any bytes as a SIP stream. The first byte chooses the limits, the second how the rest is cut; read whole, read in
// pieces and (when it is short) cut in two at every byte, the events are the same, no more is held than has come, and the
// message parser sees each message end where the framer does.

#include "src/base/overload.h"
#include "src/sip/message.h"
#include "src/sip/stream_framer.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace sipwsd;

void require(bool condition) {
  if (!condition) std::abort();
}

std::string told(const sip::StreamEvent& event) {
  return std::visit(base::Overload{
                        [](const sip::StreamMessage& m) {
                          const auto parsed = sip::parse(m.bytes);
                          require(parsed.length() == m.bytes.size());
                          require(!parsed || parsed->bytes() == m.bytes);
                          return "m" + std::string(m.bytes);
                        },
                        [](const sip::StreamPing&) { return std::string{"i"}; },
                        [](const sip::StreamPong&) { return std::string{"o"}; },
                        [](const sip::StreamFailed& f) {
                          return "f" + std::to_string(f.status) + std::string(f.reason) + std::string(f.head);
                        },
                    },
                    event);
}

// The first piece, then pieces of another size.
std::vector<std::string> events_of(ByteView in, std::size_t first, std::size_t piece, const sip::StreamLimits& limits) {
  sip::StreamFramer framer;
  std::vector<std::string> events;
  std::size_t fed = 0;
  while (!in.empty()) {
    const std::size_t size = std::min(fed == 0 ? first : piece, in.size());
    std::vector<std::byte> buffer(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(size));
    in = in.subspan(buffer.size());
    fed += buffer.size();
    MutableBytes unread{buffer};
    while (const auto event = framer.next(unread, limits)) events.push_back(told(*event));
    require(unread.empty());
    const auto largest = std::max(limits.max_header_bytes, limits.max_message_size) + buffer.size();
    require(framer.memory_held() <= 2 * std::min(fed, largest) + 64);
    require(!framer.is_idle() || framer.memory_held() == 0);
    require(framer.has_ended() == (!events.empty() && events.back()[0] == 'f'));
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const sip::StreamLimits limits{.max_header_bytes = std::size_t{32} << (data[0] & 0x07),
                                 .max_message_size = std::size_t{64} << (data[0] >> 3 & 0x07)};
  const ByteView in{reinterpret_cast<const std::byte*>(data) + 2, size - 2};
  const auto whole = events_of(in, in.size(), in.size(), limits);
  require(whole == events_of(in, 1, 1, limits));
  const std::size_t piece = data[1] % 61u + 2;
  require(whole == events_of(in, piece, piece, limits));
  constexpr std::size_t is_short = 200;
  for (std::size_t at = 1; at < in.size() && in.size() <= is_short; ++at) require(whole == events_of(in, at, in.size(), limits));
  return 0;
}
