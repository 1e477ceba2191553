#pragma once
// One stream connection, from its first byte to its last: a PROXY header where a trusted proxy sends one, TLS where the
// listener speaks it, HTTP head, then WebSocket (RFC 6455). Or one that we make to somebody else's listener, for SIP. It
// belongs to one worker for life; ConnectionRegistry owns it.
//
//   arriving --first byte--> http --accept()--> open --close()--> closing --peer's Close--> lingering --EOF--> gone
//                            | `---refuse()------------------------------------------------> lingering
//                            `--a tcp or tls listener, SIP's first line--> sip_stream ------> lingering
//   dialling --connected, TLS through--> sip_stream
//
// While it is idle it holds no buffer: reads go into the worker's own, what a turn writes leaves at the turn's end.
// One turn reads one share of bytes from it (ConnectionContext::turn_bytes): that is all it can keep others waiting for.
// Before the handshake is through it has its turn in the HandshakeLane only. Who sends faster than its rates allows is
// not read for a while: TCP passes the pressure back.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shm/connection_table.h"
#include "sipwsd/exchange.h"
#include "src/base/token_bucket.h"
#include "src/http/head_parser.h"
#include "src/net/call_estimate.h"
#include "src/net/close_cause.h"
#include "src/net/connection_context.h"
#include "src/net/socket_stream.h"
#include "src/os/event_loop.h"
#include "src/os/timer_wheel.h"
#include "src/sip/stream_framer.h"
#include "src/tls/session.h"
#include "src/ws/frame_encoder.h"
#include "src/ws/handshake.h"
#include "src/ws/permessage_deflate.h"
#include "src/ws/receiver.h"

namespace sipwsd::net {

class StreamConnection final : public os::Watcher, public os::Deferred {
 public:
  enum class Phase : std::uint8_t { arriving, http, dialling, open, sip_stream, closing, lingering, gone };

  StreamConnection(ConnectionContext& context, os::Fd socket, ConnectionId id, const Endpoint& remote,
                   const Endpoint& local);
  // On its way to `remote`; what is sent meanwhile waits. `local` is what we are called there.
  struct Dialled {
    std::string server_name;  // whose certificate it must be; empty without TLS
    std::optional<tls::Session> session;  // until TCP is through
    std::int64_t pinged_at = 0;
    bool is_connected = false;  // TCP is
  };
  StreamConnection(ConnectionContext& context, os::Fd socket, ConnectionId id, const Endpoint& remote,
                   const Endpoint& local, Dialled dialled);
  ~StreamConnection();

  // Enters the table, so that others may send over it already. False: it can't.
  bool begin_dialling();
  // Just accepted: is anybody from this address welcome? Of a proxy's that is asked when the client is known.
  void arrive();

  // --- in the HTTP phase, from ConnectionUser::on_http: exactly one of these
  // Becomes a WebSocket: enters the connection table, sends the 101. full: the table is; nothing was sent.
  Result<void> accept(const ws::Acceptance& acceptance);
  void reply_and_close(std::string_view http_reply);

  // --- in the open phase
  // One message; text when it is UTF-8 (RFC 7118 allows both, a browser dies of bad text). On a SIP stream it goes out
  // as it is, whatever the opcode. gone, full.
  Result<void> send_message(std::string_view payload);
  Result<void> send_message(std::string_view payload, ws::Opcode opcode);
  Result<void> send_ping(std::string_view payload);
  Result<void> send_pong(std::string_view payload);
  // Starts the closing handshake (RFC 6455 7.1.2); on a connection that is closing already it ends it at once.
  // out_of_range: a status nobody may send.
  Result<void> close(ws::CloseCode code, std::string_view reason, CloseCause cause);
  // Ends it now, without a word.
  void terminate(CloseCause cause);

  ConnectionId id() const noexcept { return id_; }
  Phase phase() const noexcept { return phase_; }
  bool is_open() const noexcept { return phase_ == Phase::open || phase_ == Phase::sip_stream; }
  bool is_websocket() const noexcept { return sipwsd::is_websocket(local_.protocol); }
  bool is_dialled() const noexcept { return dialled_ != nullptr; }
  std::string_view server_name() const noexcept { return dialled_ ? std::string_view{dialled_->server_name} : std::string_view{}; }
  // May what is for that server go over it? Over TLS only when it has shown to be him (RFC 5922 7.3).
  bool is_way_to(std::string_view server_name) const noexcept;
  bool is_newcomer() const noexcept { return phase_ == Phase::arriving || phase_ == Phase::http; }
  Arrival arrival() const noexcept;
  const Endpoint& remote() const noexcept { return remote_; }
  const Endpoint& local() const noexcept { return local_; }
  const SocketStream& stream() const noexcept { return stream_; }
  std::chrono::seconds age() const noexcept;
  std::chrono::seconds idle() const noexcept;  // since the last frame in either direction

  // Addresses of record that registered over this connection, so that its end can remove their bindings. Beyond a
  // handful (a gateway) they are not listed one by one.
  void remember_aor(std::string_view aor);
  const std::vector<std::string>& bound_aors() const noexcept { return bound_aors_; }
  bool has_too_many_aors() const noexcept { return bound_aors_.size() > max_listed_aors; }
  // Who the handshake has shown to be at the other end; empty: it showed nothing.
  void set_authenticated_aor(std::string_view aor) { authenticated_aor_ = std::make_unique<std::string>(aor); }
  std::string_view authenticated_aor() const noexcept {
    return authenticated_aor_ ? std::string_view{*authenticated_aor_} : std::string_view{};
  }
  // Its client has been told a Flow-Timer (RFC 5626 4.4): from now on silence for longer means that the flow is dead. Of a
  // WebSocket the keepalive process takes care.
  void expect_keepalives();
  // What the messages over it say about calls; whoever reads them notes it.
  CallEstimate& calls() noexcept { return calls_; }
  // Who has registered over it; the last one, when there are several.
  ClientId client() const noexcept { return client_; }
  void set_client(ClientId client) noexcept { client_ = client; }
  // In on_closed: somebody meant it to end. A phone that ends a SIP stream says nothing about why: that is abnormal.
  bool ended_cleanly() const noexcept { return row(cause_).ending == Ending::clean; }
  // Another worker has sent over it: its end is news to them.
  void use_by_others() noexcept { used_by_others_ = true; }
  bool was_used_by_others() const noexcept { return used_by_others_; }

