#include "src/tls/session.h"

#include "src/tls/context_state.h"
#include "src/tls/failure.h"
#include "src/tls/pem.h"

#include <openssl/x509v3.h>

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <limits>
#include <utility>

namespace sipwsd::tls {
namespace {

// A ClientHello, a client's certificates and a margin; a longer handshake has no honest reason.
constexpr std::uint32_t max_handshake = 64 * 1024;
// Records without data: so many at once, and one more for each of these bytes of data.
constexpr std::uint32_t max_idle_records = 32;
constexpr std::uint32_t data_for_a_record = 1024;

constexpr std::byte handshake_record{SSL3_RT_HANDSHAKE};

bool is_address(const std::string& host) {
  in6_addr any{};
  return inet_pton(AF_INET, host.c_str(), &any) == 1 || inet_pton(AF_INET6, host.c_str(), &any) == 1;
}

}  // namespace

// All of a session. Its address is known to OpenSSL, so it stays where it is.
struct Engine {
  Handshake handshake;
  Ssl ssl;
  // During a call only: what of the wire OpenSSL has not read yet, and where it writes.
  ByteView unread;
  std::string* out = nullptr;
  std::string rest;  // of the wire: what did not fit into the caller's buffer
  std::string why;
  State state = State::handshaking;
  Failure failure = Failure::none;
  bool has_begun = false;
  bool close_sent = false;
  bool is_over_limit = false;  // and why says which
  std::uint32_t handshake_bytes = 0;
  std::uint32_t idle_records = 0;
  std::uint32_t data_bytes = 0;  // since an idle record was forgiven

  bool is_server() const noexcept { return handshake.profile != nullptr; }
  bool has_ended() const noexcept { return state == State::closed || state == State::failed; }

  Result<void> start(SSL_CTX* context);
  void shake_hands();
  std::size_t decipher(MutableBytes plain);
  void keep_rest(bool unread_is_rest);
  void fail(Failure what, std::string reason);
  void fail_as_openssl_says(int ssl_error);

  // For OpenSSL.
  int take(char* buffer, int size) noexcept;
  int put(const char* bytes, int size) noexcept;
  void count_record(int type) noexcept;
  void forgive(std::size_t data) noexcept;
};

namespace {

// --- the BIO: both ends of the wire ----------------------------------------------------------------------------------

Engine& engine_of(BIO* bio) noexcept { return *static_cast<Engine*>(BIO_get_data(bio)); }

int on_read(BIO* bio, char* buffer, int size) {
  BIO_clear_retry_flags(bio);
  const int taken = engine_of(bio).take(buffer, size);
  if (taken == 0) BIO_set_retry_read(bio);
  return taken > 0 ? taken : -1;
}
int on_write(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  return engine_of(bio).put(bytes, size);
}
long on_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

const BIO_METHOD* wire() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sipwsd wire");
    BIO_meth_set_read(made, on_read);
    BIO_meth_set_write(made, on_write);
    BIO_meth_set_ctrl(made, on_control);
    return made;
  }();
  return method;
}

// Each record that is read, whatever becomes of it. TLS 1.3 hides the type, and tells the inner one.
void on_message(int is_write, int version, int type, const void* bytes, std::size_t size, SSL* ssl, void* engine) {
  if (is_write != 0 || size == 0) return;
  const bool is_type_known = type == SSL3_RT_INNER_CONTENT_TYPE || (type == SSL3_RT_HEADER && version != TLS1_3_VERSION &&
                                                                    SSL_version(ssl) != TLS1_3_VERSION);
  if (is_type_known) static_cast<Engine*>(engine)->count_record(*static_cast<const unsigned char*>(bytes));
}

}  // namespace

Handshake& handshake_of(const SSL* ssl) noexcept { return engine_of(SSL_get_rbio(ssl)).handshake; }

// 0: nothing there; -1: no more will be read.
int Engine::take(char* buffer, int size) noexcept {
  if (is_over_limit) return -1;
  if (unread.empty()) return 0;
  const std::size_t n = std::min(unread.size(), static_cast<std::size_t>(size));
  if (state == State::handshaking && (handshake_bytes += static_cast<std::uint32_t>(n)) > max_handshake) {
    is_over_limit = true;
    return -1;
  }
  std::memcpy(buffer, unread.data(), n);
  unread = unread.subspan(n);
  return static_cast<int>(n);
}

