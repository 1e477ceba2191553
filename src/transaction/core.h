#pragma once
// What src/route sees of this folder. Core takes the messages of one worker; what is no business of a transaction
// (retransmissions, ACK to a non-2xx, CANCEL) ends here, every other request is shown to the User as a RequestContext,
// every response that will go on as a ReplyContext. One worker, one Core, one thread.
//
// Calls may nest: a User replies or forwards inside on_request, a Transport may report a lost connection while it is
// being sent to. What would pull state away under a caller (on_send_failed, on_connection_closed) waits until the
// outermost call is through. on_request and on_response are never called from within Transport::send.
//
// Where a branch goes may have to be found out (Target without a destination): User::locate answers now or later. What
// it answers are places in the order of trying (RFC 3263 4.3): a transport failure before any response, a timeout or a
// 503 moves on to the next one, as a new client transaction; not once the request was cancelled. Places are no forks:
// they are the same server once more. A request that is no INVITE is not tried elsewhere after its Timer F: its client
// has given it up by then (RFC 4320). No such server is a 503, which is sent on as 500 (RFC 3261 16.7 step 6).
//
// A connection that is gone (Errc::gone from send, on_send_failed, on_connection_closed) moves the branches on it to the
// next place; without one, to where User::locate finds the branch's client now; else it ends them at once. RFC 3261 16.9
// would have that be a 503, sent on as 500, and so it is for a server; a callee who went away is
// ForwardOptions::gone_status, 480 by default, because a browser must tell "not there" from "server broken". Over a new
// connection the same copy is sent with the same branch: a client that knows the request absorbs it (17.2.1).
//
// Who is expected back (`later`) is waited for until Located::until. Meanwhile his branch is pending: the other branches
// go on without it, the targets of lower q too, but the best of their failures is not the answer before it has ended; a
// 2xx or 6xx of another is. A caller who is expected back is not given up either: his responses wait for him, and the
// ACKs of others do.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "sipwsd/connection_id.h"
#include "sipwsd/endpoint.h"
#include "sipwsd/exchange.h"
#include "sipwsd/result.h"
#include "src/base/clock.h"
#include "src/base/random.h"
#include "src/base/siphash.h"
#include "src/net/transport.h"
#include "src/os/timer_wheel.h"
#include "src/sip/message.h"
#include "src/sip/via.h"
#include "src/transaction/branch.h"
#include "src/transaction/counters.h"
#include "src/transaction/stay.h"
#include "src/transaction/timers.h"

namespace sipwsd::transaction {

class ProxyCore;

struct CoreSettings {
  WorkerSlot slot{0};
  std::uint32_t generation = 0;
  base::SipHashKey secret;                         // the same in every worker, made before the first fork
  Timers timers;
  std::size_t max_transactions = 65'536;           // server transactions of this worker; above it 503
  std::size_t max_pending_per_connection = 1000;   // requests of one connection that wait for their final response; 0 any
  std::size_t max_kept_bytes = 256 * 1024 * 1024;  // requests kept by them; above it 503
  std::size_t max_branches = 10;                   // targets tried for one request, parallel and serial together (S26)
  std::uint8_t max_forwards = 70;                  // what a request without the header gets; larger ones are lowered to it
  std::size_t udp_mtu = 1300;                      // RFC 3261 18.1.1: longer ones try TCP first; 0: never
  std::size_t max_held = 1000;                     // ACKs that wait for who they are for
  base::Seconds retry_after{5};                    // in a 503 for a full table
  std::string server;                              // Server header of our own responses; empty: none
};

// One place a branch may be sent to.
struct Place {
  Destination to;
  std::string server_name;  // RFC 5922: whose certificate it must show
};

// What a branch without a destination looks for.
struct Wanted {
  std::string_view next_hop;          // a URI; empty: the client, wherever he is
  ClientId client = ClientId::none;
  std::size_t size = 0;               // bytes of the request as it came: RFC 3261 18.1.1 is seen to here as well
};
struct Located {
  enum class When : std::uint8_t { now, later, never } when = When::never;
  base::TimePoint until{};          // later: when to give up
  std::uint16_t provisional = 0;    // later: what the caller is told meanwhile, an INVITE's only; 0: nothing
};

// A copy of a request that is about to leave.
struct Leg {
  const sip::MessageView& request;
  const Destination& upstream;  // where it came from
  ClientId caller;
  const Destination& to;
  ClientId callee;
  Stay stay;
};
// How our Via reads: `SIP/2.0/WS sent_by;branch=...`, and the lines below it.
struct Outfit {
  TransportProtocol transport = TransportProtocol::ws;
  std::string_view sent_by;  // read at once, not kept; so is the next
  std::string_view lines;    // whole header lines, each with its CRLF, in the order they shall stand in
  bool alias = false;        // RFC 5923: the connection is also for requests the other way
};

struct ForwardOptions {
  Stay stay = Stay::none;
  std::size_t consumed_routes = 0;           // topmost Route values that named us (16.4): taken off
  std::span<const HeaderLine> headers = {};  // added at the end
  std::string_view consumed_realm = {};      // its Proxy-Authorization was for us: taken off (RFC 3261 22.3)
  std::uint16_t gone_status = 480;           // when the target's connection is gone
  std::string_view gone_reason = {};         // empty: the standard phrase
};

// A request on its way through the User; lives during on_request only. Ended by the first final reply, forward,
// forward_stateless or drop; what comes later does nothing. A User that ends nothing has failed: 500.
class RequestContext {
 public:
  RequestContext(const RequestContext&) = delete;
  RequestContext& operator=(const RequestContext&) = delete;

