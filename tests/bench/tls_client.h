#pragma once
// TLS for the clients (RFC 8446, RFC 5246): a session over a non-blocking socket that reads and writes as recv() and
// send() do. The client's own cost is kept low, because it shares the processors with the server that is measured: one
// key share (X25519), no verification of the certificate, buffers released between records.
// The only file of the clients that includes OpenSSL.

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace sipwsd::bench {

class TlsContext {
 public:
  enum class Version { any, tls_1_2, tls_1_3 };
  enum class Resume { no, yes };  // yes: each connection offers the newest ticket (RFC 8446 2.2, RFC 5077)

  explicit TlsContext(Version version = Version::any, Resume resume = Resume::no);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // It resumes and has no ticket yet: the next connection must read until one has come.
  bool wants_ticket() const noexcept;

 private:
  friend class TlsStream;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class TlsStream {
 public:
  enum class Handshake { under_way, done, failed };

  // The socket stays the caller's. The context must outlive the stream.
  TlsStream(TlsContext& context, int socket);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  Handshake handshake();  // to be called again whenever the socket is ready, until it is not under way
  // As recv() and send(): the number of bytes, 0 at close_notify or end of TCP, -1 with errno (EAGAIN: later, EPROTO:
  // what came is not TLS, or an alert).
  ssize_t read(char* to, std::size_t size);
  ssize_t write(std::string_view bytes);

  void say_goodbye();  // close_notify (RFC 8446 6.1)

  bool was_resumed() const;
  std::string why() const;  // of the last failure

  // What a client may but should not do, again and again. Each returns false when the library refuses to.
  bool ask_for_new_keys();  // TLS 1.3 KeyUpdate, the answer requested (RFC 8446 4.6.3)
  bool renegotiate();       // TLS 1.2: a ClientHello inside the session (RFC 5246 7.4.1.1)

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The bytes of a ClientHello record, as a client would send them first.
std::string client_hello();

}  // namespace sipwsd::bench
