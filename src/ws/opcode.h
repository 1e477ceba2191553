#pragma once
// RFC 6455 5.2, 11.8.

#include <cstdint>

namespace sipwsd::ws {

enum class Opcode : std::uint8_t { continuation = 0x0, text = 0x1, binary = 0x2, close = 0x8, ping = 0x9, pong = 0xa };

constexpr bool is_known(std::uint8_t bits) noexcept { return bits <= 0x2 || (bits >= 0x8 && bits <= 0xa); }
constexpr bool is_control(Opcode opcode) noexcept { return (static_cast<std::uint8_t>(opcode) & 0x8) != 0; }

// Which end of the connection we are. The daemon is a server; tests and the load generator are clients.
enum class Role : std::uint8_t { server, client };

}  // namespace sipwsd::ws