  [[nodiscard]] const sip::MessageView& message() const noexcept { return message_; }
  [[nodiscard]] const Arrival& arrival() const noexcept { return arrival_; }
  [[nodiscard]] bool is_done() const noexcept { return done_; }
  // RFC 3261 8.2.2.2: another transaction has this From tag, Call-ID and CSeq, so answering it ourselves is a 482.
  // reply() looks by itself; a proxied request is never merged.
  [[nodiscard]] bool is_merged() const;
  // The tag our own responses to this request carry.
  [[nodiscard]] std::string local_tag() const;

  // 8.2.6. Nothing is sent for an ACK, nor a provisional other than 100 for a non-INVITE (RFC 4320 4.1).
  void reply(std::uint16_t status, std::string_view reason = {}, std::span<const HeaderLine> headers = {},
             std::string_view body = {});
  // 16.6. Checks first what 16.3 asks of a request that is to be forwarded: Max-Forwards (483), loops (482),
  // Proxy-Require (420), Max-Breadth (440, RFC 5393 5.3.3); no target is 480. INVITE gets its 100 at once. An ACK goes to
  // the first target, statelessly.
  // The targets are tried in parallel within equal q, one q after the other from high to low.
  void forward(std::span<const Target> targets, const ForwardOptions& options = {});
  // An ACK to a 2xx: no response, no state (16.11), unless it has to wait for the place it goes to. unsupported for another
  // method; not_found: nobody is there; else what Transport::send says.
  Result<void> forward_stateless(const Target& target, const ForwardOptions& options = {});
  // To be answered later by Core::answer: the server transaction is made, keeps the request and absorbs what is sent
  // again. 0: there is no room, or it is an ACK; a 503 has been sent. Nobody has answered within `limit`: 503 too.
  [[nodiscard]] std::uint64_t defer(base::Milliseconds limit);
  void drop() noexcept { done_ = true; }

 private:
  friend class ProxyCore;
  RequestContext(ProxyCore& core, const sip::MessageView& message, const Arrival& arrival, const sip::Via& topmost_via,
                 std::uint64_t transaction_hash)
      : core_(core), message_(message), arrival_(arrival), topmost_via_(topmost_via), hash_(transaction_hash) {}

  ProxyCore& core_;
  const sip::MessageView& message_;
  const Arrival& arrival_;
  const sip::Via& topmost_via_;
  std::uint64_t hash_;  // which server transaction this is: key.h
  bool done_ = false;
};

// A response that belongs to a request we forwarded, before the proxy acts on it (16.7). Never a 100.
class ReplyContext {
 public:
  ReplyContext(const ReplyContext&) = delete;
  ReplyContext& operator=(const ReplyContext&) = delete;

  [[nodiscard]] const sip::MessageView& message() const noexcept { return message_; }
  [[nodiscard]] const Arrival& arrival() const noexcept { return arrival_; }
  // Where the request came from, and the response will go.
  [[nodiscard]] const Destination& upstream() const noexcept { return upstream_; }
  // The request it answers, as it arrived; empty once nothing of it is needed any more.
  [[nodiscard]] std::string_view request() const noexcept { return request_; }
  // A provisional response is not forwarded; of a final one it has no effect.
  void drop() noexcept { dropped_ = true; }