int Engine::put(const char* bytes, int size) noexcept {
  try {
    out->append(bytes, static_cast<std::size_t>(size));
  } catch (const std::exception&) {  // no memory; nothing may be thrown through OpenSSL
    return -1;
  }
  return size;
}

void Engine::count_record(int type) noexcept {
  if (state != State::open || type == SSL3_RT_APPLICATION_DATA) return;
  if (++idle_records > max_idle_records) is_over_limit = true;
}

void Engine::forgive(std::size_t data) noexcept {
  if (idle_records == 0) return;
  data_bytes += static_cast<std::uint32_t>(data);
  const std::uint32_t forgiven = std::min(idle_records, data_bytes / data_for_a_record);
  idle_records -= forgiven;
  data_bytes = idle_records == 0 ? 0 : data_bytes - forgiven * data_for_a_record;
}

Result<void> Engine::start(SSL_CTX* context) {
  ssl.reset(SSL_new(context));
  BIO* bio = ssl ? BIO_new(wire()) : nullptr;
  if (bio == nullptr) return Error{Errc::system, "no memory for a TLS session"};
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl.get(), bio, bio);
  SSL_set_msg_callback(ssl.get(), on_message);
  SSL_set_msg_callback_arg(ssl.get(), this);
  return {};
}

void Engine::shake_hands() {
  const int done = SSL_do_handshake(ssl.get());
  if (done == 1) {
    state = State::open;
    return;
  }
  const int error = SSL_get_error(ssl.get(), done);
  if (error != SSL_ERROR_WANT_READ || is_over_limit) fail_as_openssl_says(error);
}

std::size_t Engine::decipher(MutableBytes plain) {
  std::size_t filled = 0;
  while (state == State::open && filled < plain.size()) {
    std::size_t n = 0;
    const int got = SSL_read_ex(ssl.get(), plain.data() + filled, plain.size() - filled, &n);
    if (got == 1) {
      filled += n;
      forgive(n);
      continue;
    }
    const int error = SSL_get_error(ssl.get(), got);
    if (error == SSL_ERROR_WANT_READ && !is_over_limit) break;
    if (error == SSL_ERROR_ZERO_RETURN || (close_sent && !is_over_limit))
      state = State::closed;
    else
      fail_as_openssl_says(error);
  }
  return filled;
}

void Engine::fail(Failure what, std::string reason) {
  state = State::failed;
  failure = what;
  why = std::move(reason);
}

void Engine::fail_as_openssl_says(int ssl_error) {
  if (is_over_limit)
    return fail(Failure::flood, state == State::handshaking ? "a handshake without end" : "too many records without data");
  if (ssl_error != SSL_ERROR_SSL) return fail(Failure::protocol, "out of memory");  // there is no other I/O error
  const long verified = SSL_get_verify_result(ssl.get());
  const auto [what, reason] = failure_of(ERR_peek_error());
  fail(what, reason == "certificate verify failed" && verified != X509_V_OK ? X509_verify_cert_error_string(verified)
                                                                           : reason);
}

// Nothing of the caller's buffer is referred to after the call.
void Engine::keep_rest(bool unread_is_rest) {
  if (has_ended()) unread = {};
  if (unread.empty())
    std::string().swap(rest);
  else if (unread_is_rest)
    rest.erase(0, rest.size() - unread.size());
  else
    rest.assign(as_text(unread));
  unread = {};
  out = nullptr;
}

// --- Session ---------------------------------------------------------------------------------------------------------

