#include "src/net/stream_connection.h"

#include <algorithm>
#include <utility>

#include "src/base/log.h"
#include "src/base/overload.h"
#include "src/net/keepalive_policy.h"
#include "src/ws/close_code.h"
#include "src/ws/frame_encoder.h"

namespace sipwsd::net {
namespace {

using namespace std::chrono_literals;
using shm::Counter;

// After our last byte: long enough for a peer to read it and end its side, short enough for one that never does.
constexpr auto linger_time = 2s;
constexpr std::uint32_t max_discarded = 256 * 1024;
constexpr auto congestion_pause = 5ms;
constexpr std::chrono::seconds crlf_answer_time{10};  // RFC 5626 4.4.1

Counter frames_in(SubProtocol p) {
  return p == SubProtocol::msrp ? Counter::ws_msrp_received_frames : Counter::ws_sip_received_frames;
}
Counter frames_out(SubProtocol p) {
  return p == SubProtocol::msrp ? Counter::ws_msrp_transmitted_frames : Counter::ws_sip_transmitted_frames;
}

Counter counter_of(ws::CloseCode failure) {
  switch (failure) {
    case ws::CloseCode::message_too_big: return Counter::oversized_messages;
    case ws::CloseCode::invalid_payload: return Counter::utf8_errors;
    default: return Counter::protocol_errors;
  }
}

CloseCause cause_of(ws::CloseCode failure) {
  switch (failure) {
    case ws::CloseCode::message_too_big: return CloseCause::too_big;
    case ws::CloseCode::invalid_payload: return CloseCause::bad_text;
    case ws::CloseCode::policy_violation: return CloseCause::flood;
    default: return CloseCause::protocol_error;
  }
}

}  // namespace

StreamConnection::StreamConnection(ConnectionContext& context, os::Fd socket, ConnectionId id, const Endpoint& remote,
                                   const Endpoint& local)
    : context_(context),
      stream_(std::move(socket)),
      id_(id),
      remote_(remote),
      local_(local),
      opened_at_(base::whole_seconds(context.loop.now())),
      newcomer_(std::make_unique<Newcomer>(context.pending, id, context.loop.now())) {
  set_timer(deadline_, context_.settings.handshake_timeout);
  watch(os::readable);
}

StreamConnection::~StreamConnection() {
  cancel_timer(deadline_);
  cancel_timer(message_deadline_);
  cancel_timer(write_deadline_);
  cancel_timer(pause_);
  if (stream_.is_open()) context_.loop.remove(stream_.raw(), *this);
}

Arrival StreamConnection::arrival() const noexcept {
  return {.flow = {id_, context_.slot}, .remote = remote_, .local = local_, .sub_protocol = sub_protocol_, .client = client_};
}

std::chrono::seconds StreamConnection::age() const noexcept {
  return std::chrono::seconds{base::whole_seconds(context_.loop.now()) - opened_at_};
}

std::chrono::seconds StreamConnection::idle() const noexcept {
  return std::chrono::seconds{base::whole_seconds(context_.loop.now()) - last_used_};
}

void StreamConnection::remember_aor(std::string_view aor) {
  if (has_too_many_aors() || std::find(bound_aors_.begin(), bound_aors_.end(), aor) != bound_aors_.end()) return;
  bound_aors_.emplace_back(aor);
  context_.admission.registered(guest_);
}

// --- SIP ----------------------------------------------------------------------------------------------------------

void StreamConnection::begin_sip_stream(MutableBytes bytes) {
  if (!guest_.is_in() && !is_welcome()) return;
  if (!enter_table(SubProtocol::none)) {
    context_.counters.add(Counter::full_table_refusals);
    return terminate(CloseCause::not_welcome);
  }
  phase_ = Phase::sip_stream;
  framer_ = std::make_unique<sip::StreamFramer>();
  cancel_timer(deadline_);
  watch_idleness();
  take_sip(bytes);
}

void StreamConnection::take_sip(MutableBytes bytes) {
  const sip::StreamLimits limits{.max_header_bytes = 64 * 1024, .max_message_size = context_.settings.max_message_size};
  while (phase_ == Phase::sip_stream) {
    const auto event = framer_->next(bytes, limits);
    if (!event) break;
    touch();
    std::visit(base::Overload{
                   [&](const sip::StreamMessage& message) {
                     cancel_timer(message_deadline_);
                     last_message_ = last_used_;
                     ++messages_read_;
                     bytes_unfolded_ += static_cast<std::uint32_t>(message.bytes.size());
                     context_.user.on_sip(*this, message.bytes);
                   },
                   [&](const sip::StreamPing&) {
                     if (!ping_is_within_rate()) {
                       context_.counters.add(Counter::ping_floods);
                       return finish(CloseCause::flood);
                     }
                     static_cast<void>(send_message("\r\n"));
                   },
                   [&](const sip::StreamPong&) { take_crlf_pong(); },
                   [&](const sip::StreamFailed& failed) {
                     context_.counters.add(Counter::protocol_errors);
                     context_.user.on_broken_sip(*this, failed);
                     finish(CloseCause::protocol_error);
                   },
               },
               *event);
  }
  if (phase_ != Phase::sip_stream) return;
  const bool idle = framer_->is_idle();
  if (idle && message_deadline_ != os::TimerId::none) cancel_timer(message_deadline_);
  if (!idle && message_deadline_ == os::TimerId::none) set_timer(message_deadline_, context_.settings.message_timeout);
}

// --- WebSocket ----------------------------------------------------------------------------------------------------

void StreamConnection::take_frames(MutableBytes bytes) {
  const auto limits = context_.receive_limits();
  while (phase_ == Phase::open || phase_ == Phase::closing) {
    const auto event = receiver_.next(bytes, limits, deflate_.get());
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
                   last_message_ = last_used_;
                   ++messages_read_;
                   bytes_unfolded_ += static_cast<std::uint32_t>(message.payload.size());
                   if (sub_protocol_ != SubProtocol::none) context_.counters.add(frames_in(sub_protocol_));
                   if (phase_ == Phase::open)
                     context_.user.on_message(*this, message.opcode, as_text(message.payload));
                 },
                 [&](const ws::Ping& ping) {
                   if (phase_ != Phase::open) return;  // nothing may follow our Close (RFC 6455 5.5.1)
                   if (!ping_is_within_rate()) {
                     context_.counters.add(Counter::ping_floods);
                     return fail(ws::CloseCode::policy_violation, "Too many pings", CloseCause::flood);
                   }
                   static_cast<void>(send_pong(as_text(ping.payload)));
                 },
                 [&](const ws::Pong&) {},
                 [&](const ws::Closed& closed) {
                   if (phase_ == Phase::open) {  // the peer began: answer with its own code, then end (7.1.5)
                     context_.counters.add(Counter::ws_remote_closed_connections);
                     if (sub_protocol_ == SubProtocol::sip) context_.counters.add(Counter::ws_sip_remote_closed_connections);
                     if (sub_protocol_ == SubProtocol::msrp) context_.counters.add(Counter::ws_msrp_remote_closed_connections);
                     context_.counters.add(Counter::ws_transmitted_frames);
                     send_raw(as_text(ws::close_reply(closed.code).bytes()));
                     return finish(CloseCause::closed_by_peer);
                   }
                   finish(cause_);
                 },
                 [&](const ws::Failed& failed) {
                   context_.counters.add(counter_of(failed.code));
                   if (phase_ == Phase::open) return fail(failed.code, failed.reason, cause_of(failed.code));
                   finish(cause_of(failed.code));
                 },
             },
             event);
}

