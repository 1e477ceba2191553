#pragma once
// One TLS connection without its socket (RFC 5246, RFC 8446): bytes from the wire in, plain bytes out, and back. The
// caller's buffers are read and written in place; between calls a session holds no buffer but the beginning of a record.
// A session never sends anything by itself: what must go out is appended to the caller's string.
//
//   handshaking --> open --> closed   the peer has said close_notify
//        `-----------`-----> failed   what there is to say about it (an alert) is in `out`; say it and close
//
// Bounded: the bytes of a handshake, and records that carry no data (KeyUpdates, empty ones, alerts).

#include "sipwsd/bytes.h"
#include "sipwsd/endpoint.h"
#include "sipwsd/result.h"

#include "shm/counters.h"
#include "src/tls/contexts.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sipwsd::tls {

enum class State : std::uint8_t { handshaking, open, closed, failed };

enum class Failure : std::uint8_t {
  none,
  no_tls,        // the first byte is no TLS record: plain HTTP on a TLS port; nothing was sent
  negotiation,   // no common version, cipher, group
  certificate,   // theirs was missing, not believed, revoked, expired; or they did not believe ours
  protocol,      // everything else that RFC 8446 forbids, broken records, renegotiation
  flood,         // a handshake without end, KeyUpdates without data
};
// Which of tls_failures_* to count.
shm::Counter counter_of(Failure failure) noexcept;

struct Progress {
  State state;
  std::size_t plain;     // bytes written into the caller's buffer
  bool more;             // there is more plain text than fitted: call again with no wire bytes
  Failure failure;
  std::string_view why;  // when failed: for the log; lives as long as the session
};

struct Engine;

class Session {
 public:
  // not_found: no profile for this listener. system: out of memory.
  [[nodiscard]] static Result<Session> accept(const Contexts& contexts, const Endpoint& local);
  // As a client. `server_name` (a host name, sent as SNI, or an address) must be in the server's certificate. The first
  // feed(), of no bytes, makes the ClientHello.
  [[nodiscard]] static Result<Session> connect(const Contexts& contexts, const Endpoint& remote,
                                               std::string_view server_name);

  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  // Takes all of `wire`; deciphers into `plain`, handshake messages, alerts and tickets go to `out`. Bytes that do not
  // fit are kept (copied, so give room: as much as `wire` has, and 16 KiB). After closed or failed it does nothing.
  Progress feed(ByteView wire, MutableBytes plain, std::string& out);
  // Appends records with `plain` to `out`, also when the peer has closed its side. refused: not open. No error else but system.
  [[nodiscard]] Result<void> write(std::string_view plain, std::string& out);
  // Our close_notify, once, if there is anything to close. Nothing can be written afterwards; what comes is still read.
  void close(std::string& out);

  [[nodiscard]] State state() const noexcept;
  [[nodiscard]] bool has_begun() const noexcept;            // the first byte of the peer has come
  [[nodiscard]] bool is_resumed() const noexcept;
  [[nodiscard]] bool is_peer_verified() const noexcept;     // it has shown a certificate, and we believe it
  // Verified, and its certificate says that it is called so: a host name or an address (RFC 6125, RFC 5922 7.2).
  [[nodiscard]] bool is_peer_named(std::string_view name) const noexcept;
  [[nodiscard]] std::string peer_subject() const;           // RFC 2253; empty: no certificate
  [[nodiscard]] std::string_view server_name() const noexcept;  // what the client asked for (SNI); escape it in logs
  [[nodiscard]] std::string_view version() const noexcept;  // TLSv1.2, TLSv1.3
  [[nodiscard]] std::string_view cipher() const noexcept;   // TLS_AES_128_GCM_SHA256
  // Bytes kept for the caller, OpenSSL's own not included: 0 unless `plain` was too small.
  [[nodiscard]] std::size_t held() const noexcept;

 private:
  explicit Session(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

}  // namespace sipwsd::tls
