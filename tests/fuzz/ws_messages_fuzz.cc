// links: ws http base
// A connection, written by the input: frames of every kind in any order, whole messages in fragments with control frames
// between them, compressed or not, and raw bytes; then cut into reads in any way. The events are those of a plain
// reading of the whole; how it was cut changes nothing; what is held is bounded; after our Close no message comes.

#include "src/base/overload.h"
#include "src/ws/frame_encoder.h"
#include "src/ws/permessage_deflate.h"
#include "src/ws/receiver.h"
#include "tests/fuzz/reference_receiver.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace sipwsd;

void require(bool condition) {
  if (!condition) std::abort();
}

// What is left of the input, as decisions.
class Script {
 public:
  explicit Script(std::string_view in) : in_(in) {}
  bool at_end() const { return in_.empty(); }
  unsigned byte() {
    if (in_.empty()) return 0;
    const unsigned value = static_cast<unsigned char>(in_.front());
    in_.remove_prefix(1);
    return value;
  }
  std::string bytes(std::size_t size) {
    const std::string taken{in_.substr(0, size)};
    in_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view in_;
};

struct Rules {
  ws::Role role;
  bool deflate, takeover;
  ws::ReceiveLimits limits;
  ws::DeflateAgreement agreement() const {
    return {.server_no_context_takeover = !takeover, .client_no_context_takeover = !takeover};
  }
};

class Writer {
 public:
  explicit Writer(const Rules& rules)
      : rules_(rules),
        peer_{small_windows(rules), streams(), rules.role == ws::Role::server ? ws::Role::client : ws::Role::server} {}

  void frame(unsigned first, std::string payload, unsigned mask) {
    std::array<std::byte, ws::max_frame_header> header;
    std::size_t size;
    if (rules_.role == ws::Role::server) {
      const ws::MaskKey key{std::byte(mask), std::byte(mask * 3), std::byte{0}, std::byte(mask >> 1)};
      size = ws::encode_masked_header(header, ws::Opcode::text, payload.size(), key);
      ws::apply_mask({reinterpret_cast<std::byte*>(payload.data()), payload.size()}, key);
    } else {
      size = ws::encode_header(std::span{header}.first<ws::max_server_header>(), ws::Opcode::text, payload.size());
    }
    header[0] = static_cast<std::byte>(first);
    wire_.append(as_text(ByteView{header}.first(size))).append(payload);
  }

  // A message in fragments; each ends where the script says, and may have a control frame behind it.
  void message(Script& script) {
    const unsigned how = script.byte();
    auto payload = script.bytes(script.byte() * ((how & 0x40) != 0 ? 5 : 1));
    for (unsigned times = how >> 2 & 3; times > 0; --times) payload += payload;
    unsigned first = 1 + (how & 1);
    if (rules_.deflate && (how & 2) != 0) {
      const auto outgoing = peer_.outgoing(as_bytes(payload));
      if (outgoing.compressed) first |= 0x40;
      payload = std::string{as_text(outgoing.payload)};
    }
    for (unsigned fragments = how >> 4 & 3; fragments > 0; --fragments) {
      const std::size_t size = std::min<std::size_t>(script.byte(), payload.size());
      frame(first, payload.substr(0, size), script.byte());
      payload.erase(0, size);
      first = 0;
      if ((script.byte() & 3) == 0) control(script);
    }
    frame(first | 0x80, std::move(payload), script.byte());
  }
  void control(Script& script) {
    const unsigned how = script.byte();
    frame(0x80 | (9 + (how & 1)), script.bytes(how >> 1), how);
  }
  void close(Script& script) { frame(0x88, script.bytes(script.byte() & 0x7f), 7); }
  void any_frame(Script& script) {
    const unsigned first = script.byte();
    frame(first, script.bytes(script.byte() & 0x3f), script.byte());
  }
  void raw(std::string bytes) { wire_ += bytes; }

  const std::string& wire() const { return wire_; }

 private:
  // Made quickly, many times a second.
  static ws::DeflateAgreement small_windows(const Rules& rules) {
    auto agreement = rules.agreement();
    agreement.server_max_window_bits = agreement.client_max_window_bits = 10;
    return agreement;
  }
  static ws::SharedDeflate& streams() {
    static ws::SharedDeflate streams{{.level = 1, .min_size = 1}};
    return streams;
  }