bool StreamConnection::ping_is_within_rate() {
  const std::uint64_t rate = context_.settings.ping_rate;
  return pings_.take(1, context_.loop.now(), {.per_second = rate, .burst = rate * 10});
}

Result<void> StreamConnection::send_message(std::string_view payload) {
  return send_message(payload, ws::opcode_for(payload));
}

Result<void> StreamConnection::send_message(std::string_view payload, ws::Opcode opcode) {
  if (phase_ == Phase::sip_stream) {
    if (!has_room_for(payload.size())) return Errc::full;
    send_raw(payload);
    touch();
    return {};
  }
  if (phase_ == Phase::dialling) {
    if (stream_.unsent() + payload.size() > context_.settings.outbox_bytes) return Errc::full;
    stream_.write(context_.buffers, payload);
    return {};
  }
  auto sent = send_frame(opcode, payload);
  if (sent && sub_protocol_ != SubProtocol::none) context_.counters.add(frames_out(sub_protocol_));
  return sent;
}

Result<void> StreamConnection::send_ping(std::string_view payload) {
  if (phase_ != Phase::open) return Errc::gone;
  context_.connections.expect_pong(record_);  // before the ping leaves: its pong may be quick
  auto sent = send_frame(ws::Opcode::ping, payload);
  if (!sent && announced_) context_.connections.pong_seen(record_);  // else the record may be another's by now
  return sent;
}

