#include "src/net/connection_registry.h"

#include <cstring>

#include "shm/layout.h"

namespace sipwsd::net {
namespace {

using namespace std::chrono_literals;

// What a worker can have half-way at once without making all of them slow; one that takes longer is somebody's network
// or somebody's attack, and doesn't count.
constexpr std::size_t young_handshakes = 512;
constexpr auto young_for = 2s;

}  // namespace

ConnectionRegistry::ConnectionRegistry(os::EventLoop& loop, const config::Settings& settings, shm::SharedState& shared,
                                       shm::OwnCounters counters, bus::Mailbox& mailbox, ConnectionUser& user,
                                       WorkerSlot slot)
    : shared_(shared),
      mailbox_(mailbox),
      lane_(loop, [this](ConnectionId id) {
        if (StreamConnection* connection = find(id)) connection->serve_newcomer();
      }),
      admission_(settings, shared, counters, slot),
      context_{.loop = loop,
               .settings = settings,
               .connections = shared.connections,
               .counters = counters,
               .user = user,
               .owner = *this,
               .slot = slot,
               .mailbox = mailbox,
               .lane = lane_,
               .admission = admission_,
               .pending = pending_},
      udp_(context_),
      dialer_(context_, own_addresses_) {}

ConnectionRegistry::~ConnectionRegistry() = default;

void ConnectionRegistry::adopt(os::Fd socket, const Endpoint& remote, const Endpoint& local) {
  const ConnectionId id = shared_.ids.next();
  auto connection = std::make_unique<StreamConnection>(context_, std::move(socket), id, remote, local);
  if (connection->phase() == StreamConnection::Phase::gone) return;  // it could not even be watched
  StreamConnection& newcomer = *connections_.emplace(id, std::move(connection)).first->second;
  context_.counters.add(shm::Counter::tcp_passive_open);
  context_.counters.add(shm::Counter::tcp_established);
  newcomer.arrive();
  // Too many are slow at once: who has been slow for longest goes, so slowloris crowds out itself.
  if (pending_.size() > context_.settings.max_pending_handshakes)
    if (StreamConnection* oldest = find(pending_.oldest())) oldest->terminate(CloseCause::handshake_crowded);
}

bool ConnectionRegistry::is_crowded() const noexcept {
  if (lane_.is_busy()) return true;
  const auto since = pending_.oldest_since();
  return pending_.size() >= young_handshakes && since && context_.loop.now() - *since < young_for;
}

StreamConnection* ConnectionRegistry::find(ConnectionId id) noexcept {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : found->second.get();
}

Result<Flow> ConnectionRegistry::send(const Destination& to, std::string_view message, std::uint64_t ticket,
                                      std::string_view server_name) {
  if (to.is_flow()) return send_along(to.flow, message, ticket);
  switch (to.remote.protocol) {
    case TransportProtocol::udp: return send_datagram(to, message);
    case TransportProtocol::tcp: return send_over_connection_to(to.remote, message, {});
    case TransportProtocol::tls:
      return send_over_connection_to(to.remote, message, server_name.empty() ? name_reached_at(to.remote) : std::string(server_name));
    default: return Errc::unsupported;
  }
}

std::optional<Endpoint> ConnectionRegistry::source_for(const Destination& to) {
  if (to.is_flow()) {
    if (const StreamConnection* connection = to.flow.owner == context_.slot ? find(to.flow.connection) : nullptr) return connection->local();
    if (const auto record = shared_.connections.find(to.flow.connection)) return record->local;
    return std::nullopt;
  }
  if (to.is_datagram() && to.local.family != AddressFamily::none) return to.local;
  return own_addresses_.source_for(to.remote, context_.loop.now());
}

Result<Flow> ConnectionRegistry::send_datagram(const Destination& to, std::string_view message) {
  Result<void> sent = to.local.family == AddressFamily::none ? Errc::unsupported : udp_.send(to.local, to.remote, message);
  // A binding may be older than the present sockets.
  if (sent.is(Errc::unsupported))
    if (const Endpoint* socket = own_addresses_.socket_for(to.remote, context_.loop.now()))
      sent = udp_.send(*socket, to.remote, message);
  if (!sent) return sent.error();
  return Flow{};
}

StreamConnection* ConnectionRegistry::connection_to(const Endpoint& remote, std::string_view server_name) {
  StreamConnection* found = nullptr;
  dialer_.for_each_to(remote, [&](ConnectionId id) {
    if (StreamConnection* connection = find(id); connection != nullptr && connection->is_way_to(server_name)) found = connection;
  });
  return found;
}

// Who doesn't say whose certificate it must be means whom we talk to there; when that is nobody, it must have the address.
std::string ConnectionRegistry::name_reached_at(const Endpoint& remote) {
  std::string name;
  dialer_.for_each_to(remote, [&](ConnectionId id) {
    const StreamConnection* connection = find(id);
    if (connection != nullptr && connection->is_dialled() && connection->is_way_to(connection->server_name())) name = connection->server_name();
  });
  return name.empty() ? remote.address_text() : name;
}

Result<Flow> ConnectionRegistry::send_over_connection_to(const Endpoint& remote, std::string_view message, std::string_view server_name) {
  StreamConnection* connection = connection_to(remote, server_name);
  if (connection == nullptr) {
    const ConnectionId id = shared_.ids.next();
    auto dialled = dialer_.dial(id, remote, server_name);
    if (!dialled) return dialled.error();
    connection = connections_.emplace(id, *std::move(dialled)).first->second.get();
  }
  if (auto sent = connection->send_message(message); !sent) return sent.error();
  return Flow{connection->id(), context_.slot};
}

void ConnectionRegistry::offer_alias(ConnectionId id, const Endpoint& at) {
  const StreamConnection* connection = find(id);
  if (connection == nullptr || connection->is_dialled() || connection->phase() != StreamConnection::Phase::sip_stream) return;
  const Endpoint& remote = connection->remote();
  if (at.protocol != remote.protocol || at.family != remote.family || at.address != remote.address) return;
  const tls::Session* tls = connection->stream().tls();
  if (!(tls != nullptr && tls->is_peer_verified()) && !context_.settings.peers.contains(remote)) return;
  dialer_.reach(*connection, at);
}

void ConnectionRegistry::dial_failed(const StreamConnection& connection) {
  dialer_.failed(connection);
  context_.user.on_dial_failed(connection.id(), connection.remote());
}

Result<Flow> ConnectionRegistry::send_along(const Flow& flow, std::string_view message, std::uint64_t ticket) {
  if (flow.owner == context_.slot) {
    StreamConnection* connection = find(flow.connection);
    if (connection == nullptr) return Errc::gone;
    if (auto sent = connection->send_message(message); !sent) return sent.error();
    return flow;
  }
  if (flow.owner == WorkerSlot::none) return Errc::gone;
  char ticket_bytes[sizeof ticket];
  std::memcpy(ticket_bytes, &ticket, sizeof ticket);
  const auto posted = mailbox_.post(
      shm::process_slot(flow.owner),
      bus::SendMessage{.connection = flow.connection,
                       .opcode = bus::OpcodeHint::automatic,
                       .branch = ticket == 0 ? std::string_view{} : std::string_view{ticket_bytes, sizeof ticket_bytes},
                       .bytes = message});
  if (!posted) return posted.error();
  return flow;
}

std::vector<ConnectionId> ConnectionRegistry::ids() const {
  std::vector<ConnectionId> ids;
  ids.reserve(connections_.size());
  for (const auto& [id, connection] : connections_) ids.push_back(id);
  return ids;
}

void ConnectionRegistry::close_all(ws::CloseCode code, std::string_view reason) {
  for (const auto id : ids()) {  // a copy: closing changes the map
    StreamConnection* connection = find(id);
    if (connection == nullptr) continue;
    if (connection->is_open())
      static_cast<void>(connection->close(code, reason, CloseCause::shutdown));
    else if (connection->is_newcomer() || connection->phase() == StreamConnection::Phase::dialling)
      connection->terminate(CloseCause::shutdown);
  }
}

void ConnectionRegistry::on_timer(os::TimerId id, std::uint64_t key) {
  if (StreamConnection* connection = find(static_cast<ConnectionId>(key))) connection->on_timer(id);
}

void ConnectionRegistry::buried(ConnectionId id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  dialer_.forget(*found->second);
  graveyard_.push_back(std::move(found->second));
  connections_.erase(found);
  context_.loop.defer(*this);
}

void ConnectionRegistry::run_deferred() { graveyard_.clear(); }

}  // namespace sipwsd::net
