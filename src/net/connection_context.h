#pragma once
// What all connections of one worker share: the loop, the tables, the buffers. Not copied, outlives the connections.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "shm/connection_table.h"
#include "shm/counters.h"
#include "sipwsd/bytes.h"
#include "sipwsd/exchange.h"
#include "src/base/token_bucket.h"
#include "src/bus/mailbox.h"
#include "src/config/settings.h"
#include "src/http/head_parser.h"
#include "src/http/limits.h"
#include "src/net/admission.h"
#include "src/net/handshake_lane.h"
#include "src/net/outbox.h"
#include "src/net/pending_handshakes.h"
#include "src/os/event_loop.h"
#include "src/ws/message_assembler.h"
#include "src/ws/opcode.h"
#include "src/ws/permessage_deflate.h"

namespace sipwsd::tls {
class Contexts;
}

namespace sipwsd::sip {
struct StreamFailed;
}

namespace sipwsd::net {

class StreamConnection;

// Who gets what connections bring; implemented by the routing host. Calls come from inside the connection's own
// callback: it stays valid during the call whatever is done to it.
class ConnectionUser {
 public:
  // Answer with accept() or reply_and_close().
  virtual void on_http(StreamConnection& connection, const http::RequestHead& request) = 0;
  virtual void on_message(StreamConnection& connection, ws::Opcode opcode, std::string_view payload) = 0;
  // A SIP message of a tcp or tls connection, not yet parsed.
  virtual void on_sip(StreamConnection& connection, std::string_view message) = 0;
  // Where the stream stopped making sense (RFC 3261 18.3); `head` is empty or can be answered. It ends after this.
  virtual void on_broken_sip(StreamConnection& connection, const sip::StreamFailed& failure) = 0;
  // Once per accepted WebSocket or SIP stream, after its record has left the table.
  virtual void on_closed(StreamConnection& connection, std::string_view cause) = 0;
  // One that this worker was making has not come about: what waited for it is lost.
  virtual void on_dial_failed(ConnectionId, const Endpoint& /*remote*/) {}

  // A datagram, not yet parsed; keepalives and STUN have been dealt with. `arrival.local` is the address it was sent to.
  virtual void on_datagram(const Arrival&, std::string_view /*bytes*/) {}
  // Nobody listens at `remote`, or nothing leads there (ICMP): a datagram of ours that began with `head` came back.
  virtual void on_datagram_error(const Endpoint& /*remote*/, std::string_view /*head*/) {}

 protected:
  ~ConnectionUser() = default;
};

class ConnectionOwner : public os::TimerHandler {
 public:
  virtual void buried(ConnectionId id) = 0;  // destroy it at the end of the turn
  virtual void dial_failed(const StreamConnection& connection) = 0;  // before it is buried

 protected:
  ~ConnectionOwner() = default;
};

struct ConnectionContext {
  os::EventLoop& loop;
  const config::Settings& settings;
  shm::ConnectionTable& connections;
  shm::OwnCounters counters;
  ConnectionUser& user;
  ConnectionOwner& owner;
  WorkerSlot slot;
  bus::Mailbox& mailbox;
  HandshakeLane& lane;
  Admission& admission;
  PendingHandshakes& pending;
  const tls::Contexts* tls = nullptr;  // null: no listener speaks it

  BufferPool buffers{};
  http::Limits http_limits{};
  ws::SharedDeflate deflate{{.level = static_cast<int>(settings.deflate_level), .min_size = settings.deflate_min_size}};
  ws::ReceiveLimits receive_limits() const noexcept {
    return {.max_message_size = static_cast<std::uint32_t>(settings.max_message_size),
            .max_fragments = settings.max_fragments,
            .max_empty_fragments = settings.max_empty_fragments};
  }
  // Two seconds' worth at once.
  base::Rate message_rate() const noexcept { return {.per_second = settings.message_rate, .burst = 2 * std::uint64_t{settings.message_rate}}; }
  base::Rate byte_rate() const noexcept { return {.per_second = settings.byte_rate, .burst = 2 * std::uint64_t{settings.byte_rate}}; }

  // Somebody who lags is not fed faster; but one that does not move at all holds up nobody for long: what is for it is
  // refused then, and everybody else's goes on.
  bool must_hold_back() noexcept {
    if (!mailbox.is_congested()) return false;
    const auto now = loop.now();
    if (now - congestion_seen_ > congestion_is_over) congested_since_ = now;
    congestion_seen_ = now;
    return now - congested_since_ < longest_held_back;
  }
  os::TimerHandler& timer_handler() noexcept { return owner; }
  void buried(ConnectionId id) { owner.buried(id); }
  // One read is at most this much, and each connection is read once a turn: so long can one hold up all others.
  static constexpr std::size_t turn_bytes = 16 * 1024;
  MutableBytes read_buffer() noexcept { return {read_buffer_.get(), turn_bytes}; }
  // Where TLS deciphers to: a turn's bytes, and the record of 16 KiB that an earlier read began.
  MutableBytes plain_buffer() noexcept { return {plain_buffer_.get(), plain_size}; }
  std::string_view server_header() const noexcept {
    return settings.server_signature ? std::string_view{settings.server_header} : std::string_view{};
  }

  static constexpr std::size_t plain_size = turn_bytes + 17 * 1024;
  static constexpr base::Milliseconds congestion_is_over{50}, longest_held_back{500};
  base::TimePoint congested_since_{}, congestion_seen_{};
  std::unique_ptr<std::byte[]> read_buffer_ = std::make_unique_for_overwrite<std::byte[]>(turn_bytes);
  std::unique_ptr<std::byte[]> plain_buffer_ = std::make_unique_for_overwrite<std::byte[]>(plain_size);
};

}  // namespace sipwsd::net