  // For ConnectionRegistry, which turns a timer's key into a connection.
  void on_timer(os::TimerId id);
  // From the HandshakeLane: this newcomer's turn.
  void serve_newcomer();

  void on_ready(std::uint32_t events) override;
  void run_deferred() override;  // writes what the turn gathered

 private:
  static constexpr std::size_t max_listed_aors = 32;
  // Held until the handshake is through.
  struct Newcomer {
    Newcomer(PendingHandshakes& pending, ConnectionId id, base::TimePoint now) : place(pending, id, now) {}
    PendingHandshakes::Place place;
    std::string bytes;
    http::HeadScanner scanner;
  };

  void read();
  void take(const SocketStream::Input& input);
  void take_bytes(MutableBytes bytes);
  void take_first(MutableBytes bytes);
  void begin_http(MutableBytes bytes, const Endpoint& listener);
  Result<void> learn_client(const http::RequestHead& head);
  bool is_welcome();
  void take_http(MutableBytes bytes);
  void refuse_http(http::Status status, std::string_view why);
  void on_dialled();
  void begin_talking();
  void begin_sip_stream(MutableBytes bytes);
  void take_sip(MutableBytes bytes);
  Result<shm::ConnectionIndex> enter_table(SubProtocol sub_protocol, shm::ConnectionState state = shm::ConnectionState::open);
  bool has_room_for(std::size_t bytes);
  void take_frames(MutableBytes bytes);
  void on_event(const ws::Event& event);
  void fail(ws::CloseCode code, std::string_view reason, CloseCause cause);
  void send_close(const ws::ControlFrame& frame);
  void finish(CloseCause cause);         // the WebSocket has ended: record, event, then linger
  void say_goodbye(CloseCause cause);    // the event, once
  void count_end();
  void linger();                         // write what is left, half-close, wait for the peer's end
  void discard();                        // what still comes then
  void vanish();                         // the socket is closed, the object dies at the end of the turn
  void flush();
  Result<void> send_frame(ws::Opcode opcode, std::string_view payload);
  void send_raw(std::string_view bytes);
  bool ping_is_within_rate();
  void charge(std::size_t bytes);
  bool is_out_of_patience(std::chrono::nanoseconds debt);
  void pause(std::chrono::milliseconds time);
  void watch_idleness();
  bool is_awaiting_crlf() const noexcept;
  void send_crlf_ping();
  void take_crlf_pong();
  void watch(std::uint32_t events);
  void watch_for_reading();
  void set_timer(os::TimerId& timer, std::chrono::milliseconds delay);
  void cancel_timer(os::TimerId& timer);
  void touch();

  ConnectionContext& context_;
  SocketStream stream_;
  ConnectionId id_;
  ClientId client_ = ClientId::none;
  Phase phase_ = Phase::arriving;
  SubProtocol sub_protocol_ = SubProtocol::none;
  bool half_closed_ = false;             // we have sent our FIN
  bool peer_ended_ = false;              // the peer has sent its FIN
  bool used_by_others_ = false;
  bool announced_ = false;               // in the connection table, so its end is an event
  bool was_open_ = false;
  bool is_exempt_ = false;               // from rates
  bool is_watched_ = false;
  bool is_leaving_ = false;              // the peer has ended while it was not read: what it sent last is read at once
  bool in_lane_ = false;
  bool expects_keepalives_ = false;
  CloseCause cause_ = CloseCause::closed;  // of a Close that is out
  std::uint32_t watched_ = 0;
  std::uint32_t discarded_ = 0;          // bytes thrown away while lingering
  std::uint32_t messages_read_ = 0;      // in this read
  std::uint32_t bytes_unfolded_ = 0;     // of messages in this read, as inflated
  shm::ConnectionIndex record_{};
  Endpoint remote_, local_;
  std::int64_t opened_at_;               // monotonic seconds
  std::int64_t last_used_ = 0;           // as in the record
  std::int64_t last_message_ = 0;
  std::int64_t last_heard_ = 0;          // of a SIP stream: any byte from the peer
  os::TimerId deadline_{};               // handshake, dialling, idle, closing handshake, lingering
  os::TimerId message_deadline_{};       // a message has begun and must end
  os::TimerId write_deadline_{};         // the peer must read
  os::TimerId pause_{};                  // it is not read for so long
  Guest guest_;
  base::TokenBucket pings_, messages_, bytes_;
  base::TimePoint too_fast_since_{}, paused_until_{};
  ws::Receiver receiver_;
  std::unique_ptr<ws::PerMessageDeflate> deflate_;  // null: not agreed
  std::unique_ptr<sip::StreamFramer> framer_;       // of a SIP stream
  std::unique_ptr<Newcomer> newcomer_;
  std::unique_ptr<Dialled> dialled_;                // null: accepted
  std::vector<std::string> bound_aors_;
  std::unique_ptr<std::string> authenticated_aor_;  // null for most: a pointer is all it costs them
  CallEstimate calls_;
};

}  // namespace sipwsd::net
