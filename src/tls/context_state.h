#pragma once
// What Contexts hold and sessions share. For the .cc files of this folder only.

#include "src/tls/contexts.h"
#include "src/tls/openssl_handles.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sipwsd::tls {

// A response to staple, found by the certificate OpenSSL has chosen.
struct Stapling {
  const X509* certificate = nullptr;
  std::string response;
  std::int64_t until = 0;
};

struct ServerContext {
  std::optional<Endpoint> address;
  std::string server_name;
  SslContext context;
  std::vector<Stapling> staplings;
};

// Made when it is first needed: the system's list of CAs is large, and most daemons never connect to anybody.
struct ClientContext {
  ProfileMaterial material;
  mutable SslContext context;
};

struct ContextState {
  std::vector<ServerContext> servers;
  std::vector<ClientContext> clients;
  shm::TicketKeys tickets;

  // The profile for a client that wants `server_name` (lower case; empty: it said none). Those with the very address
  // come first: exact name, wildcard, any name; then the default ones likewise. Null: the name is not served here.
  const ServerContext* choose(const Endpoint& local, std::string_view server_name) const noexcept;
  const ClientContext* choose_client(const Endpoint& remote) const noexcept;
};

// What OpenSSL's callbacks ask about the session they are called for, and tell it.
struct Handshake {
  std::shared_ptr<const ContextState> state;
  Endpoint local;
  const ServerContext* profile = nullptr;  // null: a client
  std::string server_name;                 // lower case; what the client asked for, or what we did
  bool hello_seen = false;
};
Handshake& handshake_of(const SSL* ssl) noexcept;  // in session.cc: the session's BIO carries it

// Errors name the file and what to do.
Result<ServerContext> make_server_context(const ProfileMaterial& material, std::chrono::seconds ticket_lifetime);
Result<SslContext> make_client_context(const ProfileMaterial& material);

}  // namespace sipwsd::tls
