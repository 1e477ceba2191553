#include "src/route/router.h"

#include <cstring>
#include <variant>

#include "src/base/log.h"
#include "src/base/overload.h"
#include "src/http/reply_writer.h"
#include "src/route/exchange_impl.h"
#include "src/sip/call_id.h"
#include "src/sip/cseq.h"
#include "src/sip/from_to.h"
#include "src/sip/message_splitter.h"
#include "src/sip/method.h"
#include "src/sip/sanity.h"
#include "src/sip/status_code.h"
#include "src/sip/stream_framer.h"
#include "src/transaction/owner.h"
#include "src/ws/origin_policy.h"

namespace sipwsd::route {
namespace {

using shm::Counter;

transaction::CoreSettings core_settings(const Router::Place& place) {
  const auto& s = place.settings;
  transaction::CoreSettings out;
  out.slot = place.slot;
  out.generation = place.generation;
  out.secret = place.secrets.branch;
  out.max_transactions = s.max_transactions;
  out.max_pending_per_connection = s.max_transactions_per_connection;
  out.max_branches = 10;
  out.udp_mtu = s.udp_mtu;
  out.max_forwards = static_cast<std::uint8_t>(s.max_forwards);
  out.retry_after = s.retry_after;
  if (s.server_signature) out.server = s.server_header;
  out.timers.t1 = s.timer_t1;
  out.timers.t2 = s.timer_t2;
  out.timers.b = s.fr_timer;
  out.timers.f = s.max_noninv_lifetime;
  out.timers.c = s.timer_c;
  return out;
}

ws::HandshakePolicy handshake_policy(const Router::Place& place, const ServedNames& names) {
  const auto& s = place.settings;
  ws::HandshakePolicy policy;
  policy.sub_protocols = ws::SubProtocols{static_cast<std::uint8_t>(s.sub_protocols & config::sub_protocol_sip)};
  policy.cors_mode = static_cast<ws::CorsMode>(s.cors_mode);
  policy.served_hosts = names.http_hosts();
  policy.path_prefix = s.ws_path;
  // Entries were checked when the configuration was loaded.
  if (!s.allowed_origins.empty())
    if (auto origins = ws::OriginPolicy::parse(
            s.allowed_origins, s.allow_no_origin ? ws::OriginPolicy::Absent::allowed : ws::OriginPolicy::Absent::refused))
      policy.origins = *origins;
  policy.retry_after = s.retry_after;
  policy.deflate = {.enabled = s.deflate,
                    .window_bits = static_cast<std::uint8_t>(s.deflate_window_bits),
                    .context_takeover = s.deflate_context_takeover};
  return policy;
}

// A connection leaves from any address of the machine; a datagram from one of our sockets.
dns::Reach reach_of(const OwnNames& names) {
  using enum AddressFamily;
  const dns::Reach::Families streams{.ipv4 = names.has_family(ipv4), .ipv6 = names.has_family(ipv6)};
  return {.udp = {.ipv4 = names.has_datagrams(ipv4), .ipv6 = names.has_datagrams(ipv6)}, .tcp = streams, .tls = streams};
}

std::vector<Endpoint> endpoints_of(const std::vector<Listener>& listeners) {
  std::vector<Endpoint> out;
  for (const Listener& listener : listeners) out.push_back(listener.at);
  return out;
}

net::CloseCause cause_of(bus::DropReason reason) {
  switch (reason) {
    case bus::DropReason::no_pong: return net::CloseCause::no_pong;
    case bus::DropReason::close_unanswered: return net::CloseCause::close_timeout;
    case bus::DropReason::banned: return net::CloseCause::banned;
    case bus::DropReason::operator_said: break;
  }
  return net::CloseCause::operator_said;
}

Counter method_counter(sip::Method method) {
  switch (method) {
    case sip::Method::invite: return Counter::rcv_requests_invite;
    case sip::Method::cancel: return Counter::rcv_requests_cancel;
    case sip::Method::ack: return Counter::rcv_requests_ack;
    case sip::Method::bye: return Counter::rcv_requests_bye;
    case sip::Method::info: return Counter::rcv_requests_info;
    case sip::Method::register_: return Counter::rcv_requests_register;
    case sip::Method::subscribe: return Counter::rcv_requests_subscribe;
    case sip::Method::notify: return Counter::rcv_requests_notify;
    case sip::Method::message: return Counter::rcv_requests_message;
    case sip::Method::options: return Counter::rcv_requests_options;
    case sip::Method::prack: return Counter::rcv_requests_prack;
    case sip::Method::update: return Counter::rcv_requests_update;
    case sip::Method::refer: return Counter::rcv_requests_refer;
    case sip::Method::publish: return Counter::rcv_requests_publish;
    case sip::Method::other: return Counter::unsupported_methods;
  }
  return Counter::unsupported_methods;
}

}  // namespace

Router::Router(const Place& place, location::Store& store)
    : place_(place),
      store_(store),
      counters_(place.shared.counters.row(shm::process_slot(place.slot))),
      names_(place.settings, endpoints_of(place.listeners)),
      handshake_(handshake_policy(place, names_)),
      own_names_(place.listeners),
      datagram_key_(transaction::datagram_key(place.secrets.branch)),
      flow_tokens_(place.secrets.flow_token, place.settings.flow_token_lifetime.count(), own_names_.datagram_sockets(), place.secrets.run),
      registrar_(store, place.loop.clock(), place.settings),
      mirror_(place.mailbox, place.loop, place.mirror, place.generation),
      connections_(place.loop, place.settings, place.shared, counters_, place.mailbox, *this, place.slot),
      transactions_(connections_, place.loop.timers(), place.loop.clock(), place.random, core_settings(place), *this, *this),
      resolver_(place.loop, place.random, counters_, reach_of(own_names_), dns::Rules::from(place.settings), *this),
      upstreams_(place.loop, place.settings, counters_, place.shared.upstreams, place.slot, *this) {
  connections_.use_own_addresses(endpoints_of(place.listeners));
}

void Router::start() { upstreams_.start(); }

Router::~Router() = default;

void Router::set_stages(std::vector<StagePointer> stages) {
  stages_ = StageChain(std::move(stages));
  handshake_.require_sub_protocol = stages_.needs_sub_protocol();
}

void Router::reconfigure() {
  names_ = ServedNames(place_.settings, endpoints_of(place_.listeners));
  handshake_ = handshake_policy(place_, names_);
  handshake_.require_sub_protocol = stages_.needs_sub_protocol();
  transactions_.reconfigure(core_settings(place_));
  resolver_.configure(dns::Rules::from(place_.settings));
  upstreams_.start();
}

// --- what connections bring ---------------------------------------------------------------------------------------

void Router::on_http(net::StreamConnection& connection, const http::RequestHead& request) {
  HttpExchangeImpl exchange(*this, connection, request);
  const auto outcome = stages_.on_http(exchange);
  if (exchange.is_answered()) return;
  if (outcome == StageChain::Outcome::failed) return exchange.reply(500, {}, {}, {});
  static_cast<void>(exchange.accept_websocket());
}

void Router::on_message(net::StreamConnection& connection, ws::Opcode opcode, std::string_view payload) {
  const shm::LastInputs::Work work(place_.shared.last_inputs, place_.slot, connection.remote(), payload);
  DataExchangeImpl data(connection, opcode, payload);
  switch (stages_.on_data(data)) {
    case StageChain::Outcome::handled: return;
    case StageChain::Outcome::failed:
      static_cast<void>(connection.close(ws::CloseCode::internal_error, {}, net::CloseCause::stage));
      return;
    case StageChain::Outcome::nobody: return take_sip(connection, payload, opcode);
  }
}

void Router::on_sip(net::StreamConnection& connection, std::string_view message) {
  const shm::LastInputs::Work work(place_.shared.last_inputs, place_.slot, connection.remote(), message);
  take_sip(connection, message, ws::Opcode::binary);
}

// A datagram is one message (RFC 3261 18.3). Its transaction may be another worker's, whatever socket the kernel chose.
void Router::on_datagram(const Arrival& arrival, std::string_view bytes) {
  const shm::LastInputs::Work work(place_.shared.last_inputs, place_.slot, arrival.remote, bytes);
  const auto parsed = sip::parse(bytes);
  if (!parsed) return refuse_malformed(arrival, parsed);
  const sip::MessageView& message = *parsed;
  if (message.is_request()) {
    const WorkerSlot owner = transaction::owner_of_datagram(datagram_key_, message, place_.shared.limits.workers);
    if (owner != place_.slot) {
      const auto posted = place_.mailbox.post(shm::process_slot(owner), bus::SipDatagram{.remote = arrival.remote, .local = arrival.local, .bytes = bytes});
      if (!posted) counters_.add(Counter::drop_requests);  // it will be sent again
      return;
    }
  }
  on_sip(arrival, message);
}

void Router::take_datagram(const Arrival& arrival, std::string_view bytes) {
  const shm::LastInputs::Work work(place_.shared.last_inputs, place_.slot, arrival.remote, bytes);
  if (const auto parsed = sip::parse(bytes)) on_sip(arrival, *parsed);
}

void Router::refuse_malformed(const Arrival& arrival, const sip::Parsed& parsed) {
  const auto& refusal = parsed.refusal();
  counters_.add(Counter::bad_msg_hdr);
  log::info("malformed SIP message from {}: {}", arrival.remote.to_string(), refusal.reason);
  if (refusal.answerable) refuse(parsed.recovered(), arrival, refusal);
}

void Router::on_broken_sip(net::StreamConnection& connection, const sip::StreamFailed& failure) {
  counters_.add(Counter::bad_msg_hdr);
  log::info("a SIP stream from {} ends: {}", connection.remote().to_string(), failure.reason);
  // The parser refuses most of them as well, the body being absent; what it could read is enough for a reply.
  const auto parsed = sip::parse(failure.head);
  if (sip::is_answerable(parsed.recovered()))
    refuse(parsed.recovered(), connection.arrival(), {.status = failure.status, .reason = failure.reason, .answerable = true});
}

void Router::take_sip(net::StreamConnection& connection, std::string_view payload, ws::Opcode opcode) {
  const Arrival arrival = connection.arrival();
  sip::Splitter splitter(payload);
  while (connection.is_open()) {
    const auto piece = splitter.next();
    if (!piece) return;
    switch (piece->kind) {
      case sip::Piece::Kind::ping: static_cast<void>(connection.send_message("\r\n", opcode)); break;
      case sip::Piece::Kind::pong: break;
      case sip::Piece::Kind::message: on_sip(arrival, **piece->parsed); break;
      case sip::Piece::Kind::malformed: refuse_malformed(arrival, *piece->parsed); break;
      case sip::Piece::Kind::garbage:
        counters_.add(Counter::bad_msg_hdr);
        log::info("{} bytes from {} are not SIP", piece->bytes.size(), arrival.remote.to_string());
        static_cast<void>(connections_.admission().strike(arrival.remote, shm::BanReason::malformed_sip, place_.loop.now()));
        break;
    }
  }
}

// A request that never gets as far as a transaction.
void Router::refuse(const sip::MessageView& request, const Arrival& arrival, const sip::Refusal& refusal) {
  transactions_.reply_stateless(request, arrival, refusal.status, refusal.reason);
  counters_.add(Counter::sl_sent_replies);
  counters_.add(refusal.status == 400   ? Counter::sl_400_replies
                : refusal.status < 500 ? Counter::sl_4xx_replies
                : refusal.status < 600 ? Counter::sl_5xx_replies
                                       : Counter::sl_xxx_replies);
  if (refusal.status == 416) counters_.add(Counter::bad_URIs_rcvd);
}

// --- who is talking (call_estimate.h) ---

void Router::note_call(const Arrival& arrival, const sip::MessageView& message, net::CallEstimate::Sign sign) {
  if (auto* connection = connections_.find(arrival.flow.connection))
    connection->calls().note(sign, sip::call_id(message), base::whole_seconds(place_.loop.now()));
}

// On the way in, whatever becomes of the message. An ACK that gets as far as the stages is to a 2xx: on_request().
void Router::note_calls(const Arrival& arrival, const sip::MessageView& message) {
  using Sign = net::CallEstimate::Sign;
  if (message.is_request()) {
    switch (message.method()) {
      case sip::Method::invite: return note_call(arrival, message, Sign::rings);
      case sip::Method::ack: return note_call(arrival, message, Sign::rings_no_more);
      case sip::Method::bye: return note_call(arrival, message, Sign::over);
      default: return;
    }
  }
  const auto cseq = sip::cseq(message);
  if (!cseq) return;
  if (cseq->method == sip::Method::bye && message.status() >= 200) return note_call(arrival, message, Sign::over);
  if (cseq->method != sip::Method::invite) return;
  note_call(arrival, message, message.status() < 200 ? Sign::rings : message.status() < 300 ? Sign::talks : Sign::rings_no_more);
}

void Router::on_sip(const Arrival& arrival, const sip::MessageView& message) {
  if (const auto refusal = sip::sanity_refusal(message)) {
    counters_.add(message.is_request() ? Counter::err_requests : Counter::err_replies);
    if (refusal->answerable) refuse(message, arrival, *refusal);
    return;
  }
  note_calls(arrival, message);
  if (message.is_request()) {
    counters_.add(Counter::rcv_requests);
    counters_.add(method_counter(message.method()));
    if (arrival.flow.connection != ConnectionId::none && is_peer(arrival.remote)) note_alias(message, arrival);
    return transactions_.on_request(message, arrival);
  }
  counters_.add(Counter::rcv_replies);
  const auto owner = transaction::owner_of_response(transactions_.branch_key(), message);
  if (owner && owner->slot != place_.slot) {
    const auto posted = place_.mailbox.post(shm::process_slot(owner->slot), bus::SipResponse{.connection = arrival.flow.connection,
                                                                                             .remote = arrival.remote,
                                                                                             .local = arrival.local,
                                                                                             .bytes = message.bytes()});
    if (!posted) counters_.add(Counter::drop_replies);
    return;
  }
  take_response(arrival, message);
}

void Router::on_closed(net::StreamConnection& connection, std::string_view cause) {
  const Flow flow{connection.id(), place_.slot};
  // Whoever said goodbye is gone; whose network failed is expected back.
  const auto grace = place_.settings.flow_grace;
  const auto loss = connection.ended_cleanly() || grace.count() == 0
                        ? shm::FlowLoss::remove
                        : shm::FlowLoss::suspend(base::whole_seconds(place_.loop.now()) + grace.count());
  counters_.add(Counter::bindings_dropped,
                connection.has_too_many_aors() ? place_.shared.bindings.drop_flow(shm::process_slot(place_.slot), flow, loss)
                                               : store_.drop_flow(flow, connection.bound_aors(), loss));
  // After a restart the clients that we send away now are expected back.
  if (mirror_.is_on() && cause != net::name(net::CloseCause::shutdown))
    for (const auto& aor : connection.bound_aors()) mirror_.changed(aor);
  transactions_.on_connection_closed(connection.id());
  if (connection.was_used_by_others())
    for (std::uint16_t slot = 0; slot < place_.shared.limits.workers; ++slot)
      if (slot != number(place_.slot))
        static_cast<void>(place_.mailbox.post(static_cast<shm::ProcessSlot>(slot), bus::ConnectionClosed{connection.id()}));
  announce_closed({.id = connection.id(),
                   .remote = connection.remote(),
                   .local = connection.local(),
                   .sub_protocol = connection.arrival().sub_protocol,
                   .cause = cause,
                   .age = connection.age(),
                   .idle = connection.idle()});
}

void Router::announce_closed(const ClosedConnection& closed) {
  log::info("connection {} from {} closed: {} (age {} s, idle {} s)", number(closed.id), closed.remote.to_string(), closed.cause,
            closed.age.count(), closed.idle.count());
  if (!is_websocket(closed.local.protocol)) return;  // websocket:closed is about those only
  counters_.add(Counter::closed_events);
  stages_.on_closed(closed);
}

void Router::on_lost_connection(const shm::ConnectionRecord& record) {
  transactions_.on_connection_closed(record.id());
  for (std::uint16_t slot = 0; slot < place_.shared.limits.workers; ++slot)
    if (slot != number(place_.slot))
      static_cast<void>(place_.mailbox.post(static_cast<shm::ProcessSlot>(slot), bus::ConnectionClosed{record.id()}));
  counters_.add(Counter::closed_worker_died);
  announce_closed({.id = record.id(),
                   .remote = record.remote,
                   .local = record.local,
                   .sub_protocol = record.sub_protocol(),
                   .cause = net::name(net::CloseCause::worker_died),
                   .idle = std::chrono::seconds{base::whole_seconds(place_.loop.now()) - record.last_used}});
}

// --- letters ------------------------------------------------------------------------------------------------------

void Router::on_letter(shm::ProcessSlot from, const bus::Letter& letter) {
  const auto frame_of = [&](ConnectionId id) -> net::StreamConnection* {
    auto* connection = connections_.find(id);
    return connection != nullptr && connection->is_open() ? connection : nullptr;
  };
  const auto answer = [&](std::uint32_t ticket, bool done) {
    if (ticket != 0)
      static_cast<void>(place_.mailbox.post(from, bus::MiAnswer{.ticket = ticket, .code = static_cast<std::uint16_t>(done ? 200 : 500), .text = {}}));
  };
  std::visit(
      base::Overload{
          [&](const bus::SendMessage& m) { send_message(m, from); },
          [&](const bus::SendFailed& m) {
            std::uint64_t ticket = 0;
            if (m.branch.size() != sizeof ticket) return;
            std::memcpy(&ticket, m.branch.data(), sizeof ticket);
            transactions_.on_send_failed(ticket);
          },
          [&](const bus::SipResponse& m) {
            const auto parsed = sip::parse(m.bytes);
            if (!parsed) return;
            const Flow flow = m.connection == ConnectionId::none ? Flow{} : Flow{m.connection, static_cast<WorkerSlot>(number(from))};
            take_response({.flow = flow, .remote = m.remote, .local = m.local, .sub_protocol = SubProtocol::sip}, *parsed);
          },
          [&](const bus::Ping& m) {
            auto* connection = frame_of(m.connection);
            answer(m.ticket, connection != nullptr && connection->send_ping(m.payload));
            if (connection != nullptr) counters_.add(Counter::pings_sent);
          },
          [&](const bus::Pong& m) {
            auto* connection = frame_of(m.connection);
            answer(m.ticket, connection != nullptr && connection->send_pong(m.payload));
            if (connection != nullptr) counters_.add(Counter::pongs_sent);
          },
          [&](const bus::Close& m) {
            auto* connection = connections_.find(m.connection);
            answer(m.ticket, connection != nullptr &&
                                 connection->close(static_cast<ws::CloseCode>(m.code), m.reason, net::CloseCause::operator_said));
          },
          [&](const bus::Drop& m) {
            auto* connection = connections_.find(m.connection);
            if (connection != nullptr) {
              if (m.reason == bus::DropReason::no_pong) counters_.add(Counter::keepalive_drops);
              connection->terminate(cause_of(m.reason));
            }
            answer(m.ticket, connection != nullptr);
          },
          [&](const bus::ConnectionClosed& m) { transactions_.on_connection_closed(m.connection); },
          [&](const bus::SipDatagram& m) {
            take_datagram({.flow = {}, .remote = m.remote, .local = m.local, .sub_protocol = SubProtocol::sip}, m.bytes);
          },
          [&](const bus::ClientMoved& m) {
            if (m.left != ConnectionId::none) transactions_.on_client_left(m.client, m.left);
            transactions_.on_client_moved(m.client, {.flow = {m.connection, m.owner}, .remote = m.remote, .local = m.local});
          },
          [&](const bus::StrayCancel& m) {
            const auto parsed = sip::parse(m.bytes);
            if (!parsed || !parsed->is_request() || parsed->method() != sip::Method::cancel) return;
            transactions_.on_request(*parsed, {.flow = {m.connection, m.owner}, .remote = m.remote, .local = m.local,
                                               .sub_protocol = SubProtocol::sip, .client = m.client});
          },
          [&](const bus::StoreBindings&) { counters_.add(Counter::letters_malformed); },  // the mirror's
          [&](const bus::BindingsStored& m) { mirror_.on_letter(m); },
          [&](const bus::MiAnswer&) { counters_.add(Counter::late_answers); },
      },
      letter);
}

void Router::send_message(const bus::SendMessage& letter, shm::ProcessSlot from) {
  auto* connection = connections_.find(letter.connection);
  Result<void> sent = Errc::gone;
  if (connection != nullptr) {
    connection->use_by_others();
    sent = letter.opcode == bus::OpcodeHint::automatic
               ? connection->send_message(letter.bytes)
               : connection->send_message(letter.bytes, letter.opcode == bus::OpcodeHint::text ? ws::Opcode::text : ws::Opcode::binary);
  }
  if (!sent && !letter.branch.empty())
    static_cast<void>(place_.mailbox.post(from, bus::SendFailed{.connection = letter.connection, .why = sent.error().code, .branch = letter.branch}));
}

// --- the transaction layer's user ---------------------------------------------------------------------------------

void Router::on_request(transaction::RequestContext& context) {
  if (context.message().method() == sip::Method::ack) note_call(context.arrival(), context.message(), net::CallEstimate::Sign::talks);
  // No listener can send a datagram elsewhere while the daemon drains.
  if (context.arrival().flow.connection == ConnectionId::none && place_.shared.switches->drain() != shm::DrainLevel::none &&
      context.message().method() != sip::Method::ack && sip::to_tag(context.message()).empty()) {
    const std::string seconds = std::to_string(place_.settings.retry_after.count());
    const HeaderLine retry_after[] = {{"Retry-After", seconds}};
    return context.reply(503, {}, retry_after);
  }
  RequestExchangeImpl exchange(*this, context);
  const auto outcome = stages_.on_request(exchange);
  if (context.is_done()) return;
  if (outcome == StageChain::Outcome::failed) return context.reply(500);
  if (outcome == StageChain::Outcome::nobody) return context.reply(405);
  log::error("a stage said it handled a {} and did nothing", context.message().method_text());
  context.reply(500);
}

// What an accepted REGISTER means for the flow it came along, and for what waits for who is back.
void Router::note_registration(const location::Registration& registration, const Arrival& arrival) {
  if (registration.bound_here) {
    if (auto* connection = connections_.find(arrival.flow.connection)) {
      connection->remember_aor(registration.aor);
      if (connection->client() == ClientId::none) connection->set_client(registration.client);
      if (registration.told_flow_timer) connection->expect_keepalives();
    }
  }
  for (const location::Returned& one : registration.returned) client_moved(one.client, arrival.back(), one.left);
}

// What the registrar behind us has accepted is remembered here too, as if it had been registered here: so the client is
// known when its connection breaks, and found when it is back. The registrar's word is the 200; ours is a copy.
void Router::remember_registration(const transaction::ReplyContext& context) {
  const auto request = sip::parse(context.request());
  if (!request || request->method() != sip::Method::register_) return;
  const Destination& client = context.upstream();
  if (client.is_flow()) {  // he may have gone while the registrar thought about it
    const auto* connection = connections_.find(client.flow.connection);
    if (connection == nullptr || !connection->is_open()) return;
  }
  const Arrival arrival{.flow = client.flow, .remote = client.remote, .local = client.local, .sub_protocol = SubProtocol::sip};
  auto registration = registrar_.process(*request, arrival);
  registration.told_flow_timer = false;  // not by us
  if (registration.status == 200) note_registration(registration, arrival);
}

void Router::on_reply(transaction::ReplyContext& context) {
  if (upstreams_.any() && sip::is_success(context.message().status())) remember_registration(context);
  ReplyExchangeImpl exchange(context);
  static_cast<void>(stages_.on_reply(exchange));
}

void Router::count(transaction::Count what) noexcept {
  using transaction::Count;
  switch (what) {
    case Count::server_transactions: return counters_.add(Counter::tmx_UAS_transactions);
    case Count::client_transactions:
      counters_.add(Counter::fwd_requests);
      counters_.add(Counter::messages_relayed);
      return counters_.add(Counter::tmx_UAC_transactions);
    case Count::replies_received: return counters_.add(Counter::tmx_received_replies);
    case Count::replies_relayed:
      counters_.add(Counter::fwd_replies);
      counters_.add(Counter::messages_relayed);
      return counters_.add(Counter::tmx_relayed_replies);
    case Count::replies_generated: return counters_.add(Counter::tmx_local_replies);
    case Count::final_2xx: return counters_.add(Counter::tmx_2xx_transactions);
    case Count::final_3xx: return counters_.add(Counter::tmx_3xx_transactions);
    case Count::final_4xx: return counters_.add(Counter::tmx_4xx_transactions);
    case Count::final_5xx: return counters_.add(Counter::tmx_5xx_transactions);
    case Count::final_6xx: return counters_.add(Counter::tmx_6xx_transactions);
    case Count::foreign_responses:
    case Count::misdirected_responses:
    case Count::stray_responses:
    case Count::malformed_responses: return counters_.add(Counter::drop_replies);
    case Count::acks_absorbed: return counters_.add(Counter::sl_received_ACKs);
    case Count::table_full:
      counters_.add(Counter::transactions_refused);
      return counters_.add(Counter::drop_requests);
    case Count::connection_full:
      counters_.add(Counter::connection_transactions_refused);
      return counters_.add(Counter::drop_requests);
    case Count::memory_short:
      counters_.add(Counter::memory_refusals);
      return counters_.add(Counter::drop_requests);
    case Count::replies_unsent: return counters_.add(Counter::err_replies);
    case Count::acks_unsent: return counters_.add(Counter::err_requests);
    case Count::retransmissions:
    case Count::cancels_received:
    case Count::cancels_sent:
    case Count::loops:
    case Count::timeouts:
    case Count::flows_lost:
    case Count::callers_lost: return;
  }
}

}  // namespace sipwsd::route
