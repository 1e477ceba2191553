// A connection that we make: until it can be spoken over, and how it is kept alive (RFC 5626 4.4.1).

#include <utility>

#include "src/base/log.h"
#include "src/net/stream_connection.h"
#include "src/os/tcp_dial.h"
#include "src/os/tcp_listener.h"

namespace sipwsd::net {

using shm::Counter;

StreamConnection::StreamConnection(ConnectionContext& context, os::Fd socket, ConnectionId id, const Endpoint& remote,
                                   const Endpoint& local, Dialled dialled)
    : context_(context),
      stream_(std::move(socket)),
      id_(id),
      phase_(Phase::dialling),
      is_exempt_(true),  // we have chosen to talk to it
      remote_(remote),
      local_(local),
      opened_at_(base::whole_seconds(context.loop.now())),
      dialled_(std::make_unique<Dialled>(std::move(dialled))) {}

bool StreamConnection::begin_dialling() {
  watch(os::writable);
  if (phase_ == Phase::gone || !enter_table(SubProtocol::none, shm::ConnectionState::connecting)) return false;
  set_timer(deadline_, context_.settings.tcp_connect_timeout);
  return true;
}

// The socket is writable: TCP is through, or it never will be.
void StreamConnection::on_dialled() {
  if (const auto done = os::dialled(stream_.raw()); !done) {
    log::info("no connection to {}: {}", remote_.to_string(), done.error().why);
    return terminate(CloseCause::dial_failed);
  }
  dialled_->is_connected = true;
  os::set_no_delay(stream_.raw());
  if (context_.settings.tcp_keepalive) os::keep_alive(stream_.raw(), context_.settings.tcp_keepidle);
  if (!dialled_->session) return begin_talking();
  take(stream_.start_tls(context_, *std::exchange(dialled_->session, std::nullopt), {}));
  if (phase_ != Phase::gone) watch_for_reading();
}

// What has waited goes out at the end of the turn.
void StreamConnection::begin_talking() {
  context_.counters.add(Counter::tcp_connect_success);
  context_.counters.add(Counter::tcp_established);
  static_cast<void>(context_.connections.set_state(id_, context_.slot, shm::ConnectionState::open));
  phase_ = Phase::sip_stream;
  framer_ = std::make_unique<sip::StreamFramer>();
  last_heard_ = base::whole_seconds(context_.loop.now());
  cancel_timer(deadline_);
  watch_idleness();
  context_.loop.defer(*this);
}

bool StreamConnection::is_way_to(std::string_view server_name) const noexcept {
  if (phase_ != Phase::dialling && phase_ != Phase::sip_stream) return false;
  if (remote_.protocol != TransportProtocol::tls) return true;
  if (dialled_) return dialled_->server_name == server_name;
  return stream_.tls() != nullptr && stream_.tls()->is_peer_named(server_name);
}

bool StreamConnection::is_awaiting_crlf() const noexcept {
  return dialled_ && dialled_->pinged_at != 0 && last_heard_ < dialled_->pinged_at;
}

void StreamConnection::send_crlf_ping() {
  dialled_->pinged_at = base::whole_seconds(context_.loop.now());
  static_cast<void>(send_message("\r\n\r\n"));
}

// Two answers in a row must not look like an empty line and a half of the peer's own.
void StreamConnection::take_crlf_pong() {
  if (!dialled_ || std::exchange(dialled_->pinged_at, 0) == 0) return;
  *framer_ = {};
}

}  // namespace sipwsd::net
