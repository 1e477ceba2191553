#pragma once
// An attack as data: how many connections, how far each behaves well, what it sends then and how fast, and what it
// does at the end. The rows are in attacks.cc; Attacker carries one out.

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sipwsd::abuse {

// The next bytes of a connection; `sequence` counts its calls, so that no two requests need be the same.
using Bytes = std::string (*)(std::size_t connection, std::uint64_t sequence);

enum class Port { ws, wss };
enum class Opening {
  raw,      // TCP only, on a wss port, too
  tls,      // the TLS handshake
  upgrade,  // the WebSocket handshake, on a wss port through TLS
};
enum class Pace {
  once,
  byte_a_second,
  ten_a_second,
  flood,  // as fast as the socket takes them
};
enum class Act {
  send,
  ask_for_new_keys,  // TLS 1.3
  renegotiate,       // TLS 1.2
};
enum class Reads { everything, nothing };
enum class Then { stay, close, reset };

struct Attack {
  std::string_view name;
  std::size_t connections = 0;  // at the same time
  std::size_t quick = 0;        // the same in quick mode
  std::size_t addresses = 1;    // they come from; each attack has its own, so that none inherits another's ban
  Port port = Port::ws;
  Opening opening = Opening::raw;
  Bytes first = nullptr;  // once, before the rest
  Bytes bytes = nullptr;
  Pace pace = Pace::once;
  Act act = Act::send;
  Reads reads = Reads::everything;
  Then then = Then::stay;  // after everything was sent; never after a flood
  std::chrono::milliseconds again{-1};  // opened again so long after its end; negative: never
  std::chrono::seconds lasts{10};
};

std::span<const Attack> attacks();

}  // namespace sipwsd::abuse
