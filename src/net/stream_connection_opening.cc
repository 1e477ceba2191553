// How a connection begins, until it is a WebSocket or a SIP stream: admission, a PROXY header, TLS, the HTTP request.

#include <utility>

#include "src/base/log.h"
#include "src/http/forwarded.h"
#include "src/http/proxy_protocol.h"
#include "src/http/reply_writer.h"
#include "src/http/status.h"
#include "src/net/protocol_sniffer.h"
#include "src/net/stream_connection.h"

namespace sipwsd::net {
namespace {

using shm::Counter;

// What may follow the GET in the same segments before the 101 is out (S07).
constexpr std::size_t max_pipelined = 8 * 1024;

std::string_view text_of(MutableBytes bytes) { return as_text(ByteView{bytes}); }

bool is_secure(TransportProtocol transport) {
  return transport == TransportProtocol::tls || transport == TransportProtocol::wss;
}

// On a tcp or tls listener a connection is a WebSocket from its upgrade on.
TransportProtocol websocket_over(TransportProtocol transport) {
  switch (transport) {
    case TransportProtocol::tcp: return TransportProtocol::ws;
    case TransportProtocol::tls: return TransportProtocol::wss;
    default: return transport;
  }
}

}  // namespace

// --- admission ----------------------------------------------------------------------------------------------------

void StreamConnection::arrive() {
  if (!context_.settings.trusted_proxies.contains(remote_)) static_cast<void>(is_welcome());
}

bool StreamConnection::is_welcome() {
  const auto verdict = context_.admission.arrive(guest_, remote_, context_.loop.now());
  is_exempt_ = context_.admission.is_exempt(remote_);
  if (verdict == Verdict::welcome) return true;
  const Refusal& refusal = refusal_of(verdict);
  log::info("{} is refused: {}", remote_.to_string(), refusal.word);
  cause_ = CloseCause::not_welcome;
  // Inside TLS there is something to say only once the handshake is through, and it is not worth one.
  const bool can_speak = !is_secure(local_.protocol) || phase_ == Phase::http;
  if (refusal.is_silent || !can_speak) {
    stream_.end_abruptly();
    terminate(CloseCause::not_welcome);
    return false;
  }
  context_.counters.add(Counter::ws_failed_handshakes);
  if (refusal.status == http::Status::service_unavailable) context_.counters.add(Counter::handshake_refused_503);
  const auto wait = std::to_string(context_.admission.retry_after(verdict).count());
  const std::array headers{http::Header{"Retry-After", wait}};
  const auto reply = http::write_reply(refusal.status, headers, {}, {.server = context_.server_header()});
  send_raw(reply ? std::string_view{*reply} : std::string_view{});
  linger();
  return false;
}

// --- the first bytes ----------------------------------------------------------------------------------------------

// A PROXY header, where a trusted proxy is the peer (S08); everybody else's would be no HTTP and no TLS.
void StreamConnection::take_first(MutableBytes bytes) {
  const Endpoint listener = local_;
  if (!context_.settings.trusted_proxies.contains(remote_)) return begin_http(bytes, listener);
  newcomer_->bytes.append(text_of(bytes));
  const auto sniffed = http::sniff_proxy_header(as_bytes(newcomer_->bytes));
  if (sniffed == http::ProxySniff::perhaps) return;
  std::string held;
  if (sniffed == http::ProxySniff::yes) {
    const auto header = http::parse_proxy_header(as_bytes(newcomer_->bytes));
    if (header.is(Errc::incomplete)) return;
    if (!header) {
      log::info("the PROXY header of {} is no good: {}", remote_.to_string(), header.error().why);
      return terminate(CloseCause::bad_proxy_header);
    }
    if (header->addresses) {
      const auto protocol = remote_.protocol;
      remote_ = header->addresses->source;
      local_ = header->addresses->destination;
      remote_.protocol = local_.protocol = protocol;
      if (!context_.settings.trusted_proxies.contains(remote_) && !is_welcome()) return;
    }
    held = newcomer_->bytes.substr(header->length);
  } else {
    held = newcomer_->bytes;
  }
  newcomer_->bytes.clear();
  begin_http(std::as_writable_bytes(std::span{held}), listener);
}

// TLS profiles are for our own sockets, not for the address that a PROXY header says the client connected to.
void StreamConnection::begin_http(MutableBytes bytes, const Endpoint& listener) {
  phase_ = Phase::http;
  if (!is_secure(local_.protocol)) {
    if (!bytes.empty()) take_http(bytes);
    return;
  }
  if (context_.tls == nullptr) return terminate(CloseCause::tls_failed);  // no listener without: endpoints were checked
  auto session = tls::Session::accept(*context_.tls, listener);
  if (!session) return terminate(CloseCause::tls_failed);
  take(stream_.start_tls(context_, std::move(*session), bytes));
}

// Whose connection it is, if a trusted proxy made it and says so in the request.
Result<void> StreamConnection::learn_client(const http::RequestHead& head) {
  if (!context_.settings.trusted_proxies.contains(remote_)) return {};  // also: a PROXY header has said who it is
  const auto client = http::forwarded_client(
      head.headers, [&](const Endpoint& hop) { return context_.settings.trusted_proxies.contains(hop); });
  if (!client) return client.error();
  if (client->address) {
    const auto socket = remote_;
    remote_ = *client->address;
    remote_.protocol = socket.protocol;
    if (remote_.port == 0) remote_.port = socket.port;  // the proxy's: it tells two connections of one client apart
  }
  return {};
}

// --- HTTP ---------------------------------------------------------------------------------------------------------

// From now on others can find it, and its end is an event.
Result<shm::ConnectionIndex> StreamConnection::enter_table(SubProtocol sub_protocol, shm::ConnectionState state) {
  const auto now = base::whole_seconds(context_.loop.now());
  const auto record = context_.connections.insert({.id = id_,
                                                   .local = local_,
                                                   .remote = remote_,
                                                   .owner = context_.slot,
                                                   .state = state,
                                                   .sub_protocol = sub_protocol,
                                                   .last_used = now});
  if (!record) return record;
  record_ = *record;
  announced_ = was_open_ = true;
  sub_protocol_ = sub_protocol;
  last_used_ = last_message_ = last_heard_ = now;
  return record;
}

Result<void> StreamConnection::accept(const ws::Acceptance& acceptance) {
  remote_.protocol = local_.protocol = websocket_over(local_.protocol);
  if (const auto record = enter_table(acceptance.sub_protocol); !record) return record.error();
  phase_ = Phase::open;
  if (acceptance.deflate) deflate_ = std::make_unique<ws::PerMessageDeflate>(*acceptance.deflate, context_.deflate);
  cancel_timer(deadline_);
  watch_idleness();
  context_.counters.add(Counter::ws_successful_handshakes);
  if (sub_protocol_ == SubProtocol::sip) context_.counters.add(Counter::ws_sip_successful_handshakes);
  if (sub_protocol_ == SubProtocol::msrp) context_.counters.add(Counter::ws_msrp_successful_handshakes);
  send_raw(ws::write_acceptance(acceptance, context_.server_header()));
  return {};
}

void StreamConnection::reply_and_close(std::string_view http_reply) {
  send_raw(http_reply);
  cause_ = CloseCause::handshake_refused;
  linger();
}

void StreamConnection::take_http(MutableBytes bytes) {
  newcomer_->bytes.append(text_of(bytes));
  if (!sipwsd::is_websocket(local_.protocol)) switch (sniff(newcomer_->bytes)) {
      case Spoken::unknown_yet: return;
      case Spoken::sip: {
        const std::unique_ptr<Newcomer> done = std::move(newcomer_);
        return begin_sip_stream(std::as_writable_bytes(std::span{done->bytes}));
      }
      case Spoken::http: break;
    }
  auto head = http::parse_head(newcomer_->bytes, newcomer_->scanner, context_.http_limits);
  if (!head) {
    if (head.is(Errc::incomplete)) return;
    context_.counters.add(head.is(Errc::too_large) ? Counter::handshake_refused_431 : Counter::handshake_refused_400);
    return refuse_http(http::status_of(head.error()), head.error().why);
  }
  context_.counters.add(Counter::http_requests);
  if (const auto learned = learn_client(*head); !learned) {
    context_.counters.add(Counter::handshake_refused_400);
    return refuse_http(http::Status::bad_request, learned.error().why);
  }
  const std::unique_ptr<Newcomer> done = std::move(newcomer_);  // an open connection holds no buffer
  if (!guest_.is_in() && !is_welcome()) return;
  context_.user.on_http(*this, *head);
  if (phase_ == Phase::http) return terminate(CloseCause::handshake_refused);  // a stage that neither accepted nor replied
  if (phase_ != Phase::open) return;
  MutableBytes rest = std::as_writable_bytes(std::span{done->bytes}).subspan(head->length);
  if (rest.size() > max_pipelined) return fail(ws::CloseCode::policy_violation, "Too much before the handshake", CloseCause::flood);
  if (!rest.empty()) take_frames(rest);
}

void StreamConnection::refuse_http(http::Status status, std::string_view why) {
  log::info("handshake from {} refused with {}: {}", remote_.to_string(), http::number(status), why);
  context_.counters.add(Counter::ws_failed_handshakes);
  const auto reply = http::write_reply(status, {}, {}, {.server = context_.server_header()});
  send_raw(reply ? std::string_view{*reply} : std::string_view{});
  finish(CloseCause::malformed_http);
}

}  // namespace sipwsd::net
