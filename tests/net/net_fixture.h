#pragma once
// Connections over socket pairs: the client's end is a bare descriptor in the test's hand, the server's end belongs to a
// real registry in a real loop. Only time is not real.

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "src/net/connection_registry.h"
#include "src/os/signal_fd.h"
#include "src/ws/handshake.h"
#include "tests/support/addresses.h"
#include "tests/support/private_segment.h"
#include "tests/support/ws_client.h"

namespace sipwsd::net {

using test::frame;
namespace op = test::op;

inline const std::string get =
    "GET / HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n\r\n";
inline const std::string switching =
    "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: sip\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nServer: test\r\n\r\n";

// What a server writes: never masked.
inline std::string server_frame(std::uint8_t first, std::string_view payload) {
  std::string out(1, static_cast<char>(first));
  if (payload.size() < 126) {
    out += static_cast<char>(payload.size());
  } else if (payload.size() < 65536) {
    out += static_cast<char>(126);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size());
  } else {
    out += static_cast<char>(127);
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(payload.size() >> shift);
  }
  return out.append(payload);
}
inline std::string server_close(int code, std::string_view reason = {}) { return server_frame(op::close, test::close_payload(code, reason)); }

class ScriptedConnectionUser final : public ConnectionUser {
 public:
  void on_http(StreamConnection& connection, const http::RequestHead& request) override {
    if (http_script) return http_script(connection, request);
    const auto decision = ws::evaluate(request, {});
    if (const auto* acceptance = std::get_if<ws::Acceptance>(&decision)) {
      if (connection.accept(*acceptance)) return;
      ++full;
    }
    connection.reply_and_close("HTTP/1.1 503 Service Unavailable\r\n\r\n");
  }
  void on_message(StreamConnection& connection, ws::Opcode opcode, std::string_view payload) override {
    messages.push_back((opcode == ws::Opcode::text ? "text " : "binary ") + std::string(payload));
    if (message_script) message_script(connection, payload);
  }
  void on_sip(StreamConnection& connection, std::string_view message) override {
    messages.push_back("sip " + std::string(message));
    if (message_script) message_script(connection, message);
  }
  void on_broken_sip(StreamConnection&, const sip::StreamFailed& failure) override {
    messages.push_back("broken " + std::to_string(failure.status));
  }
  void on_closed(StreamConnection& connection, std::string_view cause) override {
    closed.push_back(std::to_string(number(connection.id())) + " " + std::string(cause));
    if (closed_script) closed_script(connection);
  }

  void on_dial_failed(ConnectionId id, const Endpoint& remote) override {
    failed_dials.push_back(std::to_string(number(id)) + " " + remote.to_string());
  }
  void on_datagram(const Arrival& arrival, std::string_view bytes) override {
    if (is_taking_notes) datagrams.push_back(std::string(bytes) + " from " + arrival.remote.to_string() + " to " + arrival.local.to_string());
    if (datagram_script) datagram_script(arrival, bytes);
  }
  void on_datagram_error(const Endpoint& remote, std::string_view head) override {
    returned.push_back(std::string(head) + " to " + remote.to_string());
  }

  std::function<void(StreamConnection&, const http::RequestHead&)> http_script;
  std::function<void(StreamConnection&, std::string_view)> message_script;
  std::function<void(StreamConnection&)> closed_script;
  std::function<void(const Arrival&, std::string_view)> datagram_script;
  std::vector<std::string> messages, closed, failed_dials, datagrams, returned;
  int full = 0;
  bool is_taking_notes = true;  // of datagrams
};

// The client's end.
class Peer {
 public:
  Peer() = default;
  explicit Peer(os::Fd fd) : fd_(std::move(fd)) {}
  void send(std::string_view bytes) { ASSERT_EQ(::send(fd_.raw(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT), static_cast<ssize_t>(bytes.size())); }
  // What has come, without waiting.
  std::string take() {
    std::string all;
    char bytes[16 * 1024];
    for (;;) {
      const ssize_t n = ::recv(fd_.raw(), bytes, sizeof bytes, MSG_DONTWAIT);
      if (n <= 0) {
        ended_ = n == 0 || (errno != EAGAIN && errno != EINTR);
        return all;
      }
      all.append(bytes, static_cast<std::size_t>(n));
    }
  }
  // The server's FIN (or the end of its socket) has come; nothing but it may be there.
  bool has_ended() {
    EXPECT_EQ(take(), "");
    return ended_;
  }
  void end_sending() { ::shutdown(fd_.raw(), SHUT_WR); }
  void leave() { fd_.close(); }

 private:
  os::Fd fd_;
  bool ended_ = false;
};

class NetTest : public ::testing::Test {
 protected:
  static constexpr WorkerSlot slot{0};
  using Strings = std::vector<std::string>;

  NetTest() {
    os::ignore_broken_pipes();
    clock.advance(std::chrono::seconds{10'000});
    settings.server_header = "test";
    loop.run_once(std::chrono::milliseconds{0});
  }

  // Everything that is ready and due is done.
  void turn() {
    for (int i = 0; i < 6; ++i) loop.run_once(std::chrono::milliseconds{0});
  }
  void pass(std::chrono::milliseconds time) {
    clock.advance(time);
    turn();
  }
  // Nothing is ready and nothing is left for the next turn: the loop waits for time to pass.
  bool is_asleep() {
    const auto before = std::chrono::steady_clock::now();
    loop.run_once(std::chrono::milliseconds{20});
    return std::chrono::steady_clock::now() - before >= std::chrono::milliseconds{3};
  }
  Peer connect(int server_send_buffer = 0) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    if (server_send_buffer != 0) ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &server_send_buffer, sizeof server_send_buffer);
    registry.adopt(os::Fd{ends[0]}, test::at("192.0.2.7", 4711), test::at("198.51.100.1", 80));
    return Peer{os::Fd{ends[1]}};
  }
  Peer open(int server_send_buffer = 0) {
    Peer peer = connect(server_send_buffer);
    peer.send(get);
    turn();
    EXPECT_EQ(peer.take(), switching);
    return peer;
  }
  StreamConnection& connection(std::uint32_t id = 1) {
    auto* found = registry.find(ConnectionId{id});
    if (found == nullptr) throw std::runtime_error("no such connection");
    return *found;
  }
  std::optional<shm::ConnectionRecord> record(std::uint32_t id = 1) { return segment->connections.find(ConnectionId{id}); }
  std::uint64_t count(shm::Counter counter) { return segment->value(counter); }

  test::PrivateSegment segment;
  config::Settings settings;
  base::FakeClock clock;
  os::EventLoop loop{clock};
  bus::Mailbox mailbox{segment->mailboxes, shm::process_slot(slot)};
  ScriptedConnectionUser user;
  ConnectionRegistry registry{loop, settings, *segment, segment->counters.row(shm::process_slot(slot)), mailbox, user, slot};
};

}  // namespace sipwsd::net
