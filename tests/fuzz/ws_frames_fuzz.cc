// links: ws http base
// Any bytes as frames. The first byte chooses the role and the size limit, the second how the rest is cut; read whole
// and read in pieces, the events are the same, and no more is held than has come.

#include "src/base/overload.h"
#include "src/ws/frame_encoder.h"
#include "src/ws/receiver.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace sipwsd;

void require(bool condition) {
  if (!condition) std::abort();
}

std::string told(const ws::Event& event) {
  return std::visit(base::Overload{
                        [](const ws::Message& m) {
                          if (m.opcode == ws::Opcode::text)
                            require(ws::opcode_for(as_text(m.payload)) == ws::Opcode::text);
                          return std::string{m.opcode == ws::Opcode::text ? "t" : "b"}.append(as_text(m.payload));
                        },
                        [](const ws::Ping& p) { return std::string{"i"}.append(as_text(p.payload)); },
                        [](const ws::Pong& p) { return std::string{"o"}.append(as_text(p.payload)); },
                        [](const ws::Closed& c) {
                          require(c.code == ws::CloseCode::no_status || ws::close_frame(c.code, c.reason));
                          return "c" + std::to_string(ws::number(c.code)).append(c.reason);
                        },
                        [](const ws::Failed& f) {
                          require(static_cast<bool>(ws::close_frame(f.code, f.reason)));
                          return "f" + std::to_string(ws::number(f.code));
                        },
                    },
                    event);
}

std::vector<std::string> events_of(ByteView in, std::size_t piece, ws::Role role, const ws::ReceiveLimits& limits) {
  ws::Receiver receiver{role};
  std::vector<std::string> events;
  std::size_t fed = 0;
  while (!in.empty()) {
    std::vector<std::byte> buffer(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(std::min(piece, in.size())));
    in = in.subspan(buffer.size());
    fed += buffer.size();
    MutableBytes unread{buffer};
    while (const auto event = receiver.next(unread, limits)) {
      require(!receiver.has_ended() || events.empty() || (events.back()[0] != 'c' && events.back()[0] != 'f'));
      events.push_back(told(*event));
    }
    require(unread.empty());
    require(receiver.memory_held() <= 2 * fed + 1024);
    require(!receiver.is_idle() || receiver.memory_held() == 0);
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const auto role = (data[0] & 1) != 0 ? ws::Role::client : ws::Role::server;
  ws::ReceiveLimits limits;
  limits.max_message_size = 1u << (data[0] >> 1 & 0x0f);
  limits.max_fragments = 16;
  limits.max_empty_fragments = 4;
  const ByteView in{reinterpret_cast<const std::byte*>(data) + 2, size - 2};
  const auto whole = events_of(in, in.size(), role, limits);
  require(whole == events_of(in, 1, role, limits));
  require(whole == events_of(in, data[1] % 61u + 2, role, limits));
  return 0;
}
