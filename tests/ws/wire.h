#pragma once
// Frames by hand and events as text, for the tables of the WebSocket tests. Nothing here uses the encoder under test.

#include "sipwsd/bytes.h"
#include "src/base/overload.h"
#include "src/ws/receiver.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace sipwsd::ws::wire {

constexpr std::uint8_t fin = 0x80, rsv1 = 0x40, rsv2 = 0x20, rsv3 = 0x10;
constexpr std::uint8_t continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10;

inline const std::string key = "\x37\xfa\x21\x3d";  // RFC 6455 5.7

inline std::string number(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}

// First byte, mask bit and the minimal length.
inline std::string header(int first, std::uint64_t length, bool masked = true) {
  const std::uint8_t mask = masked ? 0x80 : 0;
  std::string out(1, static_cast<char>(first));
  if (length < 126) return out + number(mask | length, 1);
  if (length < 65536) return out + number(mask | 126u, 1) + number(length, 2);
  return out + number(mask | 127u, 1) + number(length, 8);
}

inline std::string masked(std::string payload, const std::string& with = key) {
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(payload[i] ^ with[i % 4]);
  return payload;
}

// As a client sends it: `first` is opcode and FIN bit, e.g. fin | text.
inline std::string frame(int first, const std::string& payload) {
  return header(first, payload.size()) + key + masked(payload);
}
inline std::string server_frame(int first, const std::string& payload) {
  return header(first, payload.size(), false) + payload;
}
inline std::string close_payload(std::uint16_t code, const std::string& reason = {}) {
  return number(code, 2) + reason;
}

inline std::string shown(const std::string& payload) {
  return payload.size() <= 200
             ? payload
             : std::to_string(payload.size()) + " bytes, hash " + std::to_string(std::hash<std::string>{}(payload));
}

inline std::string describe(const Event& event) {
  const auto words = [](ByteView bytes) { return shown(std::string{as_text(bytes)}); };
  return std::visit(
      base::Overload{
          [&](const Message& m) { return (m.opcode == Opcode::text ? "text " : "binary ") + words(m.payload); },
          [&](const Ping& p) { return "ping " + words(p.payload); },
          [&](const Pong& p) { return "pong " + words(p.payload); },
          [](const Closed& c) { return "closed " + std::to_string(ws::number(c.code)) + " " + std::string{c.reason}; },
          [](const Failed& f) { return "failed " + std::to_string(ws::number(f.code)); },
      },
      event);
}

// One read: the bytes go through a buffer that is overwritten afterwards, as a buffer shared by connections is.
inline void feed(Receiver& receiver, std::string_view piece, const ReceiveLimits& limits,
                 std::vector<std::string>& events, PerMessageDeflate* deflate = nullptr) {
  std::vector<std::byte> buffer(as_bytes(piece).begin(), as_bytes(piece).end());
  MutableBytes unread{buffer};
  while (const auto event = receiver.next(unread, limits, deflate)) events.push_back(describe(*event));
  if (!unread.empty()) events.push_back("left bytes in the buffer");
}

inline std::vector<std::string> receive(const std::vector<std::string>& pieces, const ReceiveLimits& limits = {},
                                        Role role = Role::server, PerMessageDeflate* deflate = nullptr) {
  Receiver receiver{role};
  std::vector<std::string> events;
  for (const auto& piece : pieces) feed(receiver, piece, limits, events, deflate);
  return events;
}

inline std::vector<std::string> cut(const std::string& bytes, std::size_t size) {
  std::vector<std::string> pieces;
  for (std::size_t at = 0; at < bytes.size(); at += size) pieces.push_back(bytes.substr(at, size));
  return pieces;
}

}  // namespace sipwsd::ws::wire