 private:
  friend class ProxyCore;
  ReplyContext(const sip::MessageView& message, const Arrival& arrival, const Destination& upstream,
               std::string_view request)
      : message_(message), arrival_(arrival), upstream_(upstream), request_(request) {}

  const sip::MessageView& message_;
  const Arrival& arrival_;
  Destination upstream_;
  std::string_view request_;
  bool dropped_ = false;
};

// The transaction user (RFC 3261 17): implemented by src/route.
class User {
 public:
  virtual void on_request(RequestContext& request) = 0;
  virtual void on_reply(ReplyContext&) {}
  // Then nothing new is begun, 503; requests within a dialog still pass: they are what ends calls.
  [[nodiscard]] virtual bool is_short_of_memory() const noexcept { return false; }
  // One who speaks for many: no limit of a single client is for him.
  [[nodiscard]] virtual bool is_server_of_ours(const Arrival&) const noexcept { return false; }
  // Our address as seen from there, and what else the copy gets.
  virtual void outfit(const Leg& leg, Outfit& out) = 0;
  // Where that leads. now: `places` is filled. later: Core::on_located(ticket) for a next hop, Core::on_client_moved for a
  // client; a ticket nobody waits for any more does no harm.
  virtual Located locate(std::uint64_t, const Wanted&, std::vector<Place>&) { return {}; }
  // A CANCEL for nothing we have, of a client who may have moved here from another worker. True: that one answers.
  virtual bool hand_on_cancel(const sip::MessageView&, const Arrival&) { return false; }
  // A transport failure, a timeout or a 503 there.
  virtual void on_place_failed(const Destination&) {}

 protected:
  ~User() = default;
};

class Core {
 public:
  Core(net::Transport& transport, os::TimerWheel& wheel, const base::Clock& clock, base::Random& random,
       CoreSettings settings, Counters& counters, User& user);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // `request` has passed sip::sanity_refusal.
  void on_request(const sip::MessageView& request, const Arrival& arrival);
  // `response` has passed sip::sanity_refusal. Responses of other workers go there by letter: owner.h.
  void on_response(const sip::MessageView& response, const Arrival& arrival);
  // A request posted to another worker was not delivered; see net::Transport::send.
  void on_send_failed(std::uint64_t ticket);
  // Of a connection in any worker; the sooner it is called, the sooner its callers hear of it.
  void on_connection_closed(ConnectionId connection);
  // What User::locate was asked for; none: there is no such server.
  void on_located(std::uint64_t ticket, std::span<const Place> places);
  // He has registered from somewhere else, while his old connection still seems to live: what is under way to him there,
  // and what came from him there, follows him as if it had ended. What others have to do with that connection stays.
  void on_client_left(ClientId client, ConnectionId connection);
  // He has registered again: what waits for him goes there.
  void on_client_moved(ClientId client, const Destination& to);
  // A request that was deferred; a ticket whose request has ended does nothing.
  void answer(std::uint64_t ticket, std::uint16_t status, std::string_view reason = {},
              std::span<const HeaderLine> headers = {}, std::string_view body = {});

  // From the next message and the next timer on. What the table was made with (slot, generation, secret, its size) stays.
  void reconfigure(CoreSettings settings);

  // Answers without state: a request that did not parse (`request` may be sip::Parsed::recovered()), 503 while
  // draining. The ACK to such a final response to an INVITE is recognised and absorbed.
  void reply_stateless(const sip::MessageView& request, const Arrival& arrival, std::uint16_t status,
                       std::string_view reason = {}, std::span<const HeaderLine> headers = {});

  [[nodiscard]] const BranchKey& branch_key() const noexcept;  // for owner_of_response
  [[nodiscard]] std::size_t size() const noexcept;             // server transactions alive
  [[nodiscard]] std::size_t kept_bytes() const noexcept;       // requests they keep
  [[nodiscard]] std::size_t capacity() const noexcept;         // what the table has grown to; says nothing but that it grew

 private:
  std::unique_ptr<ProxyCore> core_;
};

}  // namespace sipwsd::transaction
