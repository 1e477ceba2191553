#pragma once
// The connections of one worker by their id, its datagram sockets, and the one function that sends: on a flow wherever it
// lives, here at once or by a letter to the worker that owns it (decision 1 of the design: nobody else writes to a
// socket); or to an address.

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "src/bus/letters.h"
#include "src/bus/mailbox.h"
#include "shm/layout.h"
#include "src/net/connection_context.h"
#include "src/net/dialer.h"
#include "src/net/own_addresses.h"
#include "src/net/stream_connection.h"
#include "src/net/transport.h"
#include "src/net/udp_transport.h"

namespace sipwsd::net {

class ConnectionRegistry final : public Transport, private ConnectionOwner, private os::Deferred {
 public:
  ConnectionRegistry(os::EventLoop& loop, const config::Settings& settings, shm::SharedState& shared,
                     shm::OwnCounters counters, bus::Mailbox& mailbox, ConnectionUser& user, WorkerSlot slot);
  ~ConnectionRegistry() override;

  // For new connections, from now on; null: there is no TLS. Must outlive the registry or the next call; sessions that
  // exist go on with what they have.
  void use_tls(const tls::Contexts* contexts) noexcept { context_.tls = contexts; }
  Admission& admission() noexcept { return admission_; }
  // So many handshakes wait for their turn, or are under way and young, that nobody else should be accepted: a storm of
  // honest clients waits in the kernel's queue. Those who are slow hold up nobody.
  bool is_crowded() const noexcept;
  // A socket just accepted on `local`.
  void adopt(os::Fd socket, const Endpoint& remote, const Endpoint& local);
  // This worker's copy of a datagram socket; `at` as bound.
  void serve_datagrams(const Endpoint& at, int socket) { udp_.serve(at, socket); }
  // All sockets the daemon listens on, as bound: where what is sent by address may leave from.
  void use_own_addresses(std::vector<Endpoint> bound) { own_addresses_.use(std::move(bound)); }

  Result<Flow> send(const Destination& to, std::string_view message, std::uint64_t ticket,
                    std::string_view server_name = {}) override;

  // `connection` was made by its other end, which asks to be reached at `at` over it too (RFC 5923): granted to a peer, and
  // to who has shown a certificate, for their own address. Another worker makes its own.
  void offer_alias(ConnectionId connection, const Endpoint& at);
  // The address of ours that whoever gets it can answer to: of a flow its own, else of the socket of that transport that
  // leads there best. For Via and Record-Route. Nothing: no socket of ours fits.
  [[nodiscard]] std::optional<Endpoint> source_for(const Destination& to);

  StreamConnection* find(ConnectionId id) noexcept;
  std::size_t size() const noexcept { return connections_.size(); }
  std::vector<ConnectionId> ids() const;
  // Close 1001 to all that are open, an end to all that are not yet (RFC 6455 7.4.1).
  void close_all(ws::CloseCode code, std::string_view reason);

 private:
  void on_timer(os::TimerId id, std::uint64_t key) override;
  void buried(ConnectionId id) override;
  void dial_failed(const StreamConnection& connection) override;
  void run_deferred() override;
  Result<Flow> send_along(const Flow& flow, std::string_view message, std::uint64_t ticket);
  Result<Flow> send_datagram(const Destination& to, std::string_view message);
  Result<Flow> send_over_connection_to(const Endpoint& remote, std::string_view message, std::string_view server_name);
  std::string name_reached_at(const Endpoint& remote);
  StreamConnection* connection_to(const Endpoint& remote, std::string_view server_name);

  shm::SharedState& shared_;
  bus::Mailbox& mailbox_;
  HandshakeLane lane_;
  Admission admission_;
  PendingHandshakes pending_;
  ConnectionContext context_;
  UdpTransport udp_;
  OwnAddresses own_addresses_;
  Dialer dialer_;
  std::unordered_map<ConnectionId, std::unique_ptr<StreamConnection>> connections_;
  std::vector<std::unique_ptr<StreamConnection>> graveyard_;
};

}  // namespace sipwsd::net
