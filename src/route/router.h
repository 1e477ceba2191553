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
#include "src/location/registrar.h"
#include "src/location/shm_store.h"
#include "src/net/connection_registry.h"
#include "src/route/served_names.h"
#include "src/route/stage_chain.h"
#include "src/transaction/core.h"
#include "src/ws/handshake.h"

namespace sipwsd::route {

// Drawn once by the supervisor, before the first fork: every worker, also a replaced one, must recognise what another
// one signed.
struct Secrets {
  base::SipHashKey branch;
  base::SipHashKey flow_token;
};

struct Listener {
  Endpoint at;             // as bound, port resolved
  std::string advertised;  // host:port for Via and Record-Route instead of its own; may be empty
};

class Router final : public net::ConnectionUser, private transaction::User, private transaction::Counters {
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
    std::vector<Listener> listeners;
  };
  // `store` also serves the stages, so it comes from outside; it must outlive the router.
  Router(const Place& place, location::Store& store);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

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
  // transaction::User
  void on_request(transaction::RequestContext& context) override;
  void on_reply(transaction::ReplyContext& context) override;
  transaction::SentBy sent_by(Flow flow) override;
  bool is_short_of_memory() const noexcept override { return place_.shared.memory->is_short(); }
  // transaction::Counters
  void count(transaction::Count what) noexcept override;

  void refuse(const sip::MessageView& request, const Arrival& arrival, const sip::Refusal& refusal);
  void take_sip(net::StreamConnection& connection, std::string_view bytes, ws::Opcode opcode);
  void on_sip(const Arrival& arrival, const sip::MessageView& message);
  void note_call(const Arrival& arrival, const sip::MessageView& message, net::CallEstimate::Sign sign);
  void note_calls(const Arrival& arrival, const sip::MessageView& message);
  void send_message(const bus::SendMessage& letter, shm::ProcessSlot from);
  std::string_view host_port_of(const Endpoint& local);
  void announce_closed(const ClosedConnection& closed);

  Place place_;
  location::Store& store_;
  shm::OwnCounters counters_;
  ServedNames names_;
  StageChain stages_{{}};
  ws::HandshakePolicy handshake_;
  location::FlowTokens flow_tokens_;
  location::Registrar registrar_;
  net::ConnectionRegistry connections_;
  transaction::Core transactions_;
  Endpoint sent_by_endpoint_;  // whose text is kept: usually there is one listener
  std::string sent_by_text_;
};

}  // namespace sipwsd::route