Result<void> StreamConnection::send_pong(std::string_view payload) { return send_frame(ws::Opcode::pong, payload); }

bool StreamConnection::has_room_for(std::size_t bytes) {
  if (stream_.unsent() + bytes <= context_.settings.outbox_bytes) return true;
  context_.counters.add(Counter::slow_peers_dropped);
  context_.counters.add(Counter::tcp_sendq_full);
  terminate(CloseCause::slow_reader);
  return false;
}

Result<void> StreamConnection::send_frame(ws::Opcode opcode, std::string_view payload) {
  if (phase_ != Phase::open) return Errc::gone;
  if (!has_room_for(payload.size())) return Errc::full;
  auto compressed = ws::Compressed::no;
  if (deflate_ && (opcode == ws::Opcode::text || opcode == ws::Opcode::binary)) {
    const auto outgoing = deflate_->outgoing(as_bytes(payload));
    payload = as_text(outgoing.payload);
    if (outgoing.compressed) compressed = ws::Compressed::yes;
  }
  std::array<std::byte, ws::max_server_header> header;
  const auto n = ws::encode_header(header, opcode, payload.size(), ws::Fin::last, compressed);
  send_raw(as_text(ByteView{header}.first(n)));
  stream_.write(context_.buffers, payload);
  context_.counters.add(Counter::ws_transmitted_frames);
  touch();
  return {};
}

Result<void> StreamConnection::close(ws::CloseCode code, std::string_view reason, CloseCause cause) {
  if (phase_ == Phase::closing || phase_ == Phase::dialling) {  // the second time it is meant; or there is nobody yet to tell
    terminate(cause);
    return {};
  }
  if (phase_ == Phase::sip_stream) {
    finish(cause);
    return {};
  }
  if (phase_ != Phase::open) return Errc::gone;
  auto frame = ws::close_frame(code, reason);
  if (!frame) return frame.error();
  send_close(*frame);
  cause_ = cause;
  receiver_.discard_data();
  phase_ = Phase::closing;
  static_cast<void>(context_.connections.set_state(id_, context_.slot, shm::ConnectionState::closing));
  cancel_timer(message_deadline_);
  set_timer(deadline_, context_.settings.close_timeout);
  return {};
}

// RFC 6455 7.1.7: say why, then close; nothing the peer still sends is looked at.
void StreamConnection::fail(ws::CloseCode code, std::string_view reason, CloseCause cause) {
  if (auto frame = ws::close_frame(code, reason)) send_close(*frame);
  finish(cause);
}

// A Close that is no answer.
void StreamConnection::send_close(const ws::ControlFrame& frame) {
  context_.counters.add(Counter::ws_local_closed_connections);
  if (sub_protocol_ == SubProtocol::sip) context_.counters.add(Counter::ws_sip_local_closed_connections);
  if (sub_protocol_ == SubProtocol::msrp) context_.counters.add(Counter::ws_msrp_local_closed_connections);
  context_.counters.add(Counter::ws_transmitted_frames);
  send_raw(as_text(frame.bytes()));
}

void StreamConnection::finish(CloseCause cause) {
  say_goodbye(cause);
  linger();
}

void StreamConnection::terminate(CloseCause cause) {
  if (phase_ == Phase::gone) return;
  cause_ = cause;
  say_goodbye(cause);
  vanish();
}

