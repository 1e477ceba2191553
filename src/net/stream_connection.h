#pragma once
// One accepted stream connection, from its first byte to its last: HTTP head, then WebSocket (RFC 6455). The only
// place that reads and writes a socket. It belongs to one worker for life; ConnectionRegistry owns it.
//
//   http --accept()--> open --close()--> closing --peer's Close--> lingering --EOF or deadline--> gone
//    `---refuse()------------------------------------------------> lingering
//
// While it is idle it holds no buffer: reads go into the worker's own, what a turn writes leaves at the turn's end.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shm/connection_table.h"
#include "sipwsd/exchange.h"
#include "src/http/head_parser.h"
#include "src/net/connection_context.h"
#include "src/net/outbox.h"
#include "src/os/event_loop.h"
#include "src/os/fd.h"
#include "src/os/timer_wheel.h"
#include "src/ws/frame_encoder.h"
#include "src/ws/handshake.h"
#include "src/ws/receiver.h"

namespace sipwsd::net {

class StreamConnection final : public os::Watcher, public os::Deferred {
 public:
  enum class Phase : std::uint8_t { http, open, closing, lingering, gone };

  StreamConnection(ConnectionContext& context, os::Fd socket, ConnectionId id, const Endpoint& remote,
                   const Endpoint& local);
  ~StreamConnection();

  // --- in the HTTP phase, from ConnectionUser::on_http: exactly one of these
  // Becomes a WebSocket: enters the connection table, sends the 101. full: the table is; nothing was sent.
  Result<void> accept(const ws::Acceptance& acceptance);
  void reply_and_close(std::string_view http_reply);

  // --- in the open phase
  // One message; text when it is UTF-8 (RFC 7118 allows both, a browser dies of bad text). gone, full.
  Result<void> send_message(std::string_view payload);
  Result<void> send_message(std::string_view payload, ws::Opcode opcode);
  Result<void> send_ping(std::string_view payload);
  Result<void> send_pong(std::string_view payload);
  // Starts the closing handshake (RFC 6455 7.1.2); on a connection that is closing already it ends it at once.
  // out_of_range: a status nobody may send.
  Result<void> close(ws::CloseCode code, std::string_view reason, std::string_view cause);
  // Ends it now, without a word.
  void terminate(std::string_view cause);

  ConnectionId id() const noexcept { return id_; }
  Phase phase() const noexcept { return phase_; }
  bool is_open() const noexcept { return phase_ == Phase::open; }
  Arrival arrival() const noexcept;
  const Endpoint& remote() const noexcept { return remote_; }
  const Endpoint& local() const noexcept { return local_; }

  // Addresses of record that registered over this connection, so that its end can remove their bindings. Beyond a
  // handful (a gateway) they are not listed one by one.
  void remember_aor(std::string_view aor);
  const std::vector<std::string>& bound_aors() const noexcept { return bound_aors_; }
  bool has_too_many_aors() const noexcept { return bound_aors_.size() > max_listed_aors; }
  // Another worker has sent over it: its end is news to them.
  void use_by_others() noexcept { used_by_others_ = true; }
  bool was_used_by_others() const noexcept { return used_by_others_; }

  // For ConnectionRegistry, which turns a timer's key into a connection.
  void on_timer(os::TimerId id);

  void on_ready(std::uint32_t events) override;
  void run_deferred() override;  // writes what the turn gathered

 private:
  static constexpr std::size_t max_listed_aors = 32;
  struct HttpHead {
    std::string bytes;
    http::HeadScanner scanner;
  };

  void read();
  void take_http(MutableBytes bytes);
  void take_frames(MutableBytes bytes);
  void on_event(const ws::Event& event);
  void fail(ws::CloseCode code, std::string_view reason);
  void send_close(const ws::ControlFrame& frame);
  void finish(std::string_view cause);   // the WebSocket has ended: record, event, then linger
  void linger();                         // write what is left, half-close, wait for the peer's end
  void vanish();                         // the socket is closed, the object dies at the end of the turn
  void flush();
  Result<void> send_frame(ws::Opcode opcode, std::string_view payload);
  void send_raw(std::string_view bytes);
  bool ping_is_within_rate();
  void watch_idleness();
  void watch(std::uint32_t events);
  void set_timer(os::TimerId& timer, std::chrono::milliseconds delay);
  void cancel_timer(os::TimerId& timer);
  void touch();

  ConnectionContext& context_;
  os::Fd socket_;
  ConnectionId id_;
  Phase phase_ = Phase::http;
  SubProtocol sub_protocol_ = SubProtocol::none;
  bool half_closed_ = false;             // we have sent our FIN
  bool peer_ended_ = false;              // the peer has sent its FIN
  bool used_by_others_ = false;
  bool announced_ = false;               // in the connection table, so its end is an event
  std::uint8_t pings_left_;
  std::uint32_t watched_ = 0;
  std::uint32_t ping_second_ = 0;
  std::uint32_t discarded_ = 0;          // bytes thrown away while lingering
  shm::ConnectionIndex record_{};
  Endpoint remote_, local_;
  std::int64_t last_used_ = 0;           // monotonic seconds; as in the record
  os::TimerId deadline_{};               // handshake, idle, closing handshake, lingering
  os::TimerId message_deadline_{};       // a message has begun and must end
  os::TimerId write_deadline_{};         // the peer must read
  ws::Receiver receiver_;
  Outbox outbox_;
  std::unique_ptr<HttpHead> head_;
  std::vector<std::string> bound_aors_;
};

}  // namespace sipwsd::net