Session::Session(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<Session> Session::accept(const Contexts& contexts, const Endpoint& local) {
  auto engine = std::make_unique<Engine>();
  engine->handshake.state = contexts.state_;
  engine->handshake.local = local;
  engine->handshake.profile = contexts.state_->choose(local, {});
  if (!engine->is_server()) return Error{Errc::not_found, "no TLS profile for " + local.to_string()};
  if (auto started = engine->start(engine->handshake.profile->context.get()); !started) return started.error();
  SSL_set_accept_state(engine->ssl.get());
  return Session(std::move(engine));
}

Result<Session> Session::connect(const Contexts& contexts, const Endpoint& remote, std::string_view server_name) {
  const ClientContext* client = contexts.state_->choose_client(remote);
  if (client == nullptr) return Error{Errc::not_found, "no TLS profile for a client"};
  if (!client->context) {
    auto made = make_client_context(client->material);
    if (!made) return made.error();
    client->context = *std::move(made);
  }
  auto engine = std::make_unique<Engine>();
  engine->handshake.state = contexts.state_;
  engine->handshake.server_name = server_name;
  if (auto started = engine->start(client->context.get()); !started) return started.error();
  SSL* ssl = engine->ssl.get();
  SSL_set_connect_state(ssl);
  const std::string& name = engine->handshake.server_name;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  // RFC 6066 3: no addresses in SNI.
  const bool set = is_address(name) ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1
                                    : SSL_set1_host(ssl, name.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
  if (!set) return Error{Errc::malformed, "not a server's name: " + name};
  return Session(std::move(engine));
}

Progress Session::feed(ByteView wire, MutableBytes plain, std::string& out) {
  Engine& e = *engine_;
  if (e.has_ended()) return {e.state, 0, false, e.failure, e.why};
  const bool has_rest = !e.rest.empty();
  if (has_rest) e.rest.append(as_text(wire));
  e.unread = has_rest ? as_bytes(e.rest) : wire;
  e.out = &out;
  std::size_t filled = 0;
  if (!e.has_begun && !e.unread.empty()) {
    e.has_begun = true;
    if (e.unread.front() != handshake_record && e.is_server()) e.fail(Failure::no_tls, "no TLS");
  }
  ERR_clear_error();
  if (e.state == State::handshaking) e.shake_hands();
  if (e.state == State::open) filled = e.decipher(plain);
  ERR_clear_error();
  e.keep_rest(has_rest);
  const bool more = e.state == State::open && (!e.rest.empty() || SSL_pending(e.ssl.get()) > 0);
  return {e.state, filled, more, e.failure, e.why};
}

Result<void> Session::write(std::string_view plain, std::string& out) {
  Engine& e = *engine_;
  // The peer's close_notify ends what it says, not what we do (RFC 8446 6.1).
  if ((e.state != State::open && e.state != State::closed) || e.close_sent)
    return Error{Errc::refused, "the TLS session is not open"};
  if (plain.empty()) return {};
  e.out = &out;
  ERR_clear_error();
  std::size_t written = 0;
  const int done = SSL_write_ex(e.ssl.get(), plain.data(), plain.size(), &written);
  e.out = nullptr;
  if (done == 1) return {};
  e.fail(Failure::protocol, "could not write");
  ERR_clear_error();
  return Error{Errc::system, e.why};
}

void Session::close(std::string& out) {
  Engine& e = *engine_;
  if (e.close_sent || (e.state != State::open && e.state != State::closed)) return;
  e.close_sent = true;
  e.out = &out;
  ERR_clear_error();
  SSL_shutdown(e.ssl.get());  // ours only: nobody waits for theirs
  ERR_clear_error();
  e.out = nullptr;
}

State Session::state() const noexcept { return engine_->state; }
bool Session::has_begun() const noexcept { return engine_->has_begun; }
bool Session::is_resumed() const noexcept { return SSL_session_reused(engine_->ssl.get()) == 1; }

bool Session::is_peer_verified() const noexcept {
  const SSL* ssl = engine_->ssl.get();
  return engine_->state != State::handshaking && (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0 &&
         SSL_get0_peer_certificate(ssl) != nullptr && SSL_get_verify_result(ssl) == X509_V_OK;
}

bool Session::is_peer_named(std::string_view name) const noexcept {
  if (!is_peer_verified() || name.empty()) return false;
  X509* certificate = SSL_get0_peer_certificate(engine_->ssl.get());
  const std::string text(name);
  return is_address(text) ? X509_check_ip_asc(certificate, text.c_str(), 0) == 1
                          : X509_check_host(certificate, text.data(), text.size(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
}

std::string Session::peer_subject() const {
  const X509* certificate = SSL_get0_peer_certificate(engine_->ssl.get());
  return certificate == nullptr ? std::string() : subject_of(certificate);
}

std::string_view Session::server_name() const noexcept { return engine_->handshake.server_name; }
std::string_view Session::version() const noexcept { return SSL_get_version(engine_->ssl.get()); }
std::string_view Session::cipher() const noexcept {
  const char* name = SSL_get_cipher_name(engine_->ssl.get());
  return name == nullptr ? std::string_view() : name;
}
std::size_t Session::held() const noexcept { return engine_->rest.capacity() > 15 ? engine_->rest.capacity() : 0; }

}  // namespace sipwsd::tls