void StreamConnection::say_goodbye(CloseCause cause) {
  cause_ = cause;
  if (!announced_) return;
  announced_ = false;
  const bool is_made = phase_ != Phase::dialling;
  phase_ = Phase::lingering;  // what on_closed does must not write behind our Close
  static_cast<void>(context_.connections.retire(id_, context_.slot));
  count_end();
  if (is_made) return context_.user.on_closed(*this, name(cause));
  context_.counters.add(Counter::tcp_connect_failed);
  context_.owner.dial_failed(*this);
}

void StreamConnection::count_end() {
  const CloseCauseRow& why = row(cause_);
  context_.counters.add(why.counter);
  if (why.strike != shm::BanReason::none && !dialled_) static_cast<void>(context_.admission.strike(remote_, why.strike, context_.loop.now()));
}

void StreamConnection::linger() {
  if (phase_ == Phase::gone) return;
  phase_ = Phase::lingering;
  newcomer_.reset();
  cancel_timer(message_deadline_);
  cancel_timer(pause_);
  set_timer(deadline_, linger_time);
  context_.loop.defer(*this);
}

void StreamConnection::vanish() {
  if (phase_ == Phase::gone) return;
  if (!was_open_) count_end();
  phase_ = Phase::gone;
  newcomer_.reset();
  context_.admission.left(guest_);
  cancel_timer(deadline_);
  cancel_timer(message_deadline_);
  cancel_timer(write_deadline_);
  cancel_timer(pause_);
  context_.loop.remove(stream_.raw(), *this);
  stream_.close(context_.buffers);
  context_.buried(id_);
}

// --- the socket ---------------------------------------------------------------------------------------------------

void StreamConnection::on_ready(std::uint32_t events) {
  if (phase_ == Phase::dialling && !dialled_->is_connected) return on_dialled();
  if ((events & os::writable) != 0) flush();
  if (phase_ == Phase::gone) return;
  if (pause_ != os::TimerId::none && (events & (os::peer_closed | os::hung_up)) != 0) {
    is_leaving_ = true;
    cancel_timer(pause_);
    return watch_for_reading();
  }
  if ((events & (os::readable | os::hung_up)) == 0) return;
  if (is_newcomer()) {
    if (!std::exchange(in_lane_, true))
      context_.lane.enter(id_, phase_ == Phase::arriving ? HandshakeLane::Stage::first_flight : HandshakeLane::Stage::later);
    return;
  }
  // What it says may be for another worker, and one of them does not keep up.
  if (is_open() && !is_leaving_ && context_.must_hold_back()) return pause(congestion_pause);
  read();
}

void StreamConnection::serve_newcomer() {
  in_lane_ = false;
  if (phase_ == Phase::gone) return;
  read();
  // In this turn still: a handshake is a conversation, and each of its answers is waited for.
  if (phase_ != Phase::gone && stream_.has_unsent()) flush();
}

void StreamConnection::read() {
  if (phase_ == Phase::lingering) return discard();
  take(stream_.read(context_));
}

void StreamConnection::take(const SocketStream::Input& input) {
  using Kind = SocketStream::Input::Kind;
  if (stream_.tls() != nullptr && stream_.has_unsent()) context_.loop.defer(*this);  // TLS has something to say for itself
  if (phase_ == Phase::dialling && stream_.tls()->state() == tls::State::open) begin_talking();
  switch (input.kind) {
    case Kind::nothing: return;
    case Kind::bytes:
      take_bytes(input.bytes);
      if (input.then == Kind::nothing || phase_ == Phase::lingering || phase_ == Phase::gone) return;
      return take({.kind = input.then, .why = input.why});
    case Kind::lost: return terminate(phase_ == Phase::dialling ? CloseCause::dial_failed : CloseCause::connection_lost);
    case Kind::ended:
      if (phase_ == Phase::dialling) return terminate(CloseCause::dial_failed);
      return terminate(phase_ == Phase::closing ? cause_ : CloseCause::connection_lost);
    case Kind::bad_tls:
      log::info("TLS {} {} failed: {}", dialled_ ? "to" : "from", remote_.to_string(), input.why);
      finish(CloseCause::tls_failed);  // an alert may be waiting to be sent
      return;
  }
}

