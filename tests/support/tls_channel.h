#pragma once
// TLS on a connected socket, for test clients: OpenSSL's client on a blocking descriptor, with a deadline. What a test
// wants of the handshake (a name, a version, a certificate, a session to resume) is asked for here and nowhere else.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "tests/support/deadline.h"

namespace sipwsd::test {

enum class TlsVersion { tls1_0, tls1_1, tls1_2, tls1_3 };

// What a server gave us to come back with (a ticket and what belongs to it), as bytes; empty is none.
struct TlsSession {
  std::string der;
  [[nodiscard]] bool empty() const { return der.empty(); }
};

struct TlsOptions {
  std::string server_name{};  // SNI, and the name to check when there is a `ca`; empty sends none
  std::string ca{};           // PEM file; empty: any certificate will do
  std::string certificate{};  // PEM file, what we show when we are asked
  std::string private_key{};
  TlsVersion min_version = TlsVersion::tls1_2, max_version = TlsVersion::tls1_3;
  std::string ciphers{};      // of TLS 1.2 and before, as OpenSSL names them; empty: its own list
  TlsSession session{};       // to resume
};

class TlsChannel {
 public:
  // Throws when the handshake does not end well. The descriptor stays the caller's.
  TlsChannel(int fd, const TlsOptions& options);
  ~TlsChannel();
  TlsChannel(TlsChannel&& other) noexcept;
  TlsChannel& operator=(TlsChannel&& other) noexcept;

  // False when the peer has gone.
  bool send(std::string_view bytes);
  enum class Got { bytes, eof, reset, nothing };
  // What has come, appended to `out`; waits no longer than the deadline. `eof` is close_notify or the TCP end.
  Got receive(std::string& out, const Deadline& deadline);
  // Is there something to read, or the end, within this time?
  [[nodiscard]] bool has_something_within(std::chrono::milliseconds time);
  // Our close_notify: we send nothing more, and go on reading.
  void end_sending();

  [[nodiscard]] std::string version() const;  // "TLSv1.3"
  [[nodiscard]] std::string cipher() const;
  [[nodiscard]] std::string protocol() const;  // what ALPN agreed on; empty is nothing
  [[nodiscard]] std::string peer_name() const;  // the CN of the server's certificate
  [[nodiscard]] bool is_resumed() const;
  [[nodiscard]] bool ended_with_close_notify() const;
  // The newest ticket. TLS 1.3 sends them behind the handshake: read something first.
  [[nodiscard]] TlsSession session() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sipwsd::test