  const Rules& rules_;
  ws::PerMessageDeflate peer_;
  std::string wire_;
};

std::string told(const ws::Event& event) {
  return std::visit(base::Overload{
                        [](const ws::Message& m) {
                          return std::string{m.opcode == ws::Opcode::text ? "t" : "b"}.append(as_text(m.payload));
                        },
                        [](const ws::Ping& p) { return std::string{"i"}.append(as_text(p.payload)); },
                        [](const ws::Pong& p) { return std::string{"o"}.append(as_text(p.payload)); },
                        [](const ws::Closed& c) { return "c" + std::to_string(ws::number(c.code)).append(c.reason); },
                        [](const ws::Failed& f) { return "f" + std::to_string(ws::number(f.code)); },
                    },
                    event);
}

// `seed` chooses how it is cut: 0 whole, 1 byte by byte, else pieces that vary. We send our Close after `close_after`
// reads.
std::vector<std::string> events_of(std::string_view wire, const Rules& rules, std::uint32_t seed,
                                   std::size_t close_after = ~std::size_t{0}) {
  static ws::SharedDeflate shared{{.level = 1, .min_size = 1}};
  ws::PerMessageDeflate deflate{rules.agreement(), shared};
  ws::Receiver receiver{rules.role};
  std::vector<std::string> events;
  std::size_t fed = 0;
  for (std::size_t reads = 0; !wire.empty(); ++reads) {
    if (reads == close_after) receiver.discard_data();
    const std::size_t size = seed == 0 ? wire.size() : seed == 1 ? 1 : (seed = seed * 1664525 + 1013904223) >> 27;
    const auto piece = wire.substr(0, size);
    wire.remove_prefix(piece.size());
    fed += piece.size();
    std::vector<std::byte> buffer(as_bytes(piece).begin(), as_bytes(piece).end());
    MutableBytes unread{buffer};
    while (const auto event = receiver.next(unread, rules.limits, rules.deflate ? &deflate : nullptr)) {
      events.push_back(told(*event));
      require(reads < close_after || !std::holds_alternative<ws::Message>(*event));
    }
    require(unread.empty());
    require(receiver.memory_held() <= 2 * fed + 1024);
    require(!receiver.is_idle() || receiver.memory_held() == 0);
    require(!rules.takeover || !rules.deflate || deflate.memory_held() <= 41 * 1024);
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  Rules rules;
  rules.role = (data[0] & 1) != 0 ? ws::Role::client : ws::Role::server;
  rules.deflate = (data[0] & 2) != 0;
  rules.takeover = (data[0] & 4) != 0;
  rules.limits.max_message_size = 1u << (4 + (data[0] >> 4));
  rules.limits.max_fragments = 12;
  rules.limits.max_empty_fragments = (data[0] & 8) != 0 ? 1 : 5;
  Script script{{reinterpret_cast<const char*>(data) + 3, size - 3}};
  Writer writer{rules};
  while (!script.at_end() && writer.wire().size() < 100000) {
    const unsigned what = script.byte();
    switch (what & 7) {
      case 0:
      case 1:
      case 2:
      case 3: writer.message(script); break;
      case 4: writer.control(script); break;
      case 5: writer.any_frame(script); break;
      case 6: writer.raw(script.bytes(what >> 3)); break;
      case 7:
        if (what > 0xf0) writer.close(script);
        break;
    }
  }
  const auto& wire = writer.wire();
  const fuzz::ReferenceRules reference{.from_client = rules.role == ws::Role::server,
                                       .deflate = rules.deflate,
                                       .takeover = rules.takeover,
                                       .max_message_size = rules.limits.max_message_size,
                                       .max_fragments = rules.limits.max_fragments,
                                       .max_empty_fragments = rules.limits.max_empty_fragments};
  const auto expected = fuzz::ReferenceReceiver{wire, reference}.events();
  require(events_of(wire, rules, 0) == expected);
  require(events_of(wire, rules, 2u + data[1]) == expected);
  if (wire.size() < 2000) require(events_of(wire, rules, 1) == expected);
  events_of(wire, rules, 2u + data[1], data[2]);
  return 0;
}