void StreamConnection::take_bytes(MutableBytes bytes) {
  switch (phase_) {
    case Phase::arriving: return take_first(bytes);
    case Phase::http: return take_http(bytes);
    case Phase::open:
    case Phase::sip_stream:
    case Phase::closing: {
      const auto size = bytes.size();
      messages_read_ = bytes_unfolded_ = 0;
      if (phase_ == Phase::sip_stream) last_heard_ = base::whole_seconds(context_.loop.now());
      phase_ == Phase::sip_stream ? take_sip(bytes) : take_frames(bytes);
      return charge(std::max<std::size_t>(size, bytes_unfolded_));
    }
    case Phase::dialling:  // TLS says nothing before it is through
    case Phase::lingering:
    case Phase::gone: return;
  }
}

// Back-pressure: what came is handled; who is in debt is not read until it is paid.
void StreamConnection::charge(std::size_t bytes) {
  if (!is_open() || is_exempt_ || is_leaving_) return;
  const auto now = context_.loop.now();
  const auto debt = std::max(bytes_.charge(bytes, now, context_.byte_rate()), messages_.charge(messages_read_, now, context_.message_rate()));
  if (debt <= 1ms) return;
  if (is_out_of_patience(debt)) {
    if (phase_ == Phase::sip_stream) return finish(CloseCause::too_fast);
    return fail(ws::CloseCode::policy_violation, "Too fast for too long", CloseCause::too_fast);
  }
  pause(std::chrono::duration_cast<std::chrono::milliseconds>(debt));
}

// Without a second's rest between two pauses it has been above its rates all the time.
bool StreamConnection::is_out_of_patience(std::chrono::nanoseconds debt) {
  const auto now = context_.loop.now();
  if (now > paused_until_ + 1s) too_fast_since_ = now;
  paused_until_ = now + debt;
  const auto patience = context_.settings.rate_patience;
  return patience.count() != 0 && now - too_fast_since_ >= patience;
}

void StreamConnection::pause(std::chrono::milliseconds time) {
  context_.counters.add(Counter::reads_paused);
  set_timer(pause_, time);
  watch_for_reading();
}

// A peer that has ended its side is read to the end; one that sends on and on is cut off.
void StreamConnection::discard() {
  const auto n = stream_.discard(context_);
  if (!n) {
    if (!stream_.has_unsent()) return vanish();
    peer_ended_ = true;  // it has said all it wants to, but still reads our last words
    return watch(os::writable);
  }
  discarded_ += static_cast<std::uint32_t>(*n);
  if (discarded_ <= max_discarded) return;
  stream_.end_abruptly();
  vanish();
}

void StreamConnection::send_raw(std::string_view bytes) {
  stream_.write(context_.buffers, bytes);
  context_.loop.defer(*this);
}

void StreamConnection::run_deferred() {
  if (phase_ != Phase::gone) flush();
}

void StreamConnection::flush() {
  if (stream_.has_unsent()) {
    const auto flushed = stream_.flush(context_);
    if (flushed == SocketStream::Flushed::failed) {
      if (announced_ && is_websocket()) {
        context_.counters.add(Counter::ws_failed_connections);
        if (sub_protocol_ == SubProtocol::sip) context_.counters.add(Counter::ws_sip_failed_connections);
        if (sub_protocol_ == SubProtocol::msrp) context_.counters.add(Counter::ws_msrp_failed_connections);
      }
      return terminate(phase_ == Phase::lingering ? cause_ : CloseCause::send_failed);
    }
    if (flushed != SocketStream::Flushed::nothing) cancel_timer(write_deadline_);  // it does read
    if (flushed != SocketStream::Flushed::all) {
      if (write_deadline_ == os::TimerId::none) set_timer(write_deadline_, context_.settings.slow_reader_timeout);
      return watch_for_reading();
    }
  }
  if (peer_ended_) return vanish();
  watch_for_reading();
  if (phase_ == Phase::lingering && !half_closed_) {
    half_closed_ = true;
    stream_.end(context_);
  }
}

