#include "src/net/stream_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "src/base/overload.h"
#include "src/http/reply_writer.h"
#include "src/http/status.h"
#include "src/os/tcp_listener.h"
#include "src/ws/close_code.h"
#include "src/ws/frame_encoder.h"

namespace sipwsd::net {
namespace {

using namespace std::chrono_literals;
using shm::Counter;

// After our last byte: long enough for a peer to read it and end its side, short enough for one that never does.
constexpr auto linger_time = 2s;
constexpr std::uint32_t max_discarded = 256 * 1024;
// What may follow the GET in the same segments before the 101 is out (S07).
constexpr std::size_t max_pipelined = 8 * 1024;

std::string_view text_of(MutableBytes bytes) { return as_text(ByteView{bytes}); }

Counter frames_in(SubProtocol p) {
  return p == SubProtocol::msrp ? Counter::ws_msrp_received_frames : Counter::ws_sip_received_frames;
}
Counter frames_out(SubProtocol p) {
  return p == SubProtocol::msrp ? Counter::ws_msrp_transmitted_frames : Counter::ws_sip_transmitted_frames;
}

// On a tcp or tls listener a connection is a WebSocket from its upgrade on.
TransportProtocol websocket_over(TransportProtocol transport) {
  switch (transport) {
    case TransportProtocol::tcp: return TransportProtocol::ws;
    case TransportProtocol::tls: return TransportProtocol::wss;
    default: return transport;
  }
}

Counter counter_of(ws::CloseCode failure) {
  switch (failure) {
    case ws::CloseCode::message_too_big: return Counter::oversized_messages;
    case ws::CloseCode::invalid_payload: return Counter::utf8_errors;
    default: return Counter::protocol_errors;
  }
}

}  // namespace

StreamConnection::StreamConnection(ConnectionContext& context, os::Fd socket, ConnectionId id, const Endpoint& remote,
                                   const Endpoint& local)
    : context_(context),
      socket_(std::move(socket)),
      id_(id),
      pings_left_(context.ping_burst()),
      remote_(remote),
      local_(local),
      head_(std::make_unique<HttpHead>()) {
  set_timer(deadline_, context_.settings.handshake_timeout);
  watch(os::readable);
}

StreamConnection::~StreamConnection() {
  cancel_timer(deadline_);
  cancel_timer(message_deadline_);
  cancel_timer(write_deadline_);
  if (socket_.is_open()) context_.loop.remove(socket_.raw(), *this);
}

Arrival StreamConnection::arrival() const noexcept {
  return {.flow = {id_, context_.slot}, .remote = remote_, .local = local_, .sub_protocol = sub_protocol_};
}

void StreamConnection::remember_aor(std::string_view aor) {
  if (has_too_many_aors() || std::find(bound_aors_.begin(), bound_aors_.end(), aor) != bound_aors_.end()) return;
  bound_aors_.emplace_back(aor);
}

// --- HTTP ---------------------------------------------------------------------------------------------------------

Result<void> StreamConnection::accept(const ws::Acceptance& acceptance) {
  const auto now = base::whole_seconds(context_.loop.now());
  remote_.protocol = local_.protocol = websocket_over(local_.protocol);
  auto record = context_.connections.insert({.id = id_,
                                             .local = local_,
                                             .remote = remote_,
                                             .owner = context_.slot,
                                             .state = shm::ConnectionState::open,
                                             .sub_protocol = acceptance.sub_protocol,
                                             .last_used = now});
  if (!record) return record.error();
  record_ = *record;
  announced_ = true;
  sub_protocol_ = acceptance.sub_protocol;
  phase_ = Phase::open;
  last_used_ = now;
  cancel_timer(deadline_);
  watch_idleness();
  context_.counters.add(Counter::ws_successful_handshakes);
  if (sub_protocol_ == SubProtocol::sip) context_.counters.add(Counter::ws_sip_successful_handshakes);
  if (sub_protocol_ == SubProtocol::msrp) context_.counters.add(Counter::ws_msrp_successful_handshakes);
  send_raw(ws::write_acceptance(acceptance, context_.server_header()));
  return {};
}

void StreamConnection::reply_and_close(std::string_view http_reply) {
  send_raw(http_reply);
  linger();
}

void StreamConnection::take_http(MutableBytes bytes) {
  head_->bytes.append(text_of(bytes));
  auto head = http::parse_head(head_->bytes, head_->scanner, context_.http_limits);
  if (!head) {
    if (head.is(Errc::incomplete)) return;
    context_.counters.add(Counter::ws_failed_handshakes);
    const std::unique_ptr<HttpHead> done = std::move(head_);  // nothing of it is kept while the refusal lingers
    const auto status = http::status_of(head.error());
    context_.counters.add(head.is(Errc::too_large) ? Counter::handshake_refused_431 : Counter::handshake_refused_400);
    auto reply = http::write_reply(status, {}, {}, {.server = context_.server_header()});
    return reply_and_close(reply ? *reply : std::string{});
  }
  context_.counters.add(Counter::http_requests);
  context_.user.on_http(*this, *head);
  if (phase_ == Phase::http) return terminate("no answer");  // a stage that neither accepted nor replied
  const std::unique_ptr<HttpHead> done = std::move(head_);   // an open connection holds no buffer
  if (phase_ != Phase::open) return;
  MutableBytes rest = std::as_writable_bytes(std::span{done->bytes}).subspan(head->length);
  if (rest.size() > max_pipelined) return fail(ws::CloseCode::policy_violation, "Too much before the handshake");
  if (!rest.empty()) take_frames(rest);
}

// --- WebSocket ----------------------------------------------------------------------------------------------------

void StreamConnection::take_frames(MutableBytes bytes) {
  while (phase_ == Phase::open || phase_ == Phase::closing) {
    const auto event = receiver_.next(bytes, context_.receive_limits);
    if (!event) break;
    on_event(*event);
  }
  if (phase_ != Phase::open) return;
  // A message that began must end in time, however slowly its bytes come (S14).
  const bool idle = receiver_.is_idle();
  if (idle && message_deadline_ != os::TimerId::none) cancel_timer(message_deadline_);
  if (!idle && message_deadline_ == os::TimerId::none) set_timer(message_deadline_, context_.settings.message_timeout);
}

void StreamConnection::on_event(const ws::Event& event) {
  context_.counters.add(Counter::ws_received_frames);
  touch();
  context_.connections.pong_seen(record_);  // any frame proves that the peer lives, a Pong only that it has nothing to say
  std::visit(base::Overload{
                 [&](const ws::Message& message) {
                   cancel_timer(message_deadline_);  // the next message, also one begun in the same read, has its own
                   if (sub_protocol_ != SubProtocol::none) context_.counters.add(frames_in(sub_protocol_));
                   if (phase_ == Phase::open)
                     context_.user.on_message(*this, message.opcode, as_text(message.payload));
                 },
                 [&](const ws::Ping& ping) {
                   if (phase_ != Phase::open) return;  // nothing may follow our Close (RFC 6455 5.5.1)
                   if (!ping_is_within_rate()) {
                     context_.counters.add(Counter::ping_floods);
                     return fail(ws::CloseCode::policy_violation, "Too many pings");
                   }
                   static_cast<void>(send_pong(as_text(ping.payload)));
                 },
                 [&](const ws::Pong&) {},
                 [&](const ws::Closed& closed) {
                   if (phase_ == Phase::open) {  // the peer began: answer with its own code, then end (7.1.5)
                     context_.counters.add(Counter::ws_remote_closed_connections);
                     if (sub_protocol_ == SubProtocol::sip) context_.counters.add(Counter::ws_sip_remote_closed_connections);
                     if (sub_protocol_ == SubProtocol::msrp) context_.counters.add(Counter::ws_msrp_remote_closed_connections);
                     send_raw(as_text(ws::close_reply(closed.code).bytes()));
                     return finish("closed by peer");
                   }
                   finish("closed");
                 },
                 [&](const ws::Failed& failed) {
                   context_.counters.add(counter_of(failed.code));
                   if (phase_ == Phase::open) return fail(failed.code, failed.reason);
                   finish("protocol error");
                 },
             },
             event);
}

bool StreamConnection::ping_is_within_rate() {
  if (context_.settings.ping_rate == 0) return true;
  // A bucket of `ping_rate` a second that holds ten seconds' worth.
  const auto second = static_cast<std::uint32_t>(base::whole_seconds(context_.loop.now()));
  if (second != ping_second_) {
    const std::uint64_t refill = std::uint64_t{second - ping_second_} * context_.settings.ping_rate;
    pings_left_ = static_cast<std::uint8_t>(std::min<std::uint64_t>(context_.ping_burst(), pings_left_ + refill));
    ping_second_ = second;
  }
  if (pings_left_ == 0) return false;
  --pings_left_;
  return true;
}

Result<void> StreamConnection::send_message(std::string_view payload) {
  return send_message(payload, ws::opcode_for(payload));
}

Result<void> StreamConnection::send_message(std::string_view payload, ws::Opcode opcode) {
  auto sent = send_frame(opcode, payload);
  if (sent && sub_protocol_ != SubProtocol::none) context_.counters.add(frames_out(sub_protocol_));
  return sent;
}

Result<void> StreamConnection::send_ping(std::string_view payload) {
  if (phase_ != Phase::open) return Errc::gone;
  context_.connections.expect_pong(record_);  // before the ping leaves: its pong may be quick
  auto sent = send_frame(ws::Opcode::ping, payload);
  if (!sent) context_.connections.pong_seen(record_);
  return sent;
}

Result<void> StreamConnection::send_pong(std::string_view payload) { return send_frame(ws::Opcode::pong, payload); }

Result<void> StreamConnection::send_frame(ws::Opcode opcode, std::string_view payload) {
  if (phase_ != Phase::open) return Errc::gone;
  if (outbox_.size() + payload.size() > context_.settings.outbox_bytes) {
    context_.counters.add(Counter::slow_peers_dropped);
    context_.counters.add(Counter::tcp_sendq_full);
    terminate("slow reader");
    return Errc::full;
  }
  std::array<std::byte, ws::max_server_header> header;
  const auto n = ws::encode_header(header, opcode, payload.size());
  send_raw(as_text(ByteView{header}.first(n)));
  outbox_.append(context_.buffers, payload);
  context_.counters.add(Counter::ws_transmitted_frames);
  touch();
  return {};
}

Result<void> StreamConnection::close(ws::CloseCode code, std::string_view reason, std::string_view cause) {
  if (phase_ == Phase::closing) {  // the second time it is meant
    terminate(cause);
    return {};
  }
  if (phase_ != Phase::open) return Errc::gone;
  auto frame = ws::close_frame(code, reason);
  if (!frame) return frame.error();
  send_close(*frame);
  receiver_.discard_data();
  phase_ = Phase::closing;
  static_cast<void>(context_.connections.set_state(id_, context_.slot, shm::ConnectionState::closing));
  cancel_timer(message_deadline_);
  set_timer(deadline_, context_.settings.close_timeout);
  return {};
}

// RFC 6455 7.1.7: say why, then close; nothing the peer still sends is looked at.
void StreamConnection::fail(ws::CloseCode code, std::string_view reason) {
  if (auto frame = ws::close_frame(code, reason)) send_close(*frame);
  finish(reason);
}

// A Close that is no answer.
void StreamConnection::send_close(const ws::ControlFrame& frame) {
  context_.counters.add(Counter::ws_local_closed_connections);
  if (sub_protocol_ == SubProtocol::sip) context_.counters.add(Counter::ws_sip_local_closed_connections);
  if (sub_protocol_ == SubProtocol::msrp) context_.counters.add(Counter::ws_msrp_local_closed_connections);
  context_.counters.add(Counter::ws_transmitted_frames);
  send_raw(as_text(frame.bytes()));
}

void StreamConnection::finish(std::string_view cause) {
  if (announced_) {
    announced_ = false;
    phase_ = Phase::lingering;  // what on_closed does must not write behind our Close
    static_cast<void>(context_.connections.retire(id_, context_.slot));
    context_.user.on_closed(*this, cause);
  }
  linger();
}

void StreamConnection::terminate(std::string_view cause) {
  if (phase_ == Phase::gone) return;
  if (announced_) {
    announced_ = false;
    phase_ = Phase::lingering;  // what on_closed does must not write here
    static_cast<void>(context_.connections.retire(id_, context_.slot));
    context_.user.on_closed(*this, cause);
  }
  vanish();
}

void StreamConnection::linger() {
  if (phase_ == Phase::gone) return;
  phase_ = Phase::lingering;
  cancel_timer(message_deadline_);
  set_timer(deadline_, linger_time);
  context_.loop.defer(*this);
}

void StreamConnection::vanish() {
  if (phase_ == Phase::gone) return;
  phase_ = Phase::gone;
  cancel_timer(deadline_);
  cancel_timer(message_deadline_);
  cancel_timer(write_deadline_);
  context_.loop.remove(socket_.raw(), *this);
  socket_.close();
  outbox_.release(context_.buffers);
  context_.buried(id_);
}

// --- the socket ---------------------------------------------------------------------------------------------------

void StreamConnection::on_ready(std::uint32_t events) {
  if ((events & os::writable) != 0) flush();
  if (phase_ != Phase::gone && (events & (os::readable | os::hung_up)) != 0) read();
}

void StreamConnection::read() {
  const auto buffer = context_.read_buffer();
  const ssize_t n = ::recv(socket_.raw(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (n < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    context_.counters.add(Counter::tcp_con_reset);
    return terminate("connection lost");
  }
  if (n == 0) {
    if (phase_ != Phase::lingering || outbox_.is_empty())
      return terminate(phase_ == Phase::closing ? "closed" : "connection lost");
    peer_ended_ = true;  // it has said all it wants to, but still reads our last words
    return watch(os::writable);
  }
  context_.counters.add(Counter::bytes_received, static_cast<std::uint64_t>(n));
  const auto bytes = buffer.first(static_cast<std::size_t>(n));
  switch (phase_) {
    case Phase::http: return take_http(bytes);
    case Phase::open:
    case Phase::closing: return take_frames(bytes);
    case Phase::lingering:
      discarded_ += static_cast<std::uint32_t>(n);
      if (discarded_ > max_discarded) {
        os::set_abortive_close(socket_.raw());
        vanish();
      }
      return;
    case Phase::gone: return;
  }
}

void StreamConnection::send_raw(std::string_view bytes) {
  outbox_.append(context_.buffers, bytes);
  context_.loop.defer(*this);
}

void StreamConnection::run_deferred() {
  if (phase_ != Phase::gone) flush();
}

void StreamConnection::flush() {
  if (!outbox_.is_empty()) {
    const auto pending = outbox_.pending();
    const ssize_t n = ::send(socket_.raw(), pending.data(), pending.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
      if (announced_) {
        context_.counters.add(Counter::ws_failed_connections);
        if (sub_protocol_ == SubProtocol::sip) context_.counters.add(Counter::ws_sip_failed_connections);
        if (sub_protocol_ == SubProtocol::msrp) context_.counters.add(Counter::ws_msrp_failed_connections);
      }
      return terminate("send failed");
    }
    if (n > 0) {
      context_.counters.add(Counter::bytes_sent, static_cast<std::uint64_t>(n));
      outbox_.written(context_.buffers, static_cast<std::size_t>(n));
      cancel_timer(write_deadline_);  // it does read
    }
  }
  if (!outbox_.is_empty()) {
    if (write_deadline_ == os::TimerId::none) set_timer(write_deadline_, context_.settings.slow_reader_timeout);
    return watch(peer_ended_ ? os::writable : os::readable | os::writable);
  }
  if (peer_ended_) return vanish();
  watch(os::readable);
  if (phase_ == Phase::lingering && !half_closed_) {
    half_closed_ = true;
    ::shutdown(socket_.raw(), SHUT_WR);
  }
}

void StreamConnection::watch(std::uint32_t events) {
  if (events == watched_) return;
  const auto set = watched_ == 0 ? context_.loop.add(socket_.raw(), events, *this)
                                 : context_.loop.modify(socket_.raw(), events, *this);
  if (!set) return terminate("out of memory");  // epoll_ctl fails for nothing else here
  watched_ = events;
}

void StreamConnection::on_timer(os::TimerId id) {
  if (id == deadline_) {
    deadline_ = os::TimerId::none;
    if (phase_ == Phase::open) return watch_idleness();
    if (phase_ == Phase::http) {
      context_.counters.add(Counter::ws_failed_handshakes);
      context_.counters.add(Counter::handshake_timeouts);
      return terminate("handshake timeout");
    }
    return terminate(phase_ == Phase::closing ? "close timeout" : "closed");
  }
  if (id == message_deadline_) {
    message_deadline_ = os::TimerId::none;
    context_.counters.add(Counter::message_timeouts);
    if (phase_ == Phase::open) fail(ws::CloseCode::policy_violation, "Message took too long");
    return;
  }
  if (id == write_deadline_) {
    write_deadline_ = os::TimerId::none;
    context_.counters.add(Counter::slow_peers_dropped);
    context_.counters.add(Counter::tcp_send_timeout);
    os::set_abortive_close(socket_.raw());
    terminate("slow reader");
  }
}

void StreamConnection::set_timer(os::TimerId& timer, std::chrono::milliseconds delay) {
  cancel_timer(timer);
  timer = context_.loop.timers().add(delay, context_.timer_handler(), number(id_));
}

void StreamConnection::cancel_timer(os::TimerId& timer) {
  if (timer == os::TimerId::none) return;
  context_.loop.timers().cancel(timer);
  timer = os::TimerId::none;
}

void StreamConnection::touch() {
  if (!announced_) return;
  const auto now = base::whole_seconds(context_.loop.now());
  if (now == last_used_) return;  // others read this cache line: not written more than once a second
  last_used_ = now;
  context_.connections.touch(record_, now);
}

// tcp_connection_lifetime: a connection without a frame in either direction for so long, keepalives included.
void StreamConnection::watch_idleness() {
  const std::chrono::seconds lifetime = context_.settings.tcp_connection_lifetime;
  if (lifetime.count() == 0) return;
  const std::chrono::seconds idle{base::whole_seconds(context_.loop.now()) - last_used_};
  if (idle < lifetime) return set_timer(deadline_, lifetime - idle);
  context_.counters.add(Counter::tcp_con_timeout);
  static_cast<void>(close(ws::CloseCode::going_away, "Idle too long", "idle too long"));
}

}  // namespace sipwsd::net
