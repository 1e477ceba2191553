#pragma once
// The routing host of one worker: what connections bring goes to the transaction layer or straight to the stages, what
// stages decide goes back through transactions, location and connections. It decides nothing about a call by itself;
// what no stage claims gets the default reply.

#include <string>
#include <unordered_map>

#include "shm/layout.h"
#include "sipwsd/exchange.h"
#include "src/base/random.h"
#include "src/base/siphash.h"
#include "src/bus/letters.h"
#include "src/bus/mailbox.h"
#include "src/config/settings.h"
#include "src/location/flow_token.h"
#include "src/location/mirror_client.h"
#include "src/location/registrar.h"
#include "src/dns/resolver.h"
#include "src/location/shm_store.h"
#include "src/net/connection_registry.h"
#include "src/net/memory_watch.h"
#include "src/route/own_names.h"
#include "src/route/served_names.h"
#include "src/route/stage_chain.h"
#include "src/route/upstreams.h"
#include "src/transaction/core.h"
#include "src/ws/handshake.h"

namespace sipwsd::route {

// Drawn once by the supervisor, before the first fork: every worker, also a replaced one, must recognise what another
// one signed.
struct Secrets {
  base::SipHashKey branch;
  base::SipHashKey flow_token;
  std::uint16_t run = 0;  // tells what this start of the daemon made from what others did
};

class Router final : public net::ConnectionUser,
                     private transaction::User,
                     private transaction::Counters,
                     private dns::Listener,
                     private Upstreams::Host {
 public:
  struct Place {  // what this worker was given
    os::EventLoop& loop;
    const config::Settings& settings;
    shm::SharedState& shared;
    bus::Mailbox& mailbox;
    base::Random& random;
    WorkerSlot slot;
    std::uint32_t generation;
    Secrets secrets;
    std::vector<route::Listener> listeners;
    shm::ProcessSlot mirror = shm::ProcessSlot::none;  // who keeps bindings over a restart; none: nobody
    net::MemoryWatch* memory = nullptr;                // null: nobody looks
  };
  // `store` also serves the stages, so it comes from outside; it must outlive the router.
  Router(const Place& place, location::Store& store);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // Its sockets are served: it may say something by itself.
  void start();
  void set_stages(std::vector<StagePointer> stages);
  // The settings have changed: what was made of them is made again. Between two messages.
  void reconfigure();
  net::ConnectionRegistry& connections() noexcept { return connections_; }
  const ServedNames& names() const noexcept { return names_; }

  // --- letters
  void on_letter(shm::ProcessSlot from, const bus::Letter& letter);
  // A connection of a worker that died; this one adopted its end.
  void on_lost_connection(const shm::ConnectionRecord& record);

 private:
  friend class HttpExchangeImpl;
  friend class RequestExchangeImpl;

  // net::ConnectionUser
  void on_http(net::StreamConnection& connection, const http::RequestHead& request) override;
  void on_message(net::StreamConnection& connection, ws::Opcode opcode, std::string_view payload) override;
  void on_sip(net::StreamConnection& connection, std::string_view message) override;
  void on_broken_sip(net::StreamConnection& connection, const sip::StreamFailed& failure) override;
  void on_closed(net::StreamConnection& connection, std::string_view cause) override;
  void on_datagram(const Arrival& arrival, std::string_view bytes) override;
  void on_datagram_error(const Endpoint& remote, std::string_view head) override;
  void on_dial_failed(ConnectionId id, const Endpoint& remote) override;
  // transaction::User
  void on_request(transaction::RequestContext& context) override;
  void on_reply(transaction::ReplyContext& context) override;
  void outfit(const transaction::Leg& leg, transaction::Outfit& out) override;
  transaction::Located locate(std::uint64_t ticket, const transaction::Wanted& wanted, std::vector<transaction::Place>& places) override;
  bool is_server_of_ours(const Arrival& arrival) const noexcept override { return is_peer(arrival.remote); }
  bool is_short_of_memory() const noexcept override {
    if (place_.memory != nullptr) place_.memory->count_transaction();
    return place_.shared.memory->is_short();
  }
  bool hand_on_cancel(const sip::MessageView& cancel, const Arrival& arrival) override;
  void on_place_failed(const Destination& to) override;
  // dns::Listener
  void on_resolved(std::uint64_t ticket, std::span<const dns::Place> places) override;
  // Upstreams::Host
  void locate_upstream(const config::UpstreamSpec& spec, std::uint64_t which) override;
  void send_probe(const transaction::Place& place, const config::UpstreamSpec& spec, std::uint32_t number) override;
  // transaction::Counters
  void count(transaction::Count what) noexcept override;

  void refuse(const sip::MessageView& request, const Arrival& arrival, const sip::Refusal& refusal);
  void take_sip(net::StreamConnection& connection, std::string_view bytes, ws::Opcode opcode);
  void on_sip(const Arrival& arrival, const sip::MessageView& message);
  void note_call(const Arrival& arrival, const sip::MessageView& message, net::CallEstimate::Sign sign);
  void note_calls(const Arrival& arrival, const sip::MessageView& message);
  transaction::Located locate_client(ClientId client, std::vector<transaction::Place>& places);
  // Who sends this REGISTER, as the location service will know him.
  ClientId registering_client(const sip::MessageView& request) const;
  void note_registration(const location::Registration& registration, const Arrival& arrival);
  void remember_registration(const transaction::ReplyContext& context);
  void client_moved(ClientId client, const Destination& to, ConnectionId left);
  void note_alias(const sip::MessageView& request, const Arrival& arrival);
  void take_response(const Arrival& arrival, const sip::MessageView& response);
  void take_datagram(const Arrival& arrival, std::string_view bytes);
  void refuse_malformed(const Arrival& arrival, const sip::Parsed& parsed);
  // The next hop of what goes upstream: no URI, so nobody can ask for it from outside.
  static constexpr std::string_view every_upstream = "upstream";
  static constexpr std::chrono::seconds resolution_limit{11};  // the resolver has its own, shorter one
  // A server we trust: never somebody on a WebSocket.
  bool is_peer(const Endpoint& remote) const noexcept;
  bool is_peer(const sip::Uri& uri) const;
  std::int64_t unix_now() const noexcept;
  // Our end of that way.
  Endpoint local_of(const Destination& to);
  void append_route_uri(std::string& out, const Endpoint& local, std::string_view token, bool is_sips);
  void send_message(const bus::SendMessage& letter, shm::ProcessSlot from);
  void announce_closed(const ClosedConnection& closed);

  Place place_;
  location::Store& store_;
  shm::OwnCounters counters_;
  ServedNames names_;
  StageChain stages_{{}};
  ws::HandshakePolicy handshake_;
  OwnNames own_names_;
  base::SipHashKey datagram_key_;
  location::FlowTokens flow_tokens_;
  location::Registrar registrar_;
  location::MirrorClient mirror_;
  net::ConnectionRegistry connections_;
  transaction::Core transactions_;
  dns::Resolver resolver_;
  Upstreams upstreams_;
  std::string lines_;  // of the outfit that was asked for last
};

}  // namespace sipwsd::route
