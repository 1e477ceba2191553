#include "tests/abuse/attack.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tests/bench/tls_client.h"

namespace sipwsd::abuse {
namespace {

using namespace std::chrono_literals;

// A client's frame (RFC 6455 5.2). The mask is zero, which is allowed and costs nothing.
enum class Fin { no, yes };
void append_frame(std::string& out, Fin fin, int opcode, std::string_view payload) {
  out += static_cast<char>((fin == Fin::yes ? 0x80 : 0) | opcode);
  if (payload.size() < 126) {
    out += static_cast<char>(0x80 | payload.size());
  } else {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size());
  }
  out.append(4, '\0');
  out += payload;
}
constexpr int continuation = 0, text = 1, ping = 9;

std::string frames(std::size_t count, Fin fin, int opcode, std::string_view payload) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) append_frame(out, fin, opcode, payload);
  return out;
}

std::string pings(std::size_t, std::uint64_t) {
  static const auto block = frames(500, Fin::yes, ping, "0123456789");
  return block;
}
std::string start_of_message(std::size_t, std::uint64_t) { return frames(1, Fin::no, text, "O"); }
std::string one_byte_fragments(std::size_t, std::uint64_t) {
  static const auto block = frames(1000, Fin::no, continuation, "x");
  return block;
}
std::string empty_fragments(std::size_t, std::uint64_t) {
  static const auto block = frames(1000, Fin::no, continuation, "");
  return block;
}
std::string tiny_texts(std::size_t, std::uint64_t) {
  static const auto block = frames(1000, Fin::yes, text, "x");
  return block;
}
std::string double_crlfs(std::size_t, std::uint64_t) {
  static const auto block = frames(1000, Fin::yes, text, "\r\n\r\n");  // RFC 5626 4.4.1: to be answered with CRLF
  return block;
}

std::string sip(std::string_view method, std::string_view uri, std::string_view user, std::string_view id, std::string_view to,
                std::string_view more, std::string_view body) {
  return fmt::format(
      "{0} {1} SIP/2.0\r\nVia: SIP/2.0/WS {2}.invalid;branch=z9hG4bK{3}\r\nMax-Forwards: 69\r\nTo: <{4}>\r\n"
      "From: <sip:{2}@example.com>;tag={3}\r\nCall-ID: {3}\r\nCSeq: 1 {0}\r\n{5}Content-Length: {6}\r\n\r\n{7}",
      method, uri, user, id, to, more, body.size(), body);
}

std::string options_requests(std::size_t connection, std::uint64_t sequence) {
  std::string out;
  for (int i = 0; i < 40; ++i)
    append_frame(out, Fin::yes, text,
                 sip("OPTIONS", "sip:example.com", fmt::format("flood{}", connection), fmt::format("o{}x{}x{}", connection, sequence, i),
                     "sip:example.com", "", ""));
  return out;
}

std::string slow_user(std::size_t connection) { return fmt::format("slow{}", connection); }
std::string registration(std::size_t connection, std::uint64_t sequence) {
  const auto user = slow_user(connection);
  const auto address = fmt::format("sip:{}@example.com", user);
  std::string out;
  append_frame(out, Fin::yes, text,
               sip("REGISTER", "sip:example.com", user, fmt::format("r{}x{}", connection, sequence), address,
                   fmt::format("Contact: <sip:{0}@{0}.invalid;transport=ws>;expires=600\r\n", user), ""));
  return out;
}
// To its neighbour, which does not read either.
std::string messages_to_neighbour(std::size_t connection, std::uint64_t sequence) {
  static const std::string body(1000, 'm');
  const auto to = fmt::format("sip:{}@example.com", slow_user(connection ^ 1));
  std::string out;
  for (int i = 0; i < 20; ++i)
    append_frame(out, Fin::yes, text,
                 sip("MESSAGE", to, slow_user(connection), fmt::format("m{}x{}x{}", connection, sequence, i), to,
                     "Content-Type: text/plain\r\n", body));
  return out;
}

