#include "src/tls/contexts.h"

#include "sipwsd/bytes.h"

#include "src/base/clock.h"
#include "src/base/digest.h"
#include "src/tls/context_state.h"
#include "src/tls/pem.h"
#include "src/tls/tickets.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

namespace sipwsd::tls {
namespace {

using config::TlsProfile;
using config::TlsVersions;

// Forward secrecy and AEAD only. AES-128 first: as safe, and cheaper; a client that has no AES hardware puts ChaCha20
// first and gets it (SSL_OP_PRIORITIZE_CHACHA).
constexpr const char* tls12_ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* tls13_ciphers = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* groups = "X25519:P-256";

// A SIP message fits, and the buffer for one that does not stays small.
constexpr long record_size = 4096;

Error wrong(const TlsProfile& profile, std::string_view param, const std::string& file, const std::string& why) {
  return {Errc::malformed, profile.name() + ": " + std::string(param) + " " + file + ": " + why};
}
Error wrong(const TlsProfile& profile, const std::string& why) { return {Errc::malformed, profile.name() + ": " + why}; }

std::string file_at(const std::vector<std::string>& files, std::size_t i) {
  return i < files.size() ? files[i] : std::string();
}
std::string key_file(const TlsProfile& profile, std::size_t i) {
  return profile.private_key.empty() ? file_at(profile.certificate, i) : file_at(profile.private_key, i);
}

// --- what every context has

Result<void> use_versions_and_ciphers(SSL_CTX* context, const TlsProfile& profile) {
  SSL_CTX_set_min_proto_version(context, profile.versions == TlsVersions::only_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context, profile.versions == TlsVersions::only_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_SINGLE_ECDH_USE |
                                   SSL_OP_SINGLE_DH_USE | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                   SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_max_send_fragment(context, record_size);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set1_groups_list(context, groups);
  const std::string& own = profile.cipher_list;
  if (SSL_CTX_set_cipher_list(context, own.empty() ? tls12_ciphers : own.c_str()) != 1)
    return wrong(profile, "cipher_list " + own + ": " + take_error() + "; see openssl-ciphers(1)");
  const std::string& suites = profile.ciphersuites;
  if (SSL_CTX_set_ciphersuites(context, suites.empty() ? tls13_ciphers : suites.c_str()) != 1)
    return wrong(profile, "ciphersuites " + suites + ": " + take_error() + "; write " + tls13_ciphers);
  return {};
}

Result<void> use_identity(SSL_CTX* context, const ProfileMaterial& material, std::size_t i) {
  const TlsProfile& profile = material.profile;
  const Identity& identity = material.identities[i];
  const std::string file = file_at(profile.certificate, i);
  const auto chain = read_certificates(identity.chain.view());
  if (!chain) return wrong(profile, "certificate", file, chain.error().why);
  const auto key = read_private_key(identity.private_key.view());
  if (!key && profile.private_key.empty() && identity.private_key.view().find("PRIVATE KEY-----") == std::string_view::npos)
    return wrong(profile, "certificate", file, "its private key is not in this file; name the key's file in private_key");
  if (!key) return wrong(profile, "private_key", key_file(profile, i), key.error().why);

  X509* leaf = chain->front().get();
  if (X509_check_private_key(leaf, key->get()) != 1) {
    ERR_clear_error();
    return wrong(profile, "private_key", key_file(profile, i),
                 "it is not the key of certificate " + file + "; name the key it was made with");
  }
  if (chain->size() > 1 && X509_check_issued((*chain)[1].get(), leaf) != X509_V_OK)
    return wrong(profile, "certificate", file,
                 "its second certificate (" + subject_of((*chain)[1].get()) + ") did not issue the first (" +
                     subject_of(leaf) + "); write the server's own first, then the one that issued it");
  if (SSL_CTX_use_certificate(context, leaf) != 1) return wrong(profile, "certificate", file, take_error());
  if (SSL_CTX_use_PrivateKey(context, key->get()) != 1)
    return wrong(profile, "private_key", key_file(profile, i), take_error());
  for (std::size_t n = 1; n < chain->size(); ++n)
    if (SSL_CTX_add1_chain_cert(context, (*chain)[n].get()) != 1) return wrong(profile, "certificate", file, take_error());
  return {};
}

// Whom to believe, and what they have revoked.
Result<void> use_trust(SSL_CTX* context, const ProfileMaterial& material) {
  const TlsProfile& profile = material.profile;
  SSL_CTX_set_verify_depth(context, static_cast<int>(profile.verify_depth));
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  if (!material.ca_list.empty()) {
    const auto authorities = read_certificates(material.ca_list);
    if (!authorities) return wrong(profile, "ca_list", profile.ca_list, authorities.error().why);
    NameStack names(sk_X509_NAME_new_null());
    for (const auto& authority : *authorities) {
      if (X509_STORE_add_cert(store, authority.get()) != 1) return wrong(profile, "ca_list", profile.ca_list, take_error());
      sk_X509_NAME_push(names.get(), X509_NAME_dup(X509_get_subject_name(authority.get())));
    }
    if (profile.side == TlsProfile::Side::server) SSL_CTX_set_client_CA_list(context, names.release());
  }
  if (material.crl.empty()) return {};
  const auto crls = read_crls(material.crl);
  if (!crls) return wrong(profile, "crl", profile.crl, crls.error().why);
  for (const auto& crl : *crls)
    if (X509_STORE_add_crl(store, crl.get()) != 1) return wrong(profile, "crl", profile.crl, take_error());
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  return {};
}

// --- as a server

// A session that was made under other rules about clients' certificates is not resumed: not on another profile, and
// not after a reload that changes whom to believe.
void use_session_context(SSL_CTX* context, const ProfileMaterial& material) {
  const TlsProfile& profile = material.profile;
  std::string rules = profile.name() + (profile.verify_certificate ? "\nverify" : "") +
                      (profile.require_certificate ? "\nrequire" : "");
  if (profile.verify_certificate || profile.require_certificate)
    rules += "\n" + std::to_string(profile.verify_depth) + "\n" + material.ca_list + "\n" + material.crl;
  const auto id = base::sha256(rules);
  static_assert(sizeof id <= SSL_MAX_SID_CTX_LENGTH);
  SSL_CTX_set_session_id_context(context, id.data(), id.size());
}

void use_tickets(SSL_CTX* context, std::chrono::seconds lifetime) {
  if (lifetime.count() == 0) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    return;
  }
  SSL_CTX_set_timeout(context, static_cast<long>(lifetime.count()));
  // A phone has one connection; each resumption brings the next ticket.
  SSL_CTX_set_num_tickets(context, 1);
  use_shared_tickets(context);
}

Result<std::vector<Stapling>> staplings_of(SSL_CTX* context, const ProfileMaterial& material) {
  std::vector<Stapling> all;
  for (std::size_t i = 0; i < material.identities.size(); ++i) {
    const Identity& identity = material.identities[i];
    if (identity.ocsp_response.empty()) continue;
    const auto chain = read_certificates(identity.chain.view());
    X509* issuer = chain->size() > 1 ? (*chain)[1].get() : nullptr;
    const auto staple = read_staple(identity.ocsp_response, chain->front().get(), issuer);
    if (!staple)
      return wrong(material.profile, "ocsp_response", file_at(material.profile.ocsp_response, i),
                   staple.error().why + "; fetch a new one with openssl ocsp -respout");
    // The context's own object for this certificate: the callback compares addresses.
    for (int more = SSL_CTX_set_current_cert(context, SSL_CERT_SET_FIRST); more == 1;
         more = SSL_CTX_set_current_cert(context, SSL_CERT_SET_NEXT))
      if (X509_cmp(SSL_CTX_get0_certificate(context), chain->front().get()) == 0)
        all.push_back({SSL_CTX_get0_certificate(context), identity.ocsp_response, staple->until});
  }
  return all;
}

// Takes over what the profile's own context says and an SSL object has copied from its first one.
void switch_to(SSL* ssl, const ServerContext& profile) {
  SSL_CTX* context = profile.context.get();
  if (SSL_get_SSL_CTX(ssl) == context) return;
  SSL_set_SSL_CTX(ssl, context);
  SSL_set_verify(ssl, SSL_CTX_get_verify_mode(context), nullptr);
  SSL_set_verify_depth(ssl, SSL_CTX_get_verify_depth(context));
  SSL_set_min_proto_version(ssl, static_cast<int>(SSL_CTX_get_min_proto_version(context)));
  SSL_set_max_proto_version(ssl, static_cast<int>(SSL_CTX_get_max_proto_version(context)));
}

// RFC 6066 3: a list with one host name. Anything else is left to OpenSSL's parser, which refuses it.
std::string_view host_name_in(std::span<const unsigned char> extension) {
  constexpr std::size_t head = 5;  // length of the list, type, length of the name
  if (extension.size() <= head || extension[2] != TLSEXT_NAMETYPE_host_name) return {};
  const std::size_t size = std::size_t{extension[3]} << 8 | extension[4];
  if (size > TLSEXT_MAXLEN_host_name || extension.size() < head + size) return {};
  return {reinterpret_cast<const char*>(extension.data()) + head, size};
}

// Before version, cipher, ticket or anything else of the ClientHello counts.
int on_client_hello(SSL* ssl, int* alert, void*) {
  Handshake& handshake = handshake_of(ssl);
  if (handshake.hello_seen) return SSL_CLIENT_HELLO_SUCCESS;  // the second one, after a HelloRetryRequest
  handshake.hello_seen = true;
  const unsigned char* extension = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &extension, &size) != 1) return SSL_CLIENT_HELLO_SUCCESS;
  handshake.server_name = host_name_in({extension, size});
  std::transform(handshake.server_name.begin(), handshake.server_name.end(), handshake.server_name.begin(), ascii_lower);
  const ServerContext* profile = handshake.state->choose(handshake.local, handshake.server_name);
  if (profile == nullptr) {
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_CLIENT_HELLO_ERROR;
  }
  handshake.profile = profile;
  switch_to(ssl, *profile);
  return SSL_CLIENT_HELLO_SUCCESS;
}