void StreamConnection::watch_for_reading() {
  std::uint32_t events = 0;
  if (!peer_ended_) events |= pause_ == os::TimerId::none ? os::readable : os::peer_closed;
  if (stream_.has_unsent()) events |= os::writable;
  watch(events);
}

void StreamConnection::watch(std::uint32_t events) {
  if (events == watched_ && is_watched_) return;
  const auto set = is_watched_ ? context_.loop.modify(stream_.raw(), events, *this) : context_.loop.add(stream_.raw(), events, *this);
  if (!set) return terminate(CloseCause::out_of_memory);  // epoll_ctl fails for nothing else here
  is_watched_ = true;
  watched_ = events;
}

void StreamConnection::on_timer(os::TimerId id) {
  if (id == deadline_) {
    deadline_ = os::TimerId::none;
    if (is_open()) return watch_idleness();
    if (is_newcomer()) {
      context_.counters.add(Counter::ws_failed_handshakes);
      return terminate(CloseCause::handshake_timeout);
    }
    if (phase_ == Phase::dialling) return terminate(CloseCause::dial_timeout);
    return terminate(phase_ == Phase::closing ? CloseCause::close_timeout : cause_);
  }
  if (id == message_deadline_) {
    message_deadline_ = os::TimerId::none;
    context_.counters.add(Counter::message_timeouts);
    if (phase_ == Phase::open) fail(ws::CloseCode::policy_violation, "Message took too long", CloseCause::message_timeout);
    if (phase_ == Phase::sip_stream) finish(CloseCause::message_timeout);
    return;
  }
  if (id == pause_) {
    pause_ = os::TimerId::none;
    return watch_for_reading();
  }
  if (id == write_deadline_) {
    write_deadline_ = os::TimerId::none;
    context_.counters.add(Counter::slow_peers_dropped);
    context_.counters.add(Counter::tcp_send_timeout);
    stream_.end_abruptly();
    terminate(CloseCause::slow_reader);
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

void StreamConnection::expect_keepalives() {
  if (std::exchange(expects_keepalives_, true) || phase_ != Phase::sip_stream) return;
  watch_idleness();
}

// Clocks: a connection without a frame in either direction, keepalives included (tcp_connection_lifetime); one over which
// nobody registered and no message comes (idle_timeout); a SIP stream whose peer has promised a word, or was asked for one,
// and is silent. 0 is for ever.
void StreamConnection::watch_idleness() {
  constexpr auto never = std::chrono::seconds::max();
  const auto& settings = context_.settings;
  const std::chrono::seconds now{base::whole_seconds(context_.loop.now())};
  const auto due = [&](std::chrono::seconds limit, std::int64_t since) {
    return limit.count() == 0 ? never : std::chrono::seconds{since} + limit - now;
  };
  const bool is_stream = phase_ == Phase::sip_stream;
  const auto silent = due(settings.tcp_connection_lifetime, last_used_);
  const auto useless = bound_aors_.empty() && !dialled_ ? due(settings.idle_timeout, last_message_) : never;
  const auto dead = !is_stream                                                        ? never
                    : is_awaiting_crlf()                                              ? due(crlf_answer_time, dialled_->pinged_at)
                    : expects_keepalives_ && settings.flow_timer.count() != 0 ? due(settings.flow_timer + flow_timer_grace, last_heard_)
                                                                                      : never;
  const auto ping = is_stream && dialled_ && !is_awaiting_crlf() ? due(settings.tcp_crlf_keepalive, last_used_) : never;
  if (silent.count() <= 0) {
    context_.counters.add(Counter::tcp_con_timeout);
    static_cast<void>(close(ws::CloseCode::going_away, "Idle too long", CloseCause::idle_too_long));
  } else if (useless.count() <= 0) {
    static_cast<void>(close(ws::CloseCode::policy_violation, "Not registered", CloseCause::not_registered));
  } else if (dead.count() <= 0) {
    context_.counters.add(Counter::keepalive_drops);
    terminate(CloseCause::no_pong);
  } else if (ping.count() <= 0) {
    send_crlf_ping();
    watch_idleness();
  } else if (const auto next = std::min({silent, useless, dead, ping}); next != never) {
    set_timer(deadline_, next);
  }
}

}  // namespace sipwsd::net
