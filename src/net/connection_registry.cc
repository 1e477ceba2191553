#include "src/net/connection_registry.h"

#include <cstring>

#include "shm/layout.h"

namespace sipwsd::net {

ConnectionRegistry::ConnectionRegistry(os::EventLoop& loop, const config::Settings& settings, shm::SharedState& shared,
                                       shm::OwnCounters counters, bus::Mailbox& mailbox, ConnectionUser& user,
                                       WorkerSlot slot)
    : shared_(shared),
      mailbox_(mailbox),
      context_{.loop = loop,
               .settings = settings,
               .connections = shared.connections,
               .counters = counters,
               .user = user,
               .owner = *this,
               .slot = slot} {}

ConnectionRegistry::~ConnectionRegistry() = default;

void ConnectionRegistry::adopt(os::Fd socket, const Endpoint& remote, const Endpoint& local) {
  const ConnectionId id = shared_.ids.next();
  auto connection = std::make_unique<StreamConnection>(context_, std::move(socket), id, remote, local);
  if (connection->phase() == StreamConnection::Phase::gone) return;  // it could not even be watched
  connections_.emplace(id, std::move(connection));
  context_.counters.add(shm::Counter::tcp_passive_open);
  context_.counters.add(shm::Counter::tcp_established);
}

StreamConnection* ConnectionRegistry::find(ConnectionId id) noexcept {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : found->second.get();
}

Result<void> ConnectionRegistry::send(Flow flow, std::string_view message, std::uint64_t ticket) {
  if (flow.owner == context_.slot) {
    StreamConnection* connection = find(flow.connection);
    if (connection == nullptr) return Errc::gone;
    return connection->send_message(message);
  }
  if (flow.owner == WorkerSlot::none) return Errc::gone;
  char ticket_bytes[sizeof ticket];
  std::memcpy(ticket_bytes, &ticket, sizeof ticket);
  return mailbox_.post(shm::process_slot(flow.owner),
                       bus::SendMessage{.connection = flow.connection,
                                        .opcode = bus::OpcodeHint::automatic,
                                        .branch = ticket == 0 ? std::string_view{} : std::string_view{ticket_bytes, sizeof ticket_bytes},
                                        .bytes = message});
}

void ConnectionRegistry::close_all(ws::CloseCode code, std::string_view reason) {
  std::vector<ConnectionId> ids;  // closing changes the map
  ids.reserve(connections_.size());
  for (const auto& [id, connection] : connections_) ids.push_back(id);
  for (const auto id : ids) {
    StreamConnection* connection = find(id);
    if (connection == nullptr) continue;
    if (connection->is_open())
      static_cast<void>(connection->close(code, reason, "shutdown"));
    else if (connection->phase() == StreamConnection::Phase::http)
      connection->terminate("shutdown");
  }
}

void ConnectionRegistry::on_timer(os::TimerId id, std::uint64_t key) {
  if (StreamConnection* connection = find(static_cast<ConnectionId>(key))) connection->on_timer(id);
}

void ConnectionRegistry::buried(ConnectionId id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  graveyard_.push_back(std::move(found->second));
  connections_.erase(found);
  context_.loop.defer(*this);
}

void ConnectionRegistry::run_deferred() { graveyard_.clear(); }

}  // namespace sipwsd::net
