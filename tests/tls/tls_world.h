#pragma once
// What the tests of TLS share: profiles from certificates, contexts as two workers would have them, and an OpenSSL client
// whose wire is two strings.

#include "src/tls/contexts.h"
#include "src/tls/material.h"
#include "src/tls/session.h"

#include "tests/support/certificates.h"
#include "tests/support/private_segment.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace sipwsd::tls {

using config::TlsProfile;
using test::CertificateAuthority;
using test::IssuedCertificate;

inline Endpoint local_endpoint(std::uint16_t port = 443) {
  Endpoint endpoint;
  endpoint.family = AddressFamily::ipv4;
  endpoint.address = {127, 0, 0, 1};
  endpoint.port = port;
  endpoint.protocol = TransportProtocol::wss;
  return endpoint;
}

inline TlsProfile server_profile(const IssuedCertificate& certificate, const std::string& server_name = {}) {
  TlsProfile profile;
  profile.server_name = server_name;
  profile.certificate = {certificate.chain_file};
  profile.private_key = {certificate.key_file};
  return profile;
}

template <typename T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().why);
  return *std::move(result);
}

inline Material material_of(std::vector<TlsProfile> profiles, std::chrono::seconds ticket_lifetime = std::chrono::hours{1}) {
  config::Settings settings;
  settings.tls_profiles = std::move(profiles);
  settings.tls_ticket_lifetime = ticket_lifetime;
  return value_of(load(settings));
}

inline Contexts contexts_of(std::vector<TlsProfile> profiles, shm::TicketKeys tickets = {}) {
  return value_of(Contexts::make(material_of(std::move(profiles)), tickets));
}

using SslSession = std::shared_ptr<SSL_SESSION>;

struct ClientOptions {
  int version = TLS1_3_VERSION;  // the only one; 0: any
  std::string server_name{};
  std::string ca_file{};         // empty: believes anybody
  std::optional<IssuedCertificate> certificate{};
  SslSession session{};
  std::string alpn{};            // wire form
  std::string sigalgs{}, ciphers{};
  bool wants_staple = false;
};

class Client {
 public:
  explicit Client(const ClientOptions& options = {})
      : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
    SSL_CTX* context = context_.get();
    SSL_CTX_set_security_level(context, 0);
    if (options.version != 0) {
      SSL_CTX_set_min_proto_version(context, options.version);
      SSL_CTX_set_max_proto_version(context, options.version);
    }
    if (!options.ca_file.empty()) {
      SSL_CTX_load_verify_file(context, options.ca_file.c_str());
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    }
    if (options.certificate) {
      SSL_CTX_use_certificate_chain_file(context, options.certificate->chain_file.c_str());
      SSL_CTX_use_PrivateKey_file(context, options.certificate->key_file.c_str(), SSL_FILETYPE_PEM);
    }
    if (!options.sigalgs.empty()) SSL_CTX_set1_sigalgs_list(context, options.sigalgs.c_str());
    if (!options.ciphers.empty()) SSL_CTX_set_cipher_list(context, options.ciphers.c_str());
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(context, [](SSL* ssl, SSL_SESSION* session) {
      static_cast<Client*>(SSL_get_app_data(ssl))->sessions.emplace_back(session, SSL_SESSION_free);
      return 1;
    });
    ssl_ = {SSL_new(context), SSL_free};
    SSL_set_app_data(ssl_.get(), this);
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl_.get(), in_, out_);
    SSL_set_connect_state(ssl_.get());
    if (!options.server_name.empty()) SSL_set_tlsext_host_name(ssl_.get(), options.server_name.c_str());
    if (options.session) SSL_set_session(ssl_.get(), options.session.get());
    if (options.wants_staple) SSL_set_tlsext_status_type(ssl_.get(), TLSEXT_STATUSTYPE_ocsp);
    if (!options.alpn.empty())
      SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(options.alpn.data()),
                          static_cast<unsigned>(options.alpn.size()));
  }
  // OpenSSL takes a session that ended without a word for a bad one, and its ticket with it.
  ~Client() {
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  SSL* ssl() const { return ssl_.get(); }
  // Ciphertext from the server in; what it has deciphered is in `received`.
  void take(std::string_view wire) {
    BIO_write(in_, wire.data(), static_cast<int>(wire.size()));
    if (!SSL_is_init_finished(ssl_.get())) SSL_do_handshake(ssl_.get());
    char buffer[4096];
    std::size_t n = 0;
    while (SSL_is_init_finished(ssl_.get()) && SSL_read_ex(ssl_.get(), buffer, sizeof buffer, &n) == 1) received.append(buffer, n);
    error = SSL_get_error(ssl_.get(), 0);
    if (const auto code = ERR_peek_error()) last_reason = ERR_GET_REASON(code);
    ERR_clear_error();
  }
  void write(std::string_view plain) {
    std::size_t n = 0;
    if (!plain.empty()) SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &n);
    ERR_clear_error();
  }
  // Everything the client has to say.
  std::string give() {
    std::string wire(BIO_pending(out_), '\0');
    if (!wire.empty()) BIO_read(out_, wire.data(), static_cast<int>(wire.size()));
    return wire;
  }
  bool has_closed() const { return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }
  std::string peer_subject() const {
    X509* certificate = SSL_get0_peer_certificate(ssl_.get());
    char text[256] = "";
    if (certificate != nullptr) X509_NAME_oneline(X509_get_subject_name(certificate), text, sizeof text);
    return text;
  }

  std::string received;
  std::vector<SslSession> sessions;  // tickets it got
  int error = 0;
  int last_reason = 0;

 private:
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_{nullptr, SSL_free};
  BIO *in_ = nullptr, *out_ = nullptr;
};

// A server session and what came out of it.
struct Served {
  explicit Served(const Contexts& contexts, const Endpoint& local = local_endpoint())
      : session(value_of(Session::accept(contexts, local))) {}

  Progress feed(std::string_view wire) {
    std::vector<std::byte> buffer(plain_size);
    Progress progress = session.feed(as_bytes(wire), buffer, out);
    received += as_text(ByteView{buffer}.first(progress.plain));
    while (progress.more) {
      progress = session.feed({}, buffer, out);
      received += as_text(ByteView{buffer}.first(progress.plain));
    }
    EXPECT_EQ(ERR_peek_error(), 0u) << "the error queue is left as it was found";
    return progress;
  }
  std::string take_out() { return std::exchange(out, {}); }

  Session session;
  std::string out, received;
  std::size_t plain_size = 64 * 1024;
};

// Until neither has anything to say.
inline void talk(Client& client, Served& server) {
  client.take({});
  for (std::string wire = client.give(); !wire.empty(); wire = client.give()) {
    server.feed(wire);
    client.take(server.take_out());
  }
}

// A server with one certificate, and whoever asks it.
class TlsTest : public ::testing::Test {
 protected:
  CertificateAuthority authority;
  IssuedCertificate certificate = authority.issue();
  test::PrivateSegment segment;
  Contexts contexts = contexts_of({server_profile(certificate)}, segment->ticket_keys);
};

// Both versions, in every test that has this for a base.
class EachVersion : public TlsTest, public ::testing::WithParamInterface<int> {
 protected:
  ClientOptions options() const { return {.version = GetParam()}; }
};
inline std::string version_name(const ::testing::TestParamInfo<int>& info) {
  return info.param == TLS1_3_VERSION ? "Tls13" : "Tls12";
}
inline auto each_version() { return ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION); }

}  // namespace sipwsd::tls
