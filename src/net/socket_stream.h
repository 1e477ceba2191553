#pragma once
// The bytes of one connection: its socket, and TLS between the socket and everybody above when the listener speaks it.
// What is written in a turn is gathered and leaves at the turn's end: one send, and with TLS as few records as it takes.
// While nothing is under way neither side holds a buffer.

#include <memory>
#include <string_view>

#include "sipwsd/bytes.h"
#include "src/net/outbox.h"
#include "src/os/fd.h"
#include "src/tls/session.h"

namespace sipwsd::net {

struct ConnectionContext;

class SocketStream {
 public:
  struct Input {
    enum class Kind : std::uint8_t {
      nothing,  // for now, or only bytes of TLS itself
      bytes,
      ended,    // the peer has said all it wants to (FIN, close_notify)
      lost,     // reset, or no such socket any more
      bad_tls,  // the alert that says so is in the outbox
    };
    Kind kind = Kind::nothing;
    Kind then = Kind::nothing;  // what came behind the bytes in the same read: ended, bad_tls
    MutableBytes bytes{};  // plaintext, in the worker's buffer: good until the next read of any connection
    std::string_view why{};
  };
  enum class Flushed : std::uint8_t { all, some, nothing, failed };

  explicit SocketStream(os::Fd socket) noexcept : socket_(std::move(socket)) {}

  // One recv of at most a turn's share (ConnectionContext::turn_bytes).
  Input read(ConnectionContext& context);
  // From now on it is TLS; `first` is what was read before this was known.
  Input start_tls(ConnectionContext& context, tls::Session session, ByteView first);
  // Reads and throws away; how many bytes, 0 when there are none now. nullopt: the peer has ended or is lost.
  std::optional<std::size_t> discard(ConnectionContext& context);

  void write(BufferPool& pool, std::string_view bytes) { outbox_.append(pool, bytes); }
  // As much as the socket takes. How many bytes it took is counted in bytes_sent.
  Flushed flush(ConnectionContext& context);
  // Everything written so far is out: no more will come (close_notify, FIN).
  void end(ConnectionContext& context);
  void close(BufferPool& pool) noexcept;
  void end_abruptly() noexcept;  // the next close() answers RST

  [[nodiscard]] bool is_open() const noexcept { return socket_.is_open(); }
  [[nodiscard]] int raw() const noexcept { return socket_.raw(); }
  // Something the socket could be given: what waits for the end of a TLS handshake can't.
  [[nodiscard]] bool has_unsent() const noexcept {
    if (!tls_) return !outbox_.is_empty();
    return !tls_->wire.is_empty() || (!outbox_.is_empty() && tls_->seen != tls::State::handshaking);
  }
  [[nodiscard]] std::size_t unsent() const noexcept { return outbox_.size() + (tls_ ? tls_->wire.size() : 0); }
  [[nodiscard]] const tls::Session* tls() const noexcept { return tls_ ? &tls_->session : nullptr; }

 private:
  struct Secure {
    explicit Secure(tls::Session&& begun) noexcept : session(std::move(begun)) {}
    tls::Session session;
    Outbox wire;  // ciphertext that waits for the socket; outbox_ holds what is not yet encrypted
    tls::State seen = tls::State::handshaking;
  };
  Input decrypt(ConnectionContext& context, ByteView wire);
  void encrypt(ConnectionContext& context);

  os::Fd socket_;
  Outbox outbox_;
  std::unique_ptr<Secure> tls_;
};

}  // namespace sipwsd::net
