// Responses leave (RFC 3261 17.2): through the machine of the server transaction, over the flow of the request; and
// the responses we make ourselves (8.2.6).
#include "sipwsd/bytes.h"
#include "src/sip/from_to.h"
#include "src/sip/response_builder.h"
#include "src/sip/status_code.h"
#include "src/transaction/proxy_core.h"

namespace sipwsd::transaction {
namespace {

constexpr Count count_of_class(std::uint16_t status) noexcept {
  switch (status / 100) {
    case 2: return Count::final_2xx;
    case 3: return Count::final_3xx;
    case 4: return Count::final_4xx;
    case 5: return Count::final_5xx;
    default: return Count::final_6xx;
  }
}

}  // namespace

bool ProxyCore::deliver(ProxyContext& context, std::uint16_t status, std::string_view response) {
  if (!step_server(context, status)) return false;
  if (context.reliability == Reliability::unreliable) {
    context.last_response.assign(response);
    table_.count_kept(context);
  }
  if (context.caller_away) {
    hold_response(context, status, response);
    return true;
  }
  const auto sent = send_reply(context.upstream, status, response);
  if (sent || sent.error().code != Errc::gone || !await_caller(context)) return true;
  if (context.caller_away)
    hold_response(context, status, response);
  else
    static_cast<void>(send_reply(context.upstream, status, response));
  return true;
}

// True when the machine says `send`. Sets the timers of the new state.
bool ProxyCore::step_server(ProxyContext& context, std::uint16_t status) {
  const Timers& timers = settings_.timers;
  if (context.is_invite()) {
    using namespace server_invite;
    const Event event = sip::is_provisional(status) ? Event::provisional
                        : sip::is_success(status)   ? Event::success
                                                    : Event::failure;
    const auto* row = server_invite::table.step(context.invite, event);
    if (row == nullptr) return false;
    const bool is_new = row->to != context.invite;
    context.invite = row->to;
    if (is_new && row->to == State::accepted) context.due = now_ + timers.l();
    if (is_new && row->to == State::completed) {
      context.due = now_ + timers.h();
      if (context.reliability == Reliability::unreliable) {
        context.interval = timers.g();
        context.retransmit = now_ + context.interval;
      }
    }
    return row->action == Action::send;
  }
  using namespace server_non_invite;
  const Event event = sip::is_provisional(status) ? Event::provisional : Event::final;
  const auto* row = server_non_invite::table.step(context.other, event);
  if (row == nullptr) return false;
  const bool is_new = row->to != context.other;
  context.other = row->to;
  if (is_new && row->to == State::completed) {
    context.due = now_ + timers.j(context.reliability);
    if (context.due == now_) context.other = server_non_invite::table.step(State::completed, Event::timer_j)->to;
  }
  return row->action == Action::send;
}

Result<void> ProxyCore::send_reply(const Destination& to, std::uint16_t status, std::string_view response) {
  if (sip::is_final(status)) count(count_of_class(status));
  const auto sent = transport_.send(to, response, 0);
  if (sent) return {};
  // Gone: we shall hear of it (on_connection_closed). Full: the reader is too slow and will be dropped for it.
  count(Count::replies_unsent);
  return sent.error();
}

void ProxyCore::reply_locally(ProxyContext& context, const LocalReply& reply) {
  const auto request = sip::parse(context.request_bytes());
  if (!request) return;
  const auto via = sip::topmost_via(*request);
  deliver(context, reply.status, make_reply(*request, via ? &*via : nullptr, context.remote, context.hash, reply));
}

std::string_view ProxyCore::make_reply(const sip::MessageView& request, const sip::Via* via, const Endpoint& source,
                                       std::uint64_t hash, const LocalReply& reply) {
  sip::Reply out;
  out.status = reply.status;
  out.reason = reply.reason;
  out.server = settings_.server;
  const Tag tag = tag_of(hash);
  out.to_tag = {tag.data(), tag.size()};
  const ViaStamp stamp{via != nullptr ? *via : sip::Via{}, source};
  if (via != nullptr) {
    out.received = stamp.received();
    out.rport = stamp.rport();
  }
  // Lines first, views into them afterwards: the text may move while it grows.
  line_text_.clear();
  lines_.clear();
  for (const HeaderLine& header : reply.headers) {
    if (equals_nocase(header.name, "Content-Type"))
      out.content_type = header.value;
    else
      line_text_.append(header.name).append(": ").append(header.value);
  }
  std::size_t at = 0;
  for (const HeaderLine& header : reply.headers) {
    if (equals_nocase(header.name, "Content-Type")) continue;
    const std::size_t size = header.name.size() + 2 + header.value.size();
    lines_.push_back(std::string_view{line_text_}.substr(at, size));
    at += size;
  }
  out.headers = lines_;
  out.body = reply.body;
  count(Count::replies_generated);
  out_.clear();
  sip::write_reply(request, out, out_);
  return out_.view();
}

// The same for every response to one request, and no secret of anybody: a retransmission gets the same tag, the ACK
// to a response without a transaction is known by it.
ProxyCore::Tag ProxyCore::tag_of(std::uint64_t hash) const noexcept {
  const std::uint64_t value = base::siphash(tag_key_, {reinterpret_cast<const char*>(&hash), sizeof hash});
  Tag tag;
  for (std::size_t i = 0; i < tag.size(); ++i) tag[i] = "0123456789abcdef"[(value >> (4 * i)) & 15];
  return tag;
}

std::string ProxyCore::local_tag(const RequestContext& request) const {
  const Tag tag = tag_of(request.hash_);
  return {tag.data(), tag.size()};
}

bool ProxyCore::is_merged(const RequestContext& request) {
  if (!table_.has_merge_hashes() || !sip::to_tag(request.message_).empty()) return false;
  return table_.find_merged(merge_hash(table_key_, request.message_)) != nullptr;
}

// As a UAS. On a stream a final response needs no state: nothing is retransmitted, and the ACK is known by its tag.
// So nobody fills the table with INVITEs to nowhere. A challenge has none on datagrams either: it is for whoever claims that
// address, and would be sent there again and again (RFC 3261 26.3.2.4).
void ProxyCore::reply(RequestContext& request, const LocalReply& wanted) {
  const Turn turn{*this};
  const sip::Method method = request.message_.method();
  if (request.done_ || method == sip::Method::ack) {
    request.done_ = request.done_ || sip::is_final(wanted.status);
    return;
  }
  LocalReply reply = wanted;
  const Destination upstream = response_destination(request.arrival_, request.topmost_via_);
  if (sip::is_provisional(reply.status)) {
    if (method != sip::Method::invite && reply.status != 100) return;
    return static_cast<void>(
        send_reply(upstream, reply.status, make_reply(request.message_, &request.topmost_via_, request.arrival_.remote, request.hash_, reply)));
  }
  request.done_ = true;
  if (is_merged(request)) reply = {482, "Merged Request"};
  const std::string_view bytes = make_reply(request.message_, &request.topmost_via_, request.arrival_.remote, request.hash_, reply);
  ProxyContext* context = nullptr;
  const bool is_challenge = reply.status == 401 || reply.status == 407;
  if (!is_reliable(request.arrival_.remote.protocol) && method != sip::Method::cancel && !is_challenge)
    context = table_.add(request.hash_, upstream, method);
  if (context == nullptr) return static_cast<void>(send_reply(upstream, reply.status, bytes));

  count(Count::server_transactions);
  context->reliability = Reliability::unreliable;
  context->started = now_;
  if (sip::to_tag(request.message_).empty())
    table_.set_merge_hash(*context, merge_hash(table_key_, request.message_));
  deliver(*context, reply.status, bytes);
  settle(*context);
}

void ProxyCore::refuse(RequestContext& request, Count why) {
  count(why);
  const std::string seconds = std::to_string(settings_.retry_after.count());
  const HeaderLine retry_after[] = {{"Retry-After", seconds}};
  reply(request, {503, {}, retry_after});
}

// The User answers later. Until then it is a request like any other that waits for its final response.
std::uint64_t ProxyCore::defer(RequestContext& request, base::Milliseconds limit) {
  const Turn turn{*this};
  const sip::MessageView& message = request.message_;
  if (request.done_ || message.method() == sip::Method::ack) return 0;
  if (is_merged(request)) {
    reply(request, {482, "Merged Request"});
    return 0;
  }
  if (const auto why = shortage(request)) {
    refuse(request, *why);
    return 0;
  }
  ProxyContext& context = add_context(request);
  context.deferred = true;
  context.kept.assign(message.bytes());
  context.request_size = static_cast<std::uint32_t>(message.bytes().size());
  context.use_rare().deadline = now_ + limit;
  table_.count_kept(context);
  if (context.reliability == Reliability::unreliable && sip::to_tag(message).empty())
    table_.set_merge_hash(context, merge_hash(table_key_, message));
  if (context.is_invite()) reply_locally(context, {100});
  settle(context);
  return key_of(context);
}

void ProxyCore::answer(std::uint64_t ticket, const LocalReply& reply) {
  const Turn turn{*this};
  ProxyContext* context = context_of(ticket);
  if (context == nullptr || !context->deferred || context->has_final()) return;
  if (sip::is_provisional(reply.status) && !context->is_invite() && reply.status != 100) return;  // RFC 4320 4.1
  reply_locally(*context, reply);
  settle(*context);
}

}  // namespace sipwsd::transaction
