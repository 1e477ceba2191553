#include "tests/support/tls_channel.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <fcntl.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace sipwsd::test {
namespace {

[[noreturn]] void give_up(const std::string& what) {
  std::string why;
  for (unsigned long code; (code = ERR_get_error()) != 0;) {
    std::array<char, 256> text;
    ERR_error_string_n(code, text.data(), text.size());
    why += std::string(": ") + text.data();
  }
  throw Disappointed(what + why);
}

int number(TlsVersion version) {
  switch (version) {
    case TlsVersion::tls1_0: return TLS1_VERSION;
    case TlsVersion::tls1_1: return TLS1_1_VERSION;
    case TlsVersion::tls1_2: return TLS1_2_VERSION;
    case TlsVersion::tls1_3: return TLS1_3_VERSION;
  }
  return 0;
}

}  // namespace

struct TlsChannel::State {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl{nullptr, SSL_free};
  std::string session;  // the newest, in DER
  int fd = -1;

  void configure(const TlsOptions& options);
  void prepare(const TlsOptions& options);
  // Waits for what the last call wanted; false when the time is over.
  bool wait(int error, const Deadline& deadline) const;
};

void TlsChannel::State::configure(const TlsOptions& options) {
  SSL_CTX* const raw = context.get();
  // Debian's security level 2 would not even offer 1.0 and 1.1, and it is the server that is under test.
  if (options.min_version < TlsVersion::tls1_2) SSL_CTX_set_security_level(raw, 0);
  SSL_CTX_set_min_proto_version(raw, number(options.min_version));
  SSL_CTX_set_max_proto_version(raw, number(options.max_version));
  if (!options.ciphers.empty() && SSL_CTX_set_cipher_list(raw, options.ciphers.c_str()) != 1) give_up("no such cipher");
  if (!options.ca.empty()) {
    if (SSL_CTX_load_verify_locations(raw, options.ca.c_str(), nullptr) != 1) give_up("cannot read " + options.ca);
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  }
  if (!options.certificate.empty() &&
      (SSL_CTX_use_certificate_chain_file(raw, options.certificate.c_str()) != 1 ||
       SSL_CTX_use_PrivateKey_file(raw, options.private_key.c_str(), SSL_FILETYPE_PEM) != 1))
    give_up("cannot use " + options.certificate);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(raw, [](SSL* ssl, SSL_SESSION* fresh) {
    auto& state = *static_cast<State*>(SSL_get_app_data(ssl));
    state.session.resize(static_cast<std::size_t>(i2d_SSL_SESSION(fresh, nullptr)));
    auto* out = reinterpret_cast<unsigned char*>(state.session.data());
    i2d_SSL_SESSION(fresh, &out);
    return 0;
  });
}

void TlsChannel::State::prepare(const TlsOptions& options) {
  ssl.reset(SSL_new(context.get()));
  SSL_set_app_data(ssl.get(), this);
  SSL_set_fd(ssl.get(), fd);
  SSL_set_mode(ssl.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  constexpr std::array<unsigned char, 9> http11{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_set_alpn_protos(ssl.get(), http11.data(), http11.size());
  if (!options.server_name.empty()) {
    SSL_set_tlsext_host_name(ssl.get(), options.server_name.c_str());
    if (!options.ca.empty()) SSL_set1_host(ssl.get(), options.server_name.c_str());
  }
  if (!options.session.empty()) {
    const auto* in = reinterpret_cast<const unsigned char*>(options.session.der.data());
    const std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)> old{
        d2i_SSL_SESSION(nullptr, &in, static_cast<long>(options.session.der.size())), SSL_SESSION_free};
    if (!old || SSL_set_session(ssl.get(), old.get()) != 1) give_up("not a session");
  }
}

bool TlsChannel::State::wait(int error, const Deadline& deadline) const {
  pollfd wanted{fd, static_cast<short>(error == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN), 0};
  return poll(&wanted, 1, deadline.left_ms()) != 0;
}

TlsChannel::TlsChannel(int fd, const TlsOptions& options) : state_(std::make_unique<State>()) {
  // OpenSSL writes with write(2): a peer that has gone must not end the test program.
  std::signal(SIGPIPE, SIG_IGN);
  state_->fd = fd;
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  ERR_clear_error();
  state_->configure(options);
  state_->prepare(options);
  const Deadline deadline;
  for (int n; (n = SSL_connect(state_->ssl.get())) != 1;) {
    const int error = SSL_get_error(state_->ssl.get(), n);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) give_up("no TLS handshake");
    if (!state_->wait(error, deadline)) throw Disappointed("the TLS handshake does not end");
  }
}

TlsChannel::~TlsChannel() = default;
TlsChannel::TlsChannel(TlsChannel&&) noexcept = default;
TlsChannel& TlsChannel::operator=(TlsChannel&&) noexcept = default;

bool TlsChannel::send(std::string_view bytes) {
  const Deadline deadline;
  while (!bytes.empty()) {
    ERR_clear_error();
    std::size_t n = 0;
    if (SSL_write_ex(state_->ssl.get(), bytes.data(), bytes.size(), &n) == 1) {
      bytes.remove_prefix(n);
      continue;
    }
    const int error = SSL_get_error(state_->ssl.get(), 0);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return false;
    if (!state_->wait(error, deadline)) throw Disappointed("the daemon does not read");
  }
  return true;
}

TlsChannel::Got TlsChannel::receive(std::string& out, const Deadline& deadline) {
  for (;;) {
    ERR_clear_error();
    std::array<char, 16384> bytes;
    std::size_t n = 0;
    if (SSL_read_ex(state_->ssl.get(), bytes.data(), bytes.size(), &n) == 1) {
      out.append(bytes.data(), n);
      return Got::bytes;
    }
    const int error = SSL_get_error(state_->ssl.get(), 0);
    if (error == SSL_ERROR_ZERO_RETURN) return Got::eof;
    if (error == SSL_ERROR_SYSCALL) return Got::reset;
    if (error == SSL_ERROR_SSL)
      return ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING ? Got::eof : Got::reset;
    if (!state_->wait(error, deadline)) return Got::nothing;
  }
}

bool TlsChannel::has_something_within(std::chrono::milliseconds time) {
  const Deadline deadline(time);
  for (;;) {
    ERR_clear_error();
    char byte = 0;
    const int n = SSL_peek(state_->ssl.get(), &byte, 1);
    if (n > 0) return true;
    const int error = SSL_get_error(state_->ssl.get(), n);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return true;
    if (!state_->wait(error, deadline)) return false;
  }
}

void TlsChannel::end_sending() { SSL_shutdown(state_->ssl.get()); }

std::string TlsChannel::version() const { return SSL_get_version(state_->ssl.get()); }
std::string TlsChannel::cipher() const { return SSL_get_cipher_name(state_->ssl.get()); }

std::string TlsChannel::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(state_->ssl.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string TlsChannel::peer_name() const {
  const X509* const certificate = SSL_get0_peer_certificate(state_->ssl.get());
  if (certificate == nullptr) return {};
  std::array<char, 256> text{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text.data(), text.size());
  return text.data();
}

bool TlsChannel::is_resumed() const { return SSL_session_reused(state_->ssl.get()) == 1; }
bool TlsChannel::ended_with_close_notify() const {
  return (SSL_get_shutdown(state_->ssl.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}
TlsSession TlsChannel::session() const { return {state_->session}; }

}  // namespace sipwsd::test
