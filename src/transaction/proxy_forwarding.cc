// Request validation and forwarding (RFC 3261 16.3, 16.6): objections, targets in groups of equal q, one copy each.
#include <algorithm>
#include <utility>

#include "src/sip/cseq.h"
#include "src/sip/from_to.h"
#include "src/sip/max_forwards.h"
#include "src/sip/option_tags.h"
#include "src/transaction/proxy_core.h"

namespace sipwsd::transaction {

// 16.3 steps 3 to 5, in their order.
ProxyCore::Objection ProxyCore::objection_to(const RequestContext& request, std::uint32_t loop_hash) const {
  const auto hops = sip::max_forwards(request.message_);
  if (!hops) return {400, {}};
  if (*hops && **hops == 0) return {483, {}};  // OPTIONS too: we are not the one it looks for
  if (is_loop(request.message_, loop_hash)) return {482, {}};
  std::string unsupported = sip::unsupported_tags(request.message_, sip::HeaderId::proxy_require, "");
  if (!unsupported.empty()) return {420, std::move(unsupported)};
  return {};
}

// A Via of ours, of whichever worker, that was made for a request which looked the same to routing.
bool ProxyCore::is_loop(const sip::MessageView& request, std::uint32_t loop_hash) const {
  for (const sip::Header& via : request.all(sip::HeaderId::via)) {
    // The MAC says what is ours, so the line need not be taken apart for it.
    for (std::string_view rest = via.value;;) {
      const std::size_t at = rest.find(sip::branch_cookie);
      if (at == std::string_view::npos) break;
      const auto branch = branch_key_.recognise(rest.substr(at, BranchText::size));
      if (branch && branch->loop_hash == loop_hash) return true;
      rest.remove_prefix(at + 1);
    }
  }
  return false;
}

std::uint8_t ProxyCore::next_max_forwards(const sip::MessageView& request) const {
  const auto hops = sip::max_forwards(request);
  if (!hops || !*hops) return settings_.max_forwards;  // 16.6 step 3
  return std::min(static_cast<std::uint8_t>(**hops - 1), settings_.max_forwards);
}

// No room for what is new (RFC 3261 21.5.4).
std::optional<Count> ProxyCore::shortage(const RequestContext& request) const {
  if (table_.is_full() || table_.kept_bytes() + request.message_.bytes().size() > settings_.max_kept_bytes)
    return Count::table_full;
  const std::size_t most = settings_.max_pending_per_connection;
  if (most != 0 && table_.has_pending(request.arrival_.flow.connection, most)) return Count::connection_full;
  if (user_.is_short_of_memory() && sip::to_tag(request.message_).empty()) return Count::memory_short;
  return std::nullopt;
}

void ProxyCore::forward(RequestContext& request, std::span<const Target> targets, const ForwardOptions& options) {
  const Turn turn{*this};
  if (request.done_) return;
  const sip::MessageView& message = request.message_;
  if (message.method() == sip::Method::ack) {
    if (!targets.empty()) static_cast<void>(forward_stateless(request, targets.front(), options));
    request.done_ = true;
    return;
  }
  const std::uint32_t loop = loop_hash(loop_key_, message);
  if (const Objection objection = objection_to(request, loop); objection.status != 0) {
    if (objection.status == 482) count(Count::loops);
    const HeaderLine unsupported[] = {{"Unsupported", objection.unsupported}};
    return reply(request, {objection.status, {}, objection.unsupported.empty() ? std::span<const HeaderLine>{} : unsupported});
  }
  if (targets.empty()) return reply(request, {480});
  if (const auto why = shortage(request)) {
    count(*why);
    const std::string seconds = std::to_string(settings_.retry_after.count());
    const HeaderLine retry_after[] = {{"Retry-After", seconds}};
    return reply(request, {503, {}, retry_after});
  }

  ProxyContext* context =
      table_.add(request.hash_, response_destination(request.arrival_, request.topmost_via_), message.method());
  request.done_ = true;
  count(Count::server_transactions);
  const auto cseq = sip::cseq(message);
  context->cseq = cseq ? cseq->number : 0;
  context->loop_hash = loop;
  context->remote = request.arrival_.remote;
  context->caller = request.arrival_.client;
  context->stay = options.stay;
  context->reliability = is_reliable(context->remote.protocol) ? Reliability::reliable : Reliability::unreliable;
  context->started = now_;
  context->max_forwards = next_max_forwards(message);
  if (!context->is_invite()) context->due = now_ + settings_.timers.late_trying();
  add_targets(*context, message, targets, options);
  if (context->is_invite())
    deliver(*context, 100, make_reply(message, context->remote, context->hash, {100}));

  launch_group(*context, message, request.topmost_via_);
  conclude(*context);
  settle(*context);
}

// 16.6 steps 1 to 6 for all targets at once, best first. What a target's copy needs is kept with the request, so that
// the targets themselves need not outlive the call.
void ProxyCore::add_targets(ProxyContext& context, const sip::MessageView& request, std::span<const Target> targets,
                            const ForwardOptions& options) {
  order_.clear();
  for (const Target& target : targets) order_.push_back(&target);
  // Stable, and unlike std::stable_sort without an allocation: the pointers are in the order given.
  std::sort(order_.begin(), order_.end(),
            [](const Target* a, const Target* b) { return a->q != b->q ? a->q > b->q : a < b; });
  if (order_.size() > settings_.max_branches) order_.resize(settings_.max_branches);

  context.kept.assign(request.bytes());
  context.request_size = static_cast<std::uint32_t>(request.bytes().size());
  context.gone_status = options.gone_status;
  context.gone_reason = context.keep(options.gone_reason);
  for (const Target* target : order_) {
    ClientBranch& branch = table_.add_branch(context);
    ++context.waiting;
    branch.to = target->to;
    branch.client = target->client;
    branch.q = target->q;
    const TargetTexts texts = forwarding_.texts_for(request, *target, options.consumed_routes, options.headers);
    branch.request_uri = context.keep(texts.request_uri);
    branch.prepend = context.keep(texts.prepend);
    branch.append = context.keep(texts.append);
    branch.consumed_routes = static_cast<std::uint16_t>(texts.consumed_routes);
  }
  table_.count_kept(context);
}

// The waiting targets of the highest q. `request` may be the one that just arrived or the one that was kept.
void ProxyCore::launch_group(ProxyContext& context, const sip::MessageView& request, const sip::Via& topmost_via) {
  const ClientBranch* first = nullptr;
  for_each_branch(context, [&](ClientBranch& branch) {
    if (!branch.waiting || !branch.alive) return;
    if (first == nullptr) first = &branch;
    if (branch.q == first->q) launch(context, branch, request, topmost_via);
  });
}

// 16.6 steps 8 to 11.
void ProxyCore::launch(ProxyContext& context, ClientBranch& branch, const sip::MessageView& request,
                       const sip::Via& topmost_via) {
  branch.waiting = false;
  --context.waiting;
  ++context.pending;
  put_on(context, branch, request);
  const Timers& timers = settings_.timers;
  branch.due = now_ + (context.is_invite() ? timers.b : timers.f);
  if (branch.reliability == Reliability::unreliable) {
    branch.interval = context.is_invite() ? timers.a() : timers.e();
    branch.retransmit = now_ + branch.interval;
  }
  count(Count::client_transactions);
  out_.clear();
  write_copy(context, branch, request, topmost_via, out_);
  const auto sent = transport_.send(branch.to, out_.view(), number(TransactionTable::token_of(branch)));
  if (!sent) return on_transport_error(context, branch, sent.error().code);
  branch.to.flow = *sent;
  table_.attach(branch);
}

void ProxyCore::put_on(ProxyContext& context, ClientBranch& branch, const sip::MessageView& request) {
  Outfit outfit;
  user_.outfit({request, context.upstream, context.caller, branch.to, branch.client, context.stay}, outfit);
  branch.transport = outfit.transport;
  branch.reliability = is_reliable(outfit.transport) ? Reliability::reliable : Reliability::unreliable;
  branch.alias = outfit.alias;
  branch.sent_by = context.keep(outfit.sent_by);
  branch.outfit = context.keep(outfit.lines);
  table_.count_kept(context);
}

void ProxyCore::write_copy(const ProxyContext& context, const ClientBranch& branch, const sip::MessageView& request,
                           const sip::Via& topmost_via, sip::OutputBuffer& out) {
  const ForwardedCopy copy{
      {context.text(branch.request_uri), context.text(branch.prepend), context.text(branch.append),
       branch.consumed_routes},
      branch.transport,
      context.text(branch.sent_by),
      context.text(branch.outfit),
      branch.alias,
      branch_key_.make({settings_.slot, settings_.generation, TransactionTable::token_of(branch), context.loop_hash}),
      context.max_forwards};
  forwarding_.write(request, topmost_via, context.remote, copy, out);
}

void ProxyCore::write_copy_again(const ProxyContext& context, const ClientBranch& branch, sip::OutputBuffer& out) {
  out.clear();
  const auto request = sip::parse(context.request_bytes());
  if (!request) return;
  const auto via = sip::topmost_via(*request);
  if (via) write_copy(context, branch, *request, *via, out);
}

void ProxyCore::drop_waiting(ProxyContext& context) noexcept {
  if (context.waiting == 0) return;
  for_each_branch(context, [](ClientBranch& branch) {
    if (branch.waiting) branch.alive = false;
  });
  context.waiting = 0;
}

// 16.11. The branch is the same for the same ACK, as a stateless proxy's must be, and names no client transaction.
Result<void> ProxyCore::forward_stateless(RequestContext& request, const Target& target, const ForwardOptions& options) {
  const Turn turn{*this};
  if (request.message_.method() != sip::Method::ack) return Error{Errc::unsupported, "only an ACK has no response"};
  if (request.done_) return {};
  request.done_ = true;
  const std::uint32_t loop = loop_hash(loop_key_, request.message_);
  if (objection_to(request, loop).status != 0) return Error{Errc::refused, "Max-Forwards, Proxy-Require or a loop"};
  const Destination upstream = request.arrival_.back();
  Outfit ours;
  user_.outfit({request.message_, upstream, request.arrival_.client, target.to, target.client, Stay::none}, ours);
  const auto nobodys = static_cast<Token>(request.hash_ << 32 | nobody);
  const ForwardedCopy copy{
      forwarding_.texts_for(request.message_, target, options.consumed_routes, options.headers),
      ours.transport, ours.sent_by, {}, ours.alias, branch_key_.make({settings_.slot, settings_.generation, nobodys, loop}),
      next_max_forwards(request.message_)};
  out_.clear();
  forwarding_.write(request.message_, request.topmost_via_, request.arrival_.remote, copy, out_);
  const auto sent = transport_.send(target.to, out_.view(), 0);
  if (sent) return {};
  count(Count::acks_unsent);
  return sent.error();
}

}  // namespace sipwsd::transaction
