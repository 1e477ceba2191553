#include "tests/bench/tls_client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <stdexcept>

namespace sipwsd::bench {
namespace {

template <auto function>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    function(object);
  }
};
using Context = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using Session = std::unique_ptr<SSL_SESSION, Free<SSL_SESSION_free>>;
using Ssl = std::unique_ptr<SSL, Free<SSL_free>>;

std::string queued_error() {
  const auto code = ERR_get_error();
  std::array<char, 256> text{};
  ERR_error_string_n(code, text.data(), text.size());
  return code == 0 ? "end of TCP" : text.data();
}

}  // namespace

struct TlsContext::Impl {
  Context context;
  Session session;
  bool wants_tickets = false;

  static int on_ticket(SSL* ssl, SSL_SESSION* session) {
    auto& self = *static_cast<Impl*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    if (!self.wants_tickets) return 0;
    self.session.reset(session);
    return 1;
  }
};

TlsContext::TlsContext(Version version, Resume resume) : impl_(std::make_unique<Impl>()) {
  ::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets without MSG_NOSIGNAL
  impl_->context.reset(SSL_CTX_new(TLS_client_method()));
  auto* context = impl_->context.get();
  if (context == nullptr) throw std::runtime_error("SSL_CTX_new: " + queued_error());
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // A peer that ends TCP without close_notify would cost us the session: OpenSSL never offers its ticket again.
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set1_groups_list(context, "X25519:P-256");
  SSL_CTX_set_min_proto_version(context, version == Version::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context, version == Version::tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION);
  SSL_CTX_set_app_data(context, impl_.get());
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, Impl::on_ticket);
  impl_->wants_tickets = resume == Resume::yes;
}

TlsContext::~TlsContext() = default;

bool TlsContext::wants_ticket() const noexcept { return impl_->wants_tickets && impl_->session == nullptr; }

struct TlsStream::Impl {
  Ssl ssl;
  std::string why;

  // What the result of an SSL_* call means in the words of recv() and send().
  ssize_t as_errno(int result) {
    switch (SSL_get_error(ssl.get(), result)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
      case SSL_ERROR_ZERO_RETURN:
        return 0;
      case SSL_ERROR_SYSCALL:
        why = "end of TCP";
        if (errno == 0) return 0;
        return -1;
      default:
        why = queued_error();
        ERR_clear_error();
        errno = EPROTO;
        return -1;
    }
  }
};

TlsStream::TlsStream(TlsContext& context, int socket) : impl_(std::make_unique<Impl>()) {
  impl_->ssl.reset(SSL_new(context.impl_->context.get()));
  if (impl_->ssl == nullptr) throw std::runtime_error("SSL_new: " + queued_error());
  SSL_set_fd(impl_->ssl.get(), socket);
  SSL_set_tlsext_host_name(impl_->ssl.get(), "example.com");
  // A copy: in TLS 1.3 OpenSSL takes a session for used up once it was resumed.
  if (context.impl_->session != nullptr) {
    const Session copy(SSL_SESSION_dup(context.impl_->session.get()));
    SSL_set_session(impl_->ssl.get(), copy.get());
  }
  SSL_set_connect_state(impl_->ssl.get());
}

TlsStream::~TlsStream() {
  // Without a shutdown OpenSSL takes the session for broken and never offers its ticket again; quiet: nothing is sent.
  SSL_set_quiet_shutdown(impl_->ssl.get(), 1);
  SSL_shutdown(impl_->ssl.get());
  ERR_clear_error();
}

TlsStream::Handshake TlsStream::handshake() {
  ERR_clear_error();
  errno = 0;
  const int result = SSL_do_handshake(impl_->ssl.get());
  if (result == 1) return Handshake::done;
  return impl_->as_errno(result) < 0 && errno == EAGAIN ? Handshake::under_way : Handshake::failed;
}

ssize_t TlsStream::read(char* to, std::size_t size) {
  ERR_clear_error();
  errno = 0;
  const int got = SSL_read(impl_->ssl.get(), to, static_cast<int>(std::min<std::size_t>(size, INT_MAX)));
  return got > 0 ? got : impl_->as_errno(got);
}

ssize_t TlsStream::write(std::string_view bytes) {
  ERR_clear_error();
  errno = 0;
  const int sent = SSL_write(impl_->ssl.get(), bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX)));
  return sent > 0 ? sent : impl_->as_errno(sent);
}

void TlsStream::say_goodbye() {
  ERR_clear_error();
  SSL_shutdown(impl_->ssl.get());
}

bool TlsStream::was_resumed() const { return SSL_session_reused(impl_->ssl.get()) == 1; }
std::string TlsStream::why() const { return impl_->why; }

bool TlsStream::ask_for_new_keys() {
  ERR_clear_error();
  if (SSL_key_update(impl_->ssl.get(), SSL_KEY_UPDATE_REQUESTED) != 1) return false;
  const int result = SSL_do_handshake(impl_->ssl.get());
  return result == 1 || (impl_->as_errno(result) < 0 && errno == EAGAIN);
}

bool TlsStream::renegotiate() {
  ERR_clear_error();
  if (SSL_renegotiate(impl_->ssl.get()) != 1) return false;
  const int result = SSL_do_handshake(impl_->ssl.get());
  return result == 1 || (impl_->as_errno(result) < 0 && errno == EAGAIN);
}

std::string client_hello() {
  const Context context(SSL_CTX_new(TLS_client_method()));
  const Ssl ssl(SSL_new(context.get()));
  BIO* wire = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), wire, wire);
  SSL_set_tlsext_host_name(ssl.get(), "example.com");
  SSL_connect(ssl.get());
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(wire, &bytes);
  std::string hello(bytes, static_cast<std::size_t>(size));
  ERR_clear_error();
  return hello;
}

}  // namespace sipwsd::bench