// RFC 6066 3: a server that has used the name says so.
int on_server_name(SSL* ssl, int*, void*) {
  const ServerContext* profile = handshake_of(ssl).profile;
  return profile != nullptr && !profile->server_name.empty() ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

int on_status_request(SSL* ssl, void*) {
  const ServerContext* profile = handshake_of(ssl).profile;
  if (profile == nullptr) return SSL_TLSEXT_ERR_NOACK;
  for (const Stapling& stapling : profile->staplings) {
    if (stapling.certificate != SSL_get_certificate(ssl)) continue;
    if (stapling.until <= base::SystemClock{}.unix_seconds()) break;  // an old one is worse than none
    auto* copy = static_cast<unsigned char*>(OPENSSL_memdup(stapling.response.data(), stapling.response.size()));
    if (copy == nullptr) break;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(stapling.response.size()));
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

// RFC 7301. Browsers offer http/1.1 for wss; who offers only something else is not held to it.
int on_alpn(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered, unsigned int length,
            void*) {
  constexpr std::string_view http = "http/1.1";
  for (unsigned int at = 0; at < length; at += 1u + offered[at]) {
    if (offered[at] != http.size() || std::memcmp(offered + at + 1, http.data(), http.size()) != 0) continue;
    *chosen = offered + at + 1;
    *size = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

// --- choosing

bool is_same_socket(const Endpoint& section, const Endpoint& local) noexcept {
  if (section.port != local.port) return false;
  constexpr std::array<std::uint8_t, 16> any{};
  return section.address == any || (section.family == local.family && section.address == local.address);
}

bool is_wildcard_match(std::string_view pattern, std::string_view name) noexcept {
  if (!pattern.starts_with("*.") || !name.ends_with(pattern.substr(1))) return false;
  const std::string_view label = name.substr(0, name.size() - pattern.size() + 1);
  return !label.empty() && label.find('.') == std::string_view::npos;
}

// 0: not this one.
int fitness(std::string_view profile_name, std::string_view wanted) noexcept {
  if (wanted.empty()) return profile_name.empty() ? 2 : 1;  // a client without SNI gets something in any case
  if (profile_name.empty()) return 1;
  if (profile_name == wanted) return 3;
  return is_wildcard_match(profile_name, wanted) ? 2 : 0;
}

}  // namespace

Result<ServerContext> make_server_context(const ProfileMaterial& material, std::chrono::seconds ticket_lifetime) {
  const TlsProfile& profile = material.profile;
  ServerContext made{profile.address, profile.server_name, SslContext(SSL_CTX_new(TLS_server_method())), {}};
  SSL_CTX* context = made.context.get();
  if (context == nullptr) return wrong(profile, "no context: " + take_error());
  if (auto used = use_versions_and_ciphers(context, profile); !used) return used.error();
  for (std::size_t i = 0; i < material.identities.size(); ++i)
    if (auto used = use_identity(context, material, i); !used) return used.error();
  if (auto used = use_trust(context, material); !used) return used.error();
  if (profile.require_certificate)
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  else if (profile.verify_certificate)
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  use_session_context(context, material);
  use_tickets(context, ticket_lifetime);
  auto staplings = staplings_of(context, material);
  if (!staplings) return staplings.error();
  made.staplings = *std::move(staplings);
  if (!made.staplings.empty()) SSL_CTX_set_tlsext_status_cb(context, on_status_request);
  SSL_CTX_set_client_hello_cb(context, on_client_hello, nullptr);
  SSL_CTX_set_tlsext_servername_callback(context, on_server_name);
  SSL_CTX_set_alpn_select_cb(context, on_alpn, nullptr);
  return made;
}

Result<SslContext> make_client_context(const ProfileMaterial& material) {
  const TlsProfile& profile = material.profile;
  SslContext made(SSL_CTX_new(TLS_client_method()));
  if (!made) return wrong(profile, "no context: " + take_error());
  if (auto used = use_versions_and_ciphers(made.get(), profile); !used) return used.error();
  for (std::size_t i = 0; i < material.identities.size(); ++i)
    if (auto used = use_identity(made.get(), material, i); !used) return used.error();
  if (auto used = use_trust(made.get(), material); !used) return used.error();
  if (profile.verify_certificate) SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER, nullptr);
  return made;
}

const ServerContext* ContextState::choose(const Endpoint& local, std::string_view server_name) const noexcept {
  const ServerContext* best = nullptr;
  int best_fitness = 0;
  for (const ServerContext& server : servers) {
    if (server.address && !is_same_socket(*server.address, local)) continue;
    int fit = fitness(server.server_name, server_name);
    if (fit != 0 && server.address) fit += 10;  // whatever its name
    if (fit <= best_fitness) continue;
    best = &server;
    best_fitness = fit;
  }
  return best;
}

const ClientContext* ContextState::choose_client(const Endpoint& remote) const noexcept {
  const ClientContext* best = nullptr;
  for (const ClientContext& client : clients) {
    const auto& address = client.material.profile.address;
    if (address && is_same_socket(*address, remote)) return &client;
    if (!address && best == nullptr) best = &client;
  }
  return best;
}

Result<Contexts> Contexts::make(const Material& material, shm::TicketKeys tickets) {
  auto state = std::make_shared<ContextState>();
  state->tickets = tickets;
  const auto ticket_lifetime = tickets ? material.ticket_lifetime : std::chrono::seconds{0};
  for (const ProfileMaterial& profile : material.profiles) {
    if (profile.profile.side == TlsProfile::Side::client) {
      state->clients.push_back({profile, nullptr});
      continue;
    }
    auto server = make_server_context(profile, ticket_lifetime);
    if (!server) return server.error();
    state->servers.push_back(*std::move(server));
  }
  return Contexts(std::move(state));
}

Contexts::Contexts(std::shared_ptr<const ContextState> state) : state_(std::move(state)) {}
Contexts::Contexts(Contexts&&) noexcept = default;
Contexts& Contexts::operator=(Contexts&&) noexcept = default;
Contexts::~Contexts() = default;

bool Contexts::serves(const Endpoint& local) const noexcept { return state_->choose(local, {}) != nullptr; }

}  // namespace sipwsd::tls