std::string slow_head(std::size_t, std::uint64_t) {
  return "GET / HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Patience: " + std::string(4000, 'z');
}
std::string huge_head(std::size_t, std::uint64_t) {
  static const auto head = [] {
    std::string out = "GET / HTTP/1.1\r\nHost: example.com\r\n";
    for (int i = 0; out.size() < 1'000'000; ++i) out += fmt::format("X-Header-{}: {}\r\n", i, std::string(200, 'y'));
    return out;
  }();
  return head;
}

// Bytes without sense but the same in every run.
std::string noise(std::size_t size, std::uint64_t seed) {
  std::string out(size, '\0');
  for (auto& c : out) {
    seed = seed * 6364136223846793005 + 1442695040888963407;
    c = static_cast<char>(seed >> 56);
  }
  return out;
}
std::string garbage(std::size_t connection, std::uint64_t sequence) { return noise(4096, connection * 7919 + sequence + 1); }
std::string http_garbage(std::size_t connection, std::uint64_t sequence) {
  constexpr std::array<std::string_view, 8> lines{
      "GET / HTTP/9.9\r\n\r\n",
      "GET\r\n\r\n",
      "\r\n\r\n\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      "GET / HTTP/1.1\r\n folded: yes\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 99999999999\r\n\r\n",
      "GET http://example.com:99999/ HTTP/1.1\r\nHost: example.com\r\nSec-WebSocket-Key: x\r\nUpgrade: websocket\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  };
  const auto which = (connection + sequence) % (lines.size() + 1);
  return which < lines.size() ? std::string(lines[which]) : noise(300, connection);
}

std::string half_hello(std::size_t, std::uint64_t) {
  static const auto hello = bench::client_hello();
  return hello.substr(0, hello.size() / 2);
}
// Each connection leaves somewhere else in its first flight.
std::string part_of_hello(std::size_t connection, std::uint64_t sequence) {
  static const auto hello = bench::client_hello();
  return hello.substr(0, (connection * 31 + sequence * 7) % (hello.size() + 1));
}
// After a whole ClientHello: records that are well-formed and senseless (RFC 8446 5: change_cipher_spec is to be
// ignored during a handshake).
std::string whole_hello(std::size_t, std::uint64_t) { return bench::client_hello(); }
std::string cipher_spec_records(std::size_t, std::uint64_t) {
  static const auto block = [] {
    std::string out;
    for (int i = 0; i < 1000; ++i) out += std::string_view("\x14\x03\x03\x00\x01\x01", 6);
    return out;
  }();
  return block;
}

constexpr auto table = std::to_array<Attack>({
    {.name = "slowloris handshakes", .connections = 2000, .quick = 200, .addresses = 100, .bytes = slow_head, .pace = Pace::byte_a_second, .again = 100ms, .lasts = 15s},
    {.name = "slowloris handshakes, wss", .connections = 1000, .addresses = 100, .port = Port::wss, .opening = Opening::tls, .bytes = slow_head, .pace = Pace::byte_a_second, .again = 100ms, .lasts = 15s},
    {.name = "half-open TLS", .connections = 1000, .quick = 200, .addresses = 50, .port = Port::wss, .bytes = half_hello, .again = 100ms, .lasts = 15s},
    {.name = "idle TCP, not a byte", .connections = 5000, .quick = 300, .addresses = 250, .again = 100ms, .lasts = 15s},
    {.name = "idle TCP on the TLS port", .connections = 5000, .addresses = 250, .port = Port::wss, .again = 100ms, .lasts = 15s},
    {.name = "5000 connections from one address", .connections = 5000, .quick = 300, .opening = Opening::upgrade, .again = 500ms},
    {.name = "slow readers", .connections = 100, .quick = 20, .addresses = 10, .opening = Opening::upgrade, .first = registration, .bytes = messages_to_neighbour, .pace = Pace::ten_a_second, .reads = Reads::nothing, .again = 500ms},
    {.name = "unfinished fragments", .connections = 1000, .quick = 100, .addresses = 50, .opening = Opening::upgrade, .bytes = start_of_message, .again = 500ms, .lasts = 15s},
    {.name = "ping flood x4", .connections = 4, .quick = 4, .addresses = 4, .opening = Opening::upgrade, .bytes = pings, .pace = Pace::flood, .again = 10ms},
    {.name = "1-byte fragments flood x4", .connections = 4, .quick = 4, .addresses = 4, .opening = Opening::upgrade, .first = start_of_message, .bytes = one_byte_fragments, .pace = Pace::flood, .again = 10ms},
    {.name = "empty fragments flood x4", .connections = 4, .quick = 4, .addresses = 4, .opening = Opening::upgrade, .first = start_of_message, .bytes = empty_fragments, .pace = Pace::flood, .again = 10ms},
    {.name = "valid SIP flood x4", .connections = 4, .quick = 4, .addresses = 4, .opening = Opening::upgrade, .bytes = options_requests, .pace = Pace::flood, .again = 10ms},
    {.name = "valid SIP flood x4, wss", .connections = 4, .quick = 4, .addresses = 4, .port = Port::wss, .opening = Opening::upgrade, .bytes = options_requests, .pace = Pace::flood, .again = 10ms},
    {.name = "valid SIP flood x4, answers not read", .connections = 4, .quick = 4, .addresses = 4, .opening = Opening::upgrade, .bytes = options_requests, .pace = Pace::flood, .reads = Reads::nothing, .again = 10ms},
    {.name = "tiny text frames flood x4", .connections = 4, .quick = 4, .addresses = 4, .opening = Opening::upgrade, .bytes = tiny_texts, .pace = Pace::flood, .again = 10ms},
    {.name = "CRLF keepalive flood x4", .connections = 4, .quick = 4, .addresses = 4, .opening = Opening::upgrade, .bytes = double_crlfs, .pace = Pace::flood, .again = 10ms},
    {.name = "RST storm after the handshake", .connections = 100, .quick = 20, .addresses = 250, .opening = Opening::upgrade, .then = Then::reset, .again = 5ms},
    {.name = "RST storm before it", .connections = 100, .addresses = 250, .then = Then::reset, .again = 5ms},
    {.name = "connect and close storm", .connections = 100, .quick = 20, .addresses = 250, .then = Then::close, .again = 5ms},
    {.name = "HTTP garbage", .connections = 100, .quick = 20, .addresses = 250, .bytes = http_garbage, .again = 5ms},
    {.name = "huge headers", .connections = 50, .quick = 10, .addresses = 50, .bytes = huge_head, .again = 5ms},
    {.name = "garbage on the TLS port", .connections = 100, .quick = 20, .addresses = 250, .port = Port::wss, .bytes = garbage, .again = 5ms},
    {.name = "TLS: leaving during the first flight", .connections = 100, .quick = 20, .addresses = 250, .port = Port::wss, .bytes = part_of_hello, .then = Then::close, .again = 5ms},
    {.name = "TLS: handshake flood x8", .connections = 8, .quick = 8, .addresses = 250, .port = Port::wss, .opening = Opening::tls, .then = Then::close, .again = 0ms},
    {.name = "TLS: record flood x4", .connections = 4, .quick = 4, .addresses = 4, .port = Port::wss, .first = whole_hello, .bytes = cipher_spec_records, .pace = Pace::flood, .again = 10ms},
    {.name = "TLS 1.2: renegotiation flood x4", .connections = 4, .quick = 4, .addresses = 4, .port = Port::wss, .opening = Opening::tls, .pace = Pace::flood, .act = Act::renegotiate, .again = 10ms},
    {.name = "TLS 1.3: KeyUpdate flood x4", .connections = 4, .quick = 4, .addresses = 4, .port = Port::wss, .opening = Opening::tls, .pace = Pace::flood, .act = Act::ask_for_new_keys, .again = 10ms},
});

}  // namespace

std::span<const Attack> attacks() { return table; }

}  // namespace sipwsd::abuse
