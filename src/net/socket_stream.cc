#include "src/net/socket_stream.h"

#include <sys/socket.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "src/net/connection_context.h"
#include "src/os/tcp_listener.h"

namespace sipwsd::net {
namespace {

using shm::Counter;

// So much is encrypted ahead of a socket that takes no more: what waits in plain text can still be dropped cheaply.
constexpr std::size_t most_encrypted_at_once = 64 * 1024;

}  // namespace

SocketStream::Input SocketStream::read(ConnectionContext& context) {
  const auto buffer = context.read_buffer();
  const ssize_t n = ::recv(socket_.raw(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (n < 0) {
    if (errno == EAGAIN || errno == EINTR) return {};
    context.counters.add(Counter::tcp_con_reset);
    return {.kind = Input::Kind::lost};
  }
  if (n == 0) return {.kind = Input::Kind::ended};
  context.counters.add(Counter::bytes_received, static_cast<std::uint64_t>(n));
  const auto bytes = buffer.first(static_cast<std::size_t>(n));
  if (tls_) return decrypt(context, bytes);
  return {.kind = Input::Kind::bytes, .bytes = bytes};
}

SocketStream::Input SocketStream::start_tls(ConnectionContext& context, tls::Session session, ByteView first) {
  tls_ = std::make_unique<Secure>(std::move(session));
  return decrypt(context, first);
}

SocketStream::Input SocketStream::decrypt(ConnectionContext& context, ByteView wire) {
  const auto progress = tls_->session.feed(wire, context.plain_buffer(), tls_->wire.bytes_for_appending(context.buffers));
  tls_->wire.release_if_empty(context.buffers);
  if (progress.state != tls_->seen && tls_->seen == tls::State::handshaking && progress.state == tls::State::open) {
    context.counters.add(Counter::tls_handshakes);
    if (tls_->session.is_resumed()) context.counters.add(Counter::tls_resumptions);
  }
  tls_->seen = progress.state;
  Input input{.why = progress.why};
  switch (progress.state) {
    case tls::State::handshaking:
    case tls::State::open: break;
    case tls::State::closed: input.kind = Input::Kind::ended; break;
    case tls::State::failed:
      context.counters.add(tls::counter_of(progress.failure));
      input.kind = Input::Kind::bad_tls;
  }
  if (progress.plain == 0) return input;
  // What came before the end or the failure is still good. No later read would tell of them: the socket may stay silent.
  input.then = std::exchange(input.kind, Input::Kind::bytes);
  input.bytes = context.plain_buffer().first(progress.plain);
  return input;
}

std::optional<std::size_t> SocketStream::discard(ConnectionContext& context) {
  const auto buffer = context.read_buffer();
  const ssize_t n = ::recv(socket_.raw(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (n > 0) return static_cast<std::size_t>(n);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  return std::nullopt;
}

void SocketStream::encrypt(ConnectionContext& context) {
  const auto plain = outbox_.pending().substr(0, most_encrypted_at_once);
  if (plain.empty()) return;
  // It fails only when the session has: then nothing more goes out than the alert that is there already.
  if (!tls_->session.write(plain, tls_->wire.bytes_for_appending(context.buffers))) return outbox_.release(context.buffers);
  outbox_.written(context.buffers, plain.size());
}

SocketStream::Flushed SocketStream::flush(ConnectionContext& context) {
  for (bool moved = false;; moved = true) {
    if (tls_ && tls_->wire.is_empty() && tls_->seen != tls::State::handshaking) encrypt(context);
    Outbox& out = tls_ ? tls_->wire : outbox_;
    if (out.is_empty()) return Flushed::all;
    const auto pending = out.pending();
    const ssize_t n = ::send(socket_.raw(), pending.data(), pending.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) {
      if (errno != EAGAIN && errno != EINTR) return Flushed::failed;
      return moved ? Flushed::some : Flushed::nothing;
    }
    context.counters.add(Counter::bytes_sent, static_cast<std::uint64_t>(n));
    const bool took_all = static_cast<std::size_t>(n) == pending.size();
    out.written(context.buffers, static_cast<std::size_t>(n));
    if (!took_all) return Flushed::some;
  }
}

void SocketStream::end(ConnectionContext& context) {
  if (tls_) {
    tls_->session.close(tls_->wire.bytes_for_appending(context.buffers));
    static_cast<void>(flush(context));  // what doesn't fit is not waited for: the FIN says as much
    tls_->wire.release(context.buffers);
  }
  ::shutdown(socket_.raw(), SHUT_WR);
}

void SocketStream::close(BufferPool& pool) noexcept {
  outbox_.release(pool);
  if (tls_) tls_->wire.release(pool);
  tls_.reset();
  socket_.close();
}

void SocketStream::end_abruptly() noexcept { os::set_abortive_close(socket_.raw()); }

}  // namespace sipwsd::net
