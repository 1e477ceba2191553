#pragma once
// The client role of RFC 6455 over TCP or TLS, as far as a load generator needs it: handshake (4.1) with every answer
// field checked, masked frames out, unmasked frames in, fragments joined, pings answered, closing handshake (7.1).
// Written apart from src/ws on purpose: a client that shared the server's codec would share its mistakes.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "tests/bench/loop.h"
#include "tests/bench/tls_client.h"

namespace sipwsd::bench {

struct Target {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
  std::string sub_protocol = "sip";
  TlsContext* tls = nullptr;  // wss with this context; it outlives the connections
  std::string source = {};    // the client's address; empty: the system's choice
  std::uint16_t udp_port = 0;  // of phones on UDP; at the same address
};

// How a connection ended.
struct Ending {
  bool was_open = false;         // the 101 had been seen
  bool clean = false;            // Close frames went both ways before TCP ended
  std::uint16_t close_code = 0;  // of the peer's Close frame; 1005 when it had none, 0 without a frame
  std::string why;               // ours, when we gave up: what the peer did wrong
};

class WebSocketClient final : private Loop::Watcher {
 public:
  class Events {
   public:
    virtual void on_open() = 0;
    virtual void on_text(std::string_view message) = 0;
    virtual void on_pong(std::string_view payload) = 0;
    virtual void on_ended(const Ending& ending) = 0;

   protected:
    ~Events() = default;
  };
  enum class State { idle, connecting, tls_handshaking, handshaking, open, closing };

  WebSocketClient(Loop& loop, Events& events) : loop_(loop), events_(events) {}
  WebSocketClient(const WebSocketClient&) = delete;
  WebSocketClient& operator=(const WebSocketClient&) = delete;

  void open(const Target& target);
  void send_text(std::string_view message);
  void send_ping(std::string_view payload);
  void close(std::uint16_t code);   // starts the closing handshake; on_ended follows when the server ends TCP
  void fail(std::string_view why);  // drops TCP now; on_ended is called
  void reset();                     // the same with RST instead of FIN

  State state() const noexcept { return state_; }
  bool is_open() const noexcept { return state_ == State::open; }
  // Grows with each open(): tells whether "the connection" is still the one it was.
  std::uint64_t generation() const noexcept { return generation_; }
  bool was_resumed() const { return tls_ && tls_->was_resumed(); }

 private:
  enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

  void on_ready(std::uint32_t events) override;
  void finish_connect();
  void finish_tls();
  void send_handshake();
  void read_socket();
  void consume(std::string_view bytes);
  std::size_t consume_head(std::string_view bytes);
  std::size_t consume_frame(std::string_view bytes);
  void on_frame(Opcode opcode, bool fin, std::string_view payload);
  void send_frame(Opcode opcode, std::string_view payload);
  void send_bytes(std::string_view bytes);
  void flush();
  // recv() and send(), through TLS when there is any.
  ssize_t receive(char* to, std::size_t size);
  ssize_t transmit(std::string_view bytes);
  void end(std::string_view why);

  Loop& loop_;
  Events& events_;
  Target target_;
  Fd fd_;
  std::unique_ptr<TlsStream> tls_;  // while connected by wss
  State state_ = State::idle;
  std::uint64_t generation_ = 0;
  std::size_t key_ = 0;     // which of the prepared Sec-WebSocket-Keys
  std::string partial_in_;  // an incomplete head or frame; empty most of the time
  std::string fragments_;   // of a fragmented message
  std::string unsent_;      // what the socket did not take
  bool close_sent_ = false;
  bool close_received_ = false;
  std::uint16_t close_code_ = 0;
};

}  // namespace sipwsd::bench
