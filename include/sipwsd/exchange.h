#pragma once
// One message on its way through the routing stage: what it says, where it came from, and the acts a stage may do
// with it. Everything is synchronous; an Exchange lives only during the call it was given to.

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sipwsd/connection_id.h"
#include "sipwsd/destination.h"
#include "sipwsd/endpoint.h"
#include "sipwsd/result.h"
#include "sipwsd/sip_message_view.h"
#include "sipwsd/sub_protocol.h"

namespace sipwsd {

// Where a message came in; a datagram came along no flow.
struct Arrival {
  Flow flow;
  Endpoint remote, local;
  SubProtocol sub_protocol = SubProtocol::none;
  ClientId client = ClientId::none;  // who has registered over that flow

  Destination back() const noexcept { return {.flow = flow, .remote = remote, .local = local}; }
};

struct HeaderLine {
  std::string_view name, value;
};

// One place a request may go to (RFC 3261 16.5): the Request-URI it gets and what leads there. `to` when that is known;
// else it is found out first, and others need not wait for it: by the name of a server (RFC 3263), or because a client
// that has lost its connection is expected back.
struct Target {
  std::string request_uri;
  Destination to;
  std::string next_hop;               // a URI of the server to ask for, when `to` says nothing
  ClientId client = ClientId::none;   // who is meant: found on another flow when `to` has ended
  std::vector<std::string> route;     // Path of the binding, topmost first; becomes Route
  int q = 1000;                       // thousandths
};

// A WebSocket data message, before anything is parsed (RFC 6455 5.6).
class DataExchange {
 public:
  virtual ~DataExchange() = default;
  virtual const Arrival& arrival() const noexcept = 0;
  virtual bool is_text() const noexcept = 0;
  virtual std::string_view bytes() const noexcept = 0;
  virtual Result<void> send(std::string_view bytes, bool as_text) = 0;      // back on the same connection
  virtual void close(std::uint16_t status, std::string_view reason) = 0;    // RFC 6455 7.4
};

// A SIP request. Exactly one of reply (final), relay, relay_in_dialog, save_registration or drop ends it.
class RequestExchange {
 public:
  virtual ~RequestExchange() = default;
  virtual const Arrival& arrival() const noexcept = 0;
  virtual const SipMessageView& message() const noexcept = 0;

  // Is this URI's host one of the domains or addresses this daemon serves (RFC 3261 16.4, `alias` and `listen`)?
  virtual bool is_ours(std::string_view uri) const = 0;
  virtual bool has_to_tag() const noexcept = 0;
  // Is the sender a SIP server we trust (`peers`, `upstream`)? Nobody asks it for a password.
  virtual bool is_from_peer() const noexcept = 0;
  // May a request go where this URI leads, though nobody has registered there? Only to `peers` (S25).
  virtual bool is_peer(std::string_view uri) const = 0;
  // Another server is the registrar (`upstream`), and we are its edge (RFC 5626 2).
  virtual bool has_upstream() const noexcept = 0;
  // The Route names us with a flow token: it leads along a flow, in a dialog or by a Path.
  virtual bool has_flow_token() const noexcept = 0;
  // Who its connection belongs to, `alice@example.org`, when the handshake said so; empty: nobody has said.
  virtual std::string_view authenticated_aor() const noexcept = 0;

  // A response through the server transaction (RFC 3261 8.2.6); ACK is never answered.
  virtual void reply(int status, std::string_view reason, std::span<const HeaderLine> headers = {},
                     std::string_view body = {}) = 0;
  // Every binding of the Request-URI's address of record, best first; empty when there is none. Of a GRUU only its
  // instance's (RFC 5627 6.1); not_found: nobody was given it.
  virtual Result<std::vector<Target>> lookup(std::string_view aor_uri) const = 0;
  // Stateful proxying to these targets (RFC 3261 16.6): parallel within equal q, serial from high to low. The checks of
  // 16.3 (Max-Forwards, loops, Proxy-Require) come first; with no targets the answer is 480.
  virtual void relay(std::span<const Target> targets) = 0;
  // Along the Route set's flow token (RFC 5626 5.3), or, for an ACK or CANCEL, along its transaction. Follows a client to
  // the connection he has now.
  // not_found: there is no usable Route; refused: the token is forged, or what stands behind it in the Route is no place
  // we send to; gone: its connection has ended, or the token is too old.
  virtual Result<void> relay_in_dialog() = 0;
  // To the upstream servers, the best that lives first; a REGISTER with a Path that leads back here (RFC 5626 5.1).
  virtual void relay_upstream() = 0;
  // REGISTER: RFC 3261 10.3 against the location service, answered by it.
  virtual void save_registration() = 0;
  virtual void drop() = 0;
};

// A SIP response on its way back through the proxy (RFC 3261 16.7). Seen before it is forwarded.
class ReplyExchange {
 public:
  virtual ~ReplyExchange() = default;
  virtual const Arrival& arrival() const noexcept = 0;
  virtual const SipMessageView& message() const noexcept = 0;
  virtual void drop() = 0;  // provisional responses only
};

// An HTTP request on a fresh connection (RFC 9110), before it becomes a WebSocket or ends.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;
  virtual const Arrival& arrival() const noexcept = 0;
  virtual std::string_view method() const noexcept = 0;
  virtual std::string_view target() const noexcept = 0;
  virtual std::string_view header(std::string_view name) const noexcept = 0;  // null view when there is none
  virtual bool is_upgrade() const noexcept = 0;                               // asks for a WebSocket
  // All SIP requests over the WebSocket to be come from this user, `alice@example.org`.
  virtual void set_authenticated_aor(std::string_view aor) = 0;
  // Checks and answers the handshake (RFC 6455 4.2); false when it was refused (the refusal has been sent).
  virtual bool accept_websocket() = 0;
  virtual void reply(int status, std::string_view reason, std::span<const HeaderLine> headers, std::string_view body) = 0;
};

// A connection that has ended, for on_closed: exactly once per accepted WebSocket, whatever ended it.
struct ClosedConnection {
  ConnectionId id = ConnectionId::none;
  Endpoint remote, local;
  SubProtocol sub_protocol = SubProtocol::none;
  std::string_view cause;  // "closed by peer", "worker died", ...: one of the words in sipwsd(8)
  std::chrono::seconds age{};   // 0 when its worker died: nobody knows
  std::chrono::seconds idle{};  // since the last frame in either direction
};

}  // namespace sipwsd
