#include "src/route/exchange_impl.h"

#include "sipwsd/bytes.h"
#include "src/base/log.h"
#include "src/http/reply_writer.h"
#include "src/os/socket_address.h"
#include "src/route/router.h"
#include "src/sip/cseq.h"
#include "src/sip/from_to.h"
#include "src/sip/name_addr.h"
#include "src/sip/route_set.h"
#include "src/ws/handshake.h"

namespace sipwsd::route {
namespace {

using shm::Counter;

Counter refusal_counter(http::Status status) {
  switch (status) {
    case http::Status::forbidden: return Counter::handshake_refused_403;
    case http::Status::not_found: return Counter::handshake_refused_404;
    case http::Status::method_not_allowed: return Counter::handshake_refused_405;
    case http::Status::upgrade_required: return Counter::handshake_refused_426;
    case http::Status::service_unavailable: return Counter::handshake_refused_503;
    default: return Counter::handshake_refused_400;
  }
}

// Requests that make a dialog, or a usage in one, and so want us in their route set (RFC 3261 16.6 step 4; a MESSAGE
// makes none: RFC 3428 4).
bool makes_dialog(sip::Method method) {
  switch (method) {
    case sip::Method::invite:
    case sip::Method::subscribe:
    case sip::Method::refer:
    case sip::Method::notify:
    case sip::Method::update: return true;
    default: return false;
  }
}

std::vector<HeaderLine> lines_of(const std::vector<std::string>& headers) {
  std::vector<HeaderLine> lines;
  lines.reserve(headers.size());
  for (const auto& line : headers) {
    const auto colon = line.find(": ");
    lines.push_back({std::string_view(line).substr(0, colon), std::string_view(line).substr(colon + 2)});
  }
  return lines;
}

}  // namespace

std::string_view MessageAdapter::method() const noexcept {
  if (message_.is_request()) return message_.method_text();
  const auto cseq = sip::cseq(message_);
  return cseq ? cseq->method_text : std::string_view{};
}

std::string_view MessageAdapter::header(std::string_view name, std::size_t index) const noexcept {
  for (const sip::Header& header : message_.all(name))
    if (index-- == 0) return header.value;
  return {};
}

Result<void> DataExchangeImpl::send(std::string_view bytes, bool as_text) {
  return connection_.send_message(bytes, as_text ? ws::Opcode::text : ws::Opcode::binary);
}

void DataExchangeImpl::close(std::uint16_t status, std::string_view reason) {
  static_cast<void>(connection_.close(static_cast<ws::CloseCode>(status), reason, net::CloseCause::stage));
}

std::string_view HttpExchangeImpl::header(std::string_view name) const noexcept {
  return request_.headers.find(name).value_or(std::string_view{});
}

bool HttpExchangeImpl::is_upgrade() const noexcept { return ws::asks_for_websocket(request_); }

bool HttpExchangeImpl::accept_websocket() {
  if (answered_) return false;
  answered_ = true;
  auto& policy = router_.handshake_;
  policy.arrived_at = {arrival_.local.host_text(), arrival_.local.port};
  const auto& switches = *router_.place_.shared.switches;
  policy.enabled = switches.ws_enabled() && switches.drain() == shm::DrainLevel::none;
  const auto server = router_.place_.settings.server_signature ? std::string_view{router_.place_.settings.server_header}
                                                               : std::string_view{};
  auto decision = ws::evaluate(request_, policy);
  ws::Refusal refusal;
  if (const auto* acceptance = std::get_if<ws::Acceptance>(&decision)) {
    if (connection_.accept(*acceptance)) return true;
    router_.counters_.add(Counter::full_table_refusals);
    refusal = {.status = http::Status::service_unavailable, .why = "the connection table is full", .offer = {},
               .say_version = false, .retry_after = policy.retry_after};
  } else {
    refusal = std::get<ws::Refusal>(decision);
  }
  router_.counters_.add(Counter::ws_failed_handshakes);
  router_.counters_.add(refusal_counter(refusal.status));
  log::info("handshake from {} refused with {}: {}", arrival_.remote.to_string(), http::number(refusal.status), refusal.why);
  connection_.reply_and_close(ws::write_refusal(refusal, server));
  return false;
}

void HttpExchangeImpl::reply(int status, std::string_view, std::span<const HeaderLine> headers, std::string_view body) {
  if (answered_) return;
  answered_ = true;
  std::vector<http::Header> lines;
  for (const auto& h : headers) lines.push_back({h.name, h.value});
  const auto& settings = router_.place_.settings;
  http::ReplyForm form{.server = settings.server_signature ? std::string_view{settings.server_header} : std::string_view{}};
  form.head_only = request_.method == "HEAD";
  const auto bytes = http::write_reply(static_cast<http::Status>(status), lines, body, form);
  if (!bytes) log::error("an HTTP reply could not be written: {}", bytes.error().why);
  connection_.reply_and_close(bytes ? std::string_view{*bytes} : std::string_view{});
}

// --- SIP requests -------------------------------------------------------------------------------------------------

RequestExchangeImpl::RequestExchangeImpl(Router& router, transaction::RequestContext& context)
    : router_(router), context_(context), adapter_(context.message()) {
  if (!context.message().has(sip::HeaderId::route)) return;
  for (const auto& value : sip::values(context.message(), sip::HeaderId::route)) {
    const auto hop = sip::parse_name_addr(value.text);
    if (!hop || !hop->uri.is_sip()) {
      has_strange_route_ = true;
      return;
    }
    // Ours by its name, or by a token only we can have made: the other end of a call came in on another address of ours.
    auto token = router_.flow_tokens_.read(hop->uri.user, router_.unix_now());
    if (!token && !token.is(Errc::gone) && !router_.names_.is_ours(hop->uri, arrival().local)) {
      foreign_route_ = hop->uri.text;
      return;
    }
    ++own_routes_;
    // In a dialog our Route has always been one of ours: another user in it is somebody's invention (S25).
    if (token.is(Errc::not_found) && !hop->uri.user.empty() && has_to_tag()) token = Errc::refused;
    if (!token_ && !token.is(Errc::not_found)) token_ = std::move(token);
  }
}

bool RequestExchangeImpl::is_ours(std::string_view uri) const {
  const auto parsed = sip::parse_uri(uri);
  return parsed && router_.names_.is_ours(*parsed, arrival().local);
}

bool RequestExchangeImpl::has_to_tag() const noexcept { return !sip::to_tag(context_.message()).empty(); }

std::string_view RequestExchangeImpl::authenticated_aor() const noexcept {
  const auto* connection = router_.connections_.find(arrival().flow.connection);
  return connection != nullptr ? connection->authenticated_aor() : std::string_view{};
}

void RequestExchangeImpl::reply(int status, std::string_view reason, std::span<const HeaderLine> headers,
                                std::string_view body) {
  context_.reply(static_cast<std::uint16_t>(status), reason, headers, body);
}

bool RequestExchangeImpl::is_from_peer() const noexcept { return router_.is_peer(arrival().remote); }

bool RequestExchangeImpl::is_peer(std::string_view uri) const {
  const auto parsed = sip::parse_uri(uri);
  return parsed && router_.is_peer(*parsed);
}

bool RequestExchangeImpl::has_upstream() const noexcept { return router_.upstreams_.any(); }

Result<std::vector<Target>> RequestExchangeImpl::lookup(std::string_view aor_uri) const {
  const auto uri = sip::parse_uri(aor_uri);
  return uri ? router_.store_.lookup(*uri) : std::vector<Target>{};
}

std::string RequestExchangeImpl::own_realm() const {
  const auto& settings = router_.place_.settings;
  const auto& message = context_.message();
  if (settings.auth_mode != config::AuthMode::digest || !message.has(sip::HeaderId::proxy_authorization)) return {};
  if (!settings.auth_realm.empty()) return settings.auth_realm;
  const auto from = sip::from(message);
  std::string realm(from ? from->uri.host : std::string_view{});
  for (char& c : realm) c = ascii_lower(c);
  return realm;
}

void RequestExchangeImpl::relay(std::span<const Target> targets) {
  const std::string realm = own_realm();
  const transaction::ForwardOptions options{
      .stay = makes_dialog(context_.message().method()) ? transaction::Stay::record_route : transaction::Stay::none,
      .consumed_routes = own_routes_,
      .consumed_realm = realm};
  if (foreign_route_.empty() && !has_strange_route_) return context_.forward(targets, options);
  const auto hop = sip::parse_uri(foreign_route_);
  if (!hop || !router_.is_peer(*hop)) return reply(403, "Route Not Allowed", {}, {});  // S25: never to where only the client points
  Target target;
  target.request_uri = context_.message().request_uri();
  target.next_hop = foreign_route_;
  context_.forward({&target, 1}, options);
}

void RequestExchangeImpl::relay_upstream() {
  if (has_strange_route_) return reply(403, "Route Not Allowed", {}, {});
  if (!foreign_route_.empty()) {
    const auto hop = sip::parse_uri(foreign_route_);
    if (!hop || !router_.is_peer(*hop)) return reply(403, "Route Not Allowed", {}, {});
  }
  const auto method = context_.message().method();
  const std::string realm = own_realm();
  Target target;
  target.request_uri = context_.message().request_uri();
  target.next_hop = Router::every_upstream;
  context_.forward({&target, 1}, {.stay = method == sip::Method::register_ ? transaction::Stay::path
                                         : makes_dialog(method)             ? transaction::Stay::record_route
                                                                            : transaction::Stay::none,
                                  .consumed_routes = own_routes_,
                                  .consumed_realm = realm,
                                  .gone_status = 503});
}

namespace {

// How much speaks for it that `arrival` came from that end.
int likeness(const location::FlowEnd& end, const Arrival& arrival) {
  if (end.client != ClientId::none && end.client == arrival.client) return 4;
  if (end.at.is_flow()) return arrival.flow == end.at.flow ? 4 : 0;
  if (!end.at.is_address() || is_websocket(arrival.remote.protocol)) return 0;
  if (arrival.remote.family != end.at.remote.family || arrival.remote.address != end.at.remote.address) return 0;
  if (arrival.remote.protocol != end.at.remote.protocol) return 1;
  return arrival.remote.port == end.at.remote.port ? 3 : 2;  // over TCP a server calls from any port
}

}  // namespace

// Its connection is no more.
bool RequestExchangeImpl::has_ended(const location::FlowEnd& end) const {
  return end.is_of_before || (end.at.is_flow() && !router_.place_.shared.connections.contains(end.at.flow.connection));
}

// RFC 5626 5.3: a token leads to the end the request doesn't come from. Null: it comes from neither.
const location::FlowEnd* RequestExchangeImpl::other_end(const location::FlowPair& ends) const {
  if (!ends.downstream.is_known()) return &ends.upstream;  // of a Path: whoever has it was given it to call that client
  const int up = likeness(ends.upstream, arrival()), down = likeness(ends.downstream, arrival());
  if (up != down) return up > down ? &ends.downstream : &ends.upstream;
  if (up != 0 && ends.upstream.at == ends.downstream.at) return &ends.downstream;  // two users behind one address
  // Who has no connection, or shares one, is known by what is registered from there.
  const auto is_here = [&](const location::FlowEnd& end) {
    const auto now = end.client == ClientId::none ? std::nullopt : router_.store_.find(end.client);
    return now && now->to == arrival().back();
  };
  if (const bool up_is_here = is_here(ends.upstream); up_is_here != is_here(ends.downstream))
    return up_is_here ? &ends.downstream : &ends.upstream;
  // A server behind us may have others that speak for it, or another address: what it wants is the client.
  const bool up_is_client = ends.upstream.client != ClientId::none, down_is_client = ends.downstream.client != ClientId::none;
  if (is_from_peer() && up_is_client != down_is_client) return up_is_client ? &ends.upstream : &ends.downstream;
  // Someone who holds a token of ours but came over a third connection: an end that has reconnected, and has not yet
  // registered again. It can only be the end whose flow is gone, so what is left is the other one.
  const auto lives = [&](const location::FlowEnd& end) { return !has_ended(end); };
  bool up_lives = lives(ends.upstream), down_lives = lives(ends.downstream);
  if (!up_lives && !down_lives) {  // both have been away: the other one is he who has registered again
    const auto is_back = [&](const location::FlowEnd& end) {
      const auto now = end.client == ClientId::none ? std::nullopt : router_.store_.find(end.client);
      return now && now->to.is_known();
    };
    up_lives = is_back(ends.upstream);
    down_lives = is_back(ends.downstream);
  }
  if (up_lives == down_lives) return nullptr;
  return up_lives ? &ends.upstream : &ends.downstream;
}

Result<void> RequestExchangeImpl::relay_in_dialog() {
  if (!token_) return Errc::not_found;
  if (!*token_) return token_->error();
  if (has_strange_route_) return Errc::refused;
  const location::FlowPair& ends = **token_;
  const location::FlowEnd* end = other_end(ends);
  if (end == nullptr) {
    return has_ended(ends.upstream) && has_ended(ends.downstream) ? Errc::gone : Errc::refused;
  }
  Target target;
  target.request_uri = context_.message().request_uri();
  target.client = end->client;
  if (!foreign_route_.empty()) {
    // Another proxy stays in this dialog too. It is where the request went, or one of those we may send to (S25).
    const auto hop = sip::parse_uri(foreign_route_);
    if (!hop) return Errc::refused;
    if (router_.is_peer(*hop)) {
      target.next_hop = foreign_route_;
      target.client = ClientId::none;
    } else if (const auto address = os::parse_address(hop->host);
               !end->at.is_address() || !address || address->address != end->at.remote.address) {
      if (!end->at.is_flow()) return Errc::refused;  // along a flow it is the client's own business whom it knows
    }
  }
  if (target.next_hop.empty()) {
    const bool is_gone = has_ended(*end);
    // A client is where he registered last: his old connection may be dead without anybody knowing it yet.
    if (const auto now = end->client == ClientId::none ? std::nullopt : router_.store_.find(end->client);
        now && (now->to.is_known() || now->is_expected())) {
      target.to = now->to;
    } else if (is_gone) {
      // A server's connection to us: it may have another one, or take one.
      const auto uri = sip::parse_uri(target.request_uri);
      if (end->client != ClientId::none || !uri || !router_.is_peer(*uri)) return Errc::gone;
      target.next_hop = target.request_uri;
    } else if (end->at.is_address() && router_.upstreams_.is_place(end->at.remote)) {
      target.next_hop = std::string(Router::every_upstream) + end->at.remote.to_string();  // it knows the certificate's name
    } else if (end->at.is_known()) {
      target.to = end->at;
    } else {
      return Errc::gone;  // a client that nobody knows any more
    }
  }
  // What comes along a Path begins a dialog here as anywhere.
  const bool begins = !has_to_tag() && makes_dialog(context_.message().method());
  const std::string realm = own_realm();
  context_.forward({&target, 1}, {.stay = begins ? transaction::Stay::record_route : transaction::Stay::none,
                                  .consumed_routes = own_routes_,
                                  .consumed_realm = realm,
                                  .gone_status = 430,
                                  .gone_reason = "Flow Failed"});
  return {};
}

void RequestExchangeImpl::save_registration() {
  auto result = router_.registrar_.process(context_.message(), arrival());
  const bool accepted = result.status == 200;
  router_.counters_.add(accepted ? Counter::registrar_accepted_regs : Counter::registrar_rejected_regs);
  if (result.table_is_full) router_.counters_.add(Counter::bindings_full_refusals);
  if (accepted) router_.note_registration(result, arrival());
  if (!accepted || !result.is_change || !router_.mirror_.is_on())
    return context_.reply(static_cast<std::uint16_t>(result.status), result.reason, lines_of(result.headers), {});
  // Acknowledged means stored: the 200 waits for the disk, not for longer than the mirror client has patience.
  const std::uint64_t ticket = context_.defer(2 * location::MirrorClient::patience);
  if (ticket == 0) return;
  auto& transactions = router_.transactions_;
  const std::string retry_after = std::to_string(router_.place_.settings.retry_after.count());
  router_.mirror_.store(result.aor, [&transactions, ticket, retry_after, headers = std::move(result.headers)](Result<void> stored) {
    if (stored) return transactions.answer(ticket, 200, {}, lines_of(headers));
    const HeaderLine later[] = {{"Retry-After", retry_after}};
    transactions.answer(ticket, 503, "Bindings Not Stored", later);
  });
}

}  // namespace sipwsd::route
