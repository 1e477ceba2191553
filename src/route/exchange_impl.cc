#include "src/route/exchange_impl.h"

#include "src/base/log.h"
#include "src/http/reply_writer.h"
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
  for (const auto& value : sip::values(context.message(), sip::HeaderId::route)) {
    const auto hop = sip::parse_name_addr(value.text);
    // Ours by its name, or by a token only we can have made: the other end of a call came in on another address of ours.
    if (!hop || !(router_.names_.is_ours(hop->uri, arrival().local) || router_.flow_tokens_.read(hop->uri.user))) {
      foreign_route_ = true;
      break;
    }
    ++own_routes_;
    if (!flow_token_ && !hop->uri.user.empty()) flow_token_ = std::string(hop->uri.user);
  }
}

bool RequestExchangeImpl::is_ours(std::string_view uri) const {
  const auto parsed = sip::parse_uri(uri);
  return parsed && router_.names_.is_ours(*parsed, arrival().local);
}

bool RequestExchangeImpl::has_to_tag() const noexcept { return !sip::to_tag(context_.message()).empty(); }

void RequestExchangeImpl::reply(int status, std::string_view reason, std::span<const HeaderLine> headers,
                                std::string_view body) {
  context_.reply(static_cast<std::uint16_t>(status), reason, headers, body);
}

std::vector<Target> RequestExchangeImpl::lookup(std::string_view aor_uri) const {
  const auto uri = sip::parse_uri(aor_uri);
  return uri ? router_.store_.lookup(sip::canonical_aor(*uri)) : std::vector<Target>{};
}

void RequestExchangeImpl::relay(std::span<const Target> targets) {
  if (foreign_route_) return reply(403, "Route Not Allowed", {}, {});  // S25: never to where only the client points
  std::vector<Target> with_route;
  if (makes_dialog(context_.message().method())) {
    const auto sent_by = router_.sent_by(arrival().flow);
    with_route.assign(targets.begin(), targets.end());
    for (Target& target : with_route) {
      const auto token = router_.flow_tokens_.make({.upstream = arrival().flow, .downstream = target.flow});
      target.record_route.append("sip:").append(token.data(), token.size()).append("@").append(sent_by.host_port);
      target.record_route.append(";transport=ws;lr");
    }
    targets = with_route;
  }
  context_.forward(targets, {.consumed_routes = own_routes_});
}

Result<void> RequestExchangeImpl::relay_in_dialog() {
  if (!flow_token_) return Errc::not_found;
  const auto flows = router_.flow_tokens_.read(*flow_token_);
  if (!flows) return flows.error();
  Flow next;
  if (arrival().flow == flows->upstream) {
    next = flows->downstream;
  } else if (arrival().flow == flows->downstream) {
    next = flows->upstream;
  } else {
    // Someone who holds a token of ours but came over a third connection: an end that has reconnected. It can only be
    // the end whose flow is gone, so what is left is the other one.
    const auto& connections = router_.place_.shared.connections;
    const bool up = connections.contains(flows->upstream.connection);
    const bool down = connections.contains(flows->downstream.connection);
    if (up && down) return Errc::refused;
    if (!up && !down) return Errc::gone;
    next = up ? flows->upstream : flows->downstream;
  }
  const Target target{.request_uri = std::string(context_.message().request_uri()), .flow = next, .route = {}, .record_route = {}};
  context_.forward({&target, 1}, {.consumed_routes = own_routes_, .gone_status = 430, .gone_reason = "Flow Failed"});
  return {};
}

void RequestExchangeImpl::save_registration() {
  auto result = router_.registrar_.process(context_.message(), arrival());
  const bool accepted = result.status == 200;
  router_.counters_.add(accepted ? Counter::registrar_accepted_regs : Counter::registrar_rejected_regs);
  if (result.table_is_full) router_.counters_.add(Counter::bindings_full_refusals);
  if (accepted && result.bound_here) {
    if (auto* connection = router_.connections_.find(arrival().flow.connection)) connection->remember_aor(result.aor);
  }
  std::vector<HeaderLine> lines;
  lines.reserve(result.headers.size());
  for (const auto& line : result.headers) {
    const auto colon = line.find(": ");
    lines.push_back({std::string_view(line).substr(0, colon), std::string_view(line).substr(colon + 2)});
  }
  context_.reply(static_cast<std::uint16_t>(result.status), result.reason, lines, {});
}

}  // namespace sipwsd::route
