#pragma once
// A WebSocket client on a blocking socket, plain or TLS, for tests: it can do everything wrong. It has its own frame writer
// and reader, so that a mistake in the daemon's codec does not agree with itself.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/deadline.h"
#include "tests/support/tls_channel.h"

namespace sipwsd::test {

struct HttpReply {
  std::string status_line;
  std::vector<std::pair<std::string, std::string>> headers;  // in order
  std::string body;
  std::string head;  // as it came, with the empty line
  [[nodiscard]] int status() const;
  [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
};

struct Frame {
  std::uint8_t first = 0;  // FIN, RSV, opcode
  bool masked = false;
  std::string payload;
  [[nodiscard]] int opcode() const { return first & 0x0f; }
  [[nodiscard]] bool is_text() const { return first == 0x81; }
  [[nodiscard]] bool is_binary() const { return first == 0x82; }
  [[nodiscard]] bool is_close() const { return first == 0x88; }
  [[nodiscard]] bool is_ping() const { return first == 0x89; }
  [[nodiscard]] bool is_pong() const { return first == 0x8a; }
  // Of a Close: 0 when it has none.
  [[nodiscard]] int close_code() const;
  [[nodiscard]] std::string close_reason() const { return payload.size() > 2 ? payload.substr(2) : ""; }
};

namespace op {
inline constexpr std::uint8_t more = 0x00, text = 0x81, binary = 0x82, close = 0x88, ping = 0x89, pong = 0x8a;
inline constexpr std::uint8_t first_text = 0x01, first_binary = 0x02, last = 0x80;  // fragments
}  // namespace op

// A masked frame; `first` is the whole first byte.
std::string frame(std::uint8_t first, std::string_view payload);
// Only its header, with any length: 2, 4 or 10 bytes and the mask.
std::string frame_header(std::uint8_t first, std::uint64_t announced);
std::string close_payload(int code, std::string_view reason = {});

class WsClient {
 public:
  struct Offer {
    std::string target = "/";
    std::string host{};                        // empty: 127.0.0.1:PORT
    std::string protocol = "sip";              // empty: offers none
    std::vector<std::string> headers{};        // further lines
  };
  static constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";         // RFC 6455 1.3, so the answer is known
  static constexpr std::string_view accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

  // TCP only.
  explicit WsClient(std::uint16_t port, int receive_buffer = 0);
  // TCP, and TLS when there are options for it; throws when the TLS handshake is refused.
  static WsClient connect(std::uint16_t port, const std::optional<TlsOptions>& tls);
  // A WebSocket that is open; throws when it is refused.
  static WsClient open(std::uint16_t port) { return open(port, Offer{}); }
  static WsClient open(std::uint16_t port, const Offer& offer, const std::optional<TlsOptions>& tls = {});
  ~WsClient();
  WsClient(WsClient&& other) noexcept;
  WsClient& operator=(WsClient&& other) noexcept;

  static std::string request(std::uint16_t port, const Offer& offer);
  HttpReply handshake(const Offer& offer);
  HttpReply handshake() { return handshake(Offer{}); }
  HttpReply read_reply();

  void send_raw(std::string_view bytes);
  // False when the peer has gone: for tests in which it may.
  bool try_send_raw(std::string_view bytes);
  void send_text(std::string_view payload) { send_raw(frame(op::text, payload)); }
  void send_binary(std::string_view payload) { send_raw(frame(op::binary, payload)); }
  void send_ping(std::string_view payload = {}) { send_raw(frame(op::ping, payload)); }
  void send_close(int code, std::string_view reason = {}) { send_raw(frame(op::close, close_payload(code, reason))); }
  // Our FIN (over TLS our close_notify, then the FIN); we go on reading.
  void end_sending();
  // A reset, as when the machine loses power and comes back.
  void abort();
  void disconnect();

  // The next frame; throws when none comes, or when the connection ends.
  Frame receive();
  // The same, but nothing when the connection has ended.
  std::optional<Frame> receive_or_end();
  // Nothing may come but the end; throws otherwise. True for EOF, false for a reset.
  bool expect_end();
  // Frames up to the Close, which must come; the others are dropped.
  Frame receive_close();
  // Is there a byte to read, or the end, within this time?
  [[nodiscard]] bool has_something_within(std::chrono::milliseconds time);

  [[nodiscard]] std::uint16_t local_port() const { return local_port_; }
  [[nodiscard]] int fd() const { return fd_; }
  // What TLS has agreed on; only of a connection that has it.
  [[nodiscard]] const TlsChannel& tls() const { return tls_.value(); }

 private:
  enum class Got { bytes, eof, reset };
  Got read_more(const Deadline& deadline);

  int fd_ = -1;
  std::uint16_t port_ = 0;
  std::uint16_t local_port_ = 0;
  std::string received_;
  std::optional<TlsChannel> tls_;
};

}  // namespace sipwsd::test
