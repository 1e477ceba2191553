// Where requests go on to, and who we are on the way: the answers of Router to the transaction layer, to the resolver and
// to the upstream servers' keeper.

#include <cstring>

#include "src/base/log.h"
#include "src/os/socket_address.h"
#include "src/route/router.h"
#include "src/sip/contact.h"
#include "src/sip/from_to.h"
#include "src/sip/uri.h"
#include "src/sip/via.h"
#include "src/transaction/branch.h"

namespace sipwsd::route {
namespace {

// The index of a branch token that no client transaction has: a probe's. Its serial is the number of the probe.
constexpr std::uint64_t probe_index = 0xffff'fffe;

std::string_view transport_parameter(TransportProtocol protocol) {
  switch (protocol) {
    case TransportProtocol::tcp: return ";transport=tcp";
    case TransportProtocol::tls: return ";transport=tls";
    case TransportProtocol::ws:
    case TransportProtocol::wss: return ";transport=ws";  // RFC 7118 5.2.2: for both
    default: return "";
  }
}

transaction::Place place_of(const dns::Place& place) { return {.to = {.flow = {}, .remote = place.remote, .local = {}}, .server_name = place.server_name}; }

dns::Query query_of(const config::UpstreamSpec& spec) {
  return {.host = spec.host, .port = spec.port, .transport = spec.transport, .is_sips = spec.is_sips};
}

}  // namespace

ClientId Router::registering_client(const sip::MessageView& request) const {
  const auto to = sip::to(request);
  if (!to || !to->uri.is_sip() || sip::is_star(request)) return ClientId::none;
  for (const sip::ListValue& value : sip::contacts(request)) {
    const auto contact = sip::parse_contact(value.text);
    if (!contact) return ClientId::none;
    return place_.shared.bindings.client_id(sip::canonical_aor(to->uri), contact->instance, contact->uri().text);
  }
  return ClientId::none;
}

// A client has one place: where it registered last.
transaction::Located Router::locate_client(ClientId client, std::vector<transaction::Place>& places) {
  using When = transaction::Located::When;
  const auto found = client == ClientId::none ? std::nullopt : store_.find(client);
  if (!found) return {};
  if (found->is_expected())
    return {.when = When::later,
            .until = base::TimePoint{std::chrono::seconds{found->expected_until}},
            .provisional = static_cast<std::uint16_t>(place_.settings.flow_hold_status)};
  if (!found->to.is_known()) return {};
  places.push_back({.to = found->to, .server_name = {}});
  return {.when = When::now};
}

// What waits for him here goes on, and in the other workers too.
void Router::client_moved(ClientId client, const Destination& to, ConnectionId left) {
  if (left != ConnectionId::none) transactions_.on_client_left(client, left);
  transactions_.on_client_moved(client, to);
  for (std::uint16_t slot = 0; slot < place_.shared.limits.workers; ++slot)
    if (slot != number(place_.slot))
      static_cast<void>(place_.mailbox.post(static_cast<shm::ProcessSlot>(slot),
                                            bus::ClientMoved{.client = client,
                                                             .left = left,
                                                             .connection = to.flow.connection,
                                                             .owner = to.flow.owner,
                                                             .remote = to.remote,
                                                             .local = to.local}));
}

// From worker to worker, until one has the INVITE; the last one before where it came in says 481.
bool Router::hand_on_cancel(const sip::MessageView& cancel, const Arrival& arrival) {
  const auto next = static_cast<WorkerSlot>((number(place_.slot) + 1) % place_.shared.limits.workers);
  if (arrival.flow.connection == ConnectionId::none || next == arrival.flow.owner) return false;
  return static_cast<bool>(place_.mailbox.post(shm::process_slot(next), bus::StrayCancel{.connection = arrival.flow.connection,
                                                                                         .owner = arrival.flow.owner,
                                                                                         .client = arrival.client,
                                                                                         .remote = arrival.remote,
                                                                                         .local = arrival.local,
                                                                                         .bytes = cancel.bytes()}));
}

std::int64_t Router::unix_now() const noexcept { return place_.loop.clock().unix_seconds(); }

bool Router::is_peer(const Endpoint& remote) const noexcept {
  if (is_websocket(remote.protocol)) return false;
  return place_.settings.peers.contains(remote) || upstreams_.has_address(remote);
}

bool Router::is_peer(const sip::Uri& uri) const {
  if (!uri.is_sip() || uri.host.empty()) return false;
  if (upstreams_.has_host(uri.host)) return true;
  if (const auto address = os::parse_address(uri.host)) return place_.settings.peers.contains(*address);
  for (const auto& name : place_.settings.peer_names)
    if (equals_nocase(name, uri.host)) return true;
  return false;
}

Endpoint Router::local_of(const Destination& to) {
  if (const auto source = connections_.source_for(to)) return *source;
  // Gone, or we don't listen on that transport: then we are called by another one, or over the connection we make.
  for (const route::Listener& listener : place_.listeners)
    if (listener.at.family == to.remote.family && !is_websocket(listener.at.protocol)) return listener.at;
  return place_.listeners.empty() ? Endpoint{} : place_.listeners.front().at;
}

// RFC 3261 16.6 step 4, RFC 5658: a URI that leads back to this side of us.
void Router::append_route_uri(std::string& out, const Endpoint& local, std::string_view token, bool is_sips) {
  out.append(is_sips ? "<sips:" : "<sip:").append(token).append("@").append(own_names_.host_port(local));
  out.append(is_sips && local.protocol == TransportProtocol::tls ? "" : transport_parameter(local.protocol)).append(";lr");
}

void Router::outfit(const transaction::Leg& leg, transaction::Outfit& out) {
  const Endpoint local = local_of(leg.to);
  out.transport = leg.to.is_flow() ? local.protocol : leg.to.remote.protocol;
  // A connection that we make is also for what comes from there (RFC 5923 5).
  out.alias = !leg.to.is_flow() && !leg.to.is_datagram();
  lines_.clear();
  if (leg.stay == transaction::Stay::path) {
    // Who registers for the first time is not known yet over that flow, and others may share it.
    const ClientId registering = registering_client(leg.request);
    const ClientId caller = registering != ClientId::none ? registering : leg.caller;
    const auto token = flow_tokens_.make({.upstream = {.at = leg.upstream, .client = caller}, .downstream = {}}, unix_now());
    lines_ = "Path: ";
    append_route_uri(lines_, local, token, false);
    lines_ += ";ob>\r\n";  // RFC 5626 5.1
  } else if (leg.stay == transaction::Stay::record_route) {
    const auto token =
        flow_tokens_.make({.upstream = {.at = leg.upstream, .client = leg.caller}, .downstream = {.at = leg.to, .client = leg.callee}}, unix_now());
    const Endpoint inner = local_of(leg.upstream);
    const bool is_sips = starts_with_nocase(leg.request.request_uri(), "sips:");
    const std::string_view end = local != inner ? ";r2=on>\r\n" : ">\r\n";
    lines_ = "Record-Route: ";
    append_route_uri(lines_, local, token, is_sips);
    lines_ += end;
    if (local != inner) {
      lines_ += "Record-Route: ";
      append_route_uri(lines_, inner, token, is_sips);
      lines_ += end;
    }
  }
  out.lines = lines_;
  out.sent_by = own_names_.host_port(local);
}

transaction::Located Router::locate(std::uint64_t ticket, const transaction::Wanted& wanted, std::vector<transaction::Place>& places) {
  using When = transaction::Located::When;
  if (wanted.next_hop.starts_with(every_upstream)) {
    upstreams_.places(wanted.next_hop.substr(every_upstream.size()), places);
    return {.when = places.empty() ? When::never : When::now};
  }
  if (!wanted.next_hop.empty()) {
    const auto uri = sip::parse_uri(wanted.next_hop);
    if (!uri || !uri->is_sip()) return {};
    const auto found = resolver_.resolve(
        {.host = uri->host, .port = uri->port.value_or(0), .transport = sip::transport_of(uri->transport_param()), .is_sips = uri->scheme == sip::Scheme::sips}, ticket);
    for (const dns::Place& place : found.places) places.push_back(place_of(place));
    switch (found.when) {
      case dns::Found::When::now: return {.when = When::now};
      case dns::Found::When::later: return {.when = When::later, .until = place_.loop.now() + resolution_limit};
      case dns::Found::When::nowhere: break;
    }
    return {};
  }
  return locate_client(wanted.client, places);
}

void Router::on_resolved(std::uint64_t ticket, std::span<const dns::Place> places) {
  if (ticket <= 0xffff'ffff) return upstreams_.located(ticket, places);  // a client transaction's token is larger
  std::vector<transaction::Place> out;
  for (const dns::Place& place : places) out.push_back(place_of(place));
  transactions_.on_located(ticket, out);
}

void Router::locate_upstream(const config::UpstreamSpec& spec, std::uint64_t which) {
  const auto found = resolver_.resolve(query_of(spec), which);
  if (found.when != dns::Found::When::later) upstreams_.located(which, found.places);
}

// RFC 3261 11: an OPTIONS that asks the server itself. Its answer finds us by the branch, whichever worker gets it.
void Router::send_probe(const transaction::Place& place, const config::UpstreamSpec& spec, std::uint32_t number) {
  const Endpoint local = local_of(place.to);
  const std::string own{own_names_.host_port(local)};
  const auto branch = transactions_.branch_key().make(
      {place_.slot, place_.generation, static_cast<transaction::Token>(std::uint64_t{number} << 32 | probe_index), 0});
  const std::string host = spec.host.find(':') == std::string::npos ? spec.host : "[" + spec.host + "]";
  const std::string id = std::to_string(sipwsd::number(place_.slot)) + "-" + std::to_string(place_.generation) + "-" + std::to_string(number);
  std::string text = "OPTIONS sip:" + host + (spec.port == 0 ? "" : ":" + std::to_string(spec.port)) + " SIP/2.0\r\n";
  text.append("Via: SIP/2.0/").append(via_name(place.to.remote.protocol)).append(" ").append(own);
  text.append(";branch=").append(branch).append(place.to.is_datagram() ? ";rport" : ";alias").append("\r\n");
  text += "Max-Forwards: 70\r\n";
  text += "From: <sip:" + own + ">;tag=" + id + "\r\n";
  text += "To: <sip:" + host + ">\r\n";
  text += "Call-ID: " + id + "@" + own + "\r\n";
  text += "CSeq: " + std::to_string(number) + " OPTIONS\r\nContent-Length: 0\r\n\r\n";
  if (const auto sent = connections_.send(place.to, text, 0, place.server_name); !sent)
    log::debug("OPTIONS to {} not sent: {}", place.to.remote.to_string(), sent.error().why);
}

// RFC 5923 5: a server that says `alias` is also reached over the connection it has made, by the address it names. Of
// others that would be what a stranger wrote.
void Router::note_alias(const sip::MessageView& request, const Arrival& arrival) {
  const auto via = sip::topmost_via(request);
  if (!via || !via->has_alias()) return;
  Endpoint at = arrival.remote;
  at.port = via->port.value_or(at.protocol == TransportProtocol::tls ? 5061 : 5060);
  connections_.offer_alias(arrival.flow.connection, at);
}

// Nobody listens there (RFC 3261 18.4). That it was us who sent it there shows the branch: anybody can send ICMP.
void Router::on_datagram_error(const Endpoint& remote, std::string_view head) {
  const std::size_t at = head.find(sip::branch_cookie);
  if (at == std::string_view::npos || head.starts_with("SIP/2.0")) return;
  const auto branch = transactions_.branch_key().recognise(head.substr(at, transaction::BranchText::size));
  if (!branch) return;
  on_place_failed({.flow = {}, .remote = remote, .local = {}});
  const std::uint64_t token = transaction::number(branch->token);
  if (branch->slot == place_.slot) return transactions_.on_send_failed(token);
  char bytes[sizeof token];
  std::memcpy(bytes, &token, sizeof token);
  static_cast<void>(place_.mailbox.post(shm::process_slot(branch->slot),
                                        bus::SendFailed{.connection = ConnectionId::none, .why = Errc::gone, .branch = {bytes, sizeof bytes}}));
}

void Router::on_dial_failed(ConnectionId id, const Endpoint& remote) {
  on_place_failed({.flow = {}, .remote = remote, .local = {}});
  transactions_.on_connection_closed(id);
}

// Others are tried before it for a while.
void Router::on_place_failed(const Destination& to) {
  if (to.remote.family == AddressFamily::none || is_websocket(to.remote.protocol)) return;
  resolver_.report_failure(to.remote);
  upstreams_.on_failure(to.remote);
}

void Router::take_response(const Arrival& arrival, const sip::MessageView& response) {
  if (upstreams_.any()) {
    const auto branch = transactions_.branch_key().of_topmost_via(response);
    if (branch && (transaction::number(branch->token) & 0xffff'ffff) == probe_index && branch->slot == place_.slot)
      return upstreams_.on_answer(static_cast<std::uint32_t>(transaction::number(branch->token) >> 32), response.status());
  }
  transactions_.on_response(response, arrival);  // also a foreign one: it counts and drops it
}

}  // namespace sipwsd::route
