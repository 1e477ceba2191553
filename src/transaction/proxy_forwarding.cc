// Request validation and forwarding (RFC 3261 16.3, 16.6): objections, targets in groups of equal q, one copy each.
#include <algorithm>
#include <utility>

#include "src/sip/cseq.h"
#include "src/sip/from_to.h"
#include "src/sip/max_breadth.h"
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
  if (most != 0 && table_.has_pending(request.arrival_.flow.connection, most) && !user_.is_server_of_ours(request.arrival_))
    return Count::connection_full;
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
  put_in_order(targets);
  const auto breadth = sip::max_breadth(message);
  if (!breadth) return reply(request, {400, breadth.error().why});
  const std::size_t most = std::min(breadth->value_or(sip::default_max_breadth), sip::default_max_breadth);
  if (most < widest_group()) return reply(request, {440});
  if (const auto why = shortage(request)) return refuse(request, *why);

  ProxyContext& context = add_context(request);
  context.loop_hash = loop;
  context.stay = options.stay;
  context.max_forwards = next_max_forwards(message);
  context.one_by_one = most < order_.size();
  context.max_breadth = static_cast<std::uint8_t>(context.one_by_one ? 1 : most / order_.size());
  add_targets(context, message, options);
  if (context.is_invite()) deliver(context, 100, make_reply(message, &request.topmost_via_, context.remote, context.hash, {100}));

  launch_group(context, message, request.topmost_via_);
  conclude(context);
  settle(context);
}

ProxyContext& ProxyCore::add_context(RequestContext& request) {
  ProxyContext& context = *table_.add(request.hash_, response_destination(request.arrival_, request.topmost_via_),
                                      request.message_.method());
  request.done_ = true;
  count(Count::server_transactions);
  const auto cseq = sip::cseq(request.message_);
  context.cseq = cseq ? cseq->number : 0;
  context.remote = request.arrival_.remote;
  context.caller = request.arrival_.client;
  context.reliability = is_reliable(context.remote.protocol) ? Reliability::reliable : Reliability::unreliable;
  context.started = now_;
  if (!context.is_invite()) context.due = now_ + settings_.timers.late_trying();
  return context;
}

void ProxyCore::put_in_order(std::span<const Target> targets) {
  order_.clear();
  for (const Target& target : targets) order_.push_back(&target);
  // Stable, and unlike std::stable_sort without an allocation: the pointers are in the order given.
  std::sort(order_.begin(), order_.end(),
            [](const Target* a, const Target* b) { return a->q != b->q ? a->q > b->q : a < b; });
  if (order_.size() > settings_.max_branches) order_.resize(settings_.max_branches);
}

// RFC 5393 5.3.3: what is under way at once shares what the request came with. The others of a serial search take their
// turn, with a share of their own when there is enough.
std::size_t ProxyCore::widest_group() const noexcept {
  std::size_t widest = 0, width = 0;
  for (std::size_t i = 0; i < order_.size(); ++i) {
    width = i != 0 && order_[i]->q == order_[i - 1]->q ? width + 1 : 1;
    widest = std::max(widest, width);
  }
  return widest;
}

// 16.6 steps 1 to 6 for all targets at once, best first. What a target's copy needs is kept with the request, so that
// the targets themselves need not outlive the call.
void ProxyCore::add_targets(ProxyContext& context, const sip::MessageView& request, const ForwardOptions& options) {
  // With room for the texts of the usual branch: a buffer that grows doubles.
  constexpr std::size_t usual_texts = 512;
  context.kept.reserve(request.bytes().size() + usual_texts);
  context.kept.assign(request.bytes());
  context.request_size = static_cast<std::uint32_t>(request.bytes().size());
  context.gone_status = options.gone_status;
  context.gone_reason = context.keep(options.gone_reason);
  context.consumed_realm = context.keep(options.consumed_realm);
  for (const Target* target : order_) {
    ClientBranch& branch = table_.add_branch(context);
    ++context.waiting;
    branch.to = target->to;
    branch.client = target->client;
    branch.q = target->q;
    const TargetTexts texts = forwarding_.texts_for(request, *target, options);
    branch.request_uri = context.keep(texts.request_uri);
    branch.prepend = context.keep(texts.prepend);
    branch.append = context.keep(texts.append);
    if (!branch.to.is_known()) branch.next_hop = context.keep(target->next_hop);
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
  if (!branch.to.is_known()) return find_place(context, branch, request, topmost_via);
  send_copy(context, branch, request, topmost_via, {});
}

void ProxyCore::send_copy(ProxyContext& context, ClientBranch& branch, const sip::MessageView& request,
                          const sip::Via& topmost_via, std::string_view server_name) {
  const auto write = [&] {
    put_on(context, branch, request);
    out_.clear();
    write_copy(context, branch, request, topmost_via, out_);
  };
  write();
  if (is_too_long(branch)) {
    prefer_stream(context, branch, server_name);
    write();
  }
  start_timers(context, branch);
  if (!branch.sent) count(Count::client_transactions);
  branch.sent = true;
  branch.by_address = branch.to.is_address();
  const auto sent = transport_.send(branch.to, out_.view(), ticket_of(branch), server_name);
  if (!sent) return on_transport_error(context, branch, sent.error().code);
  branch.to.flow = *sent;
  table_.attach(branch);
}

// Also of a branch that goes on over another connection: an INVITE that rang has had its provisional response.
void ProxyCore::start_timers(const ProxyContext& context, ClientBranch& branch) noexcept {
  const Timers& timers = settings_.timers;
  branch.retransmit = never;
  if (!context.is_invite())
    branch.due = branch.sent ? context.started + timers.f : now_ + timers.f;
  else
    branch.due = now_ + (branch.invite == client_invite::State::calling ? timers.b : timers.c);
  if (branch.reliability == Reliability::reliable || !branch.is_unanswered(context.is_invite())) return;
  branch.interval = context.is_invite() ? timers.a() : timers.e();
  branch.retransmit = now_ + branch.interval;
}

void ProxyCore::put_on(ProxyContext& context, ClientBranch& branch, const sip::MessageView& request) {
  Outfit outfit;
  user_.outfit({request, context.upstream, context.caller, branch.to, branch.client, context.stay}, outfit);
  branch.transport = outfit.transport;
  branch.reliability = is_reliable(outfit.transport) ? Reliability::reliable : Reliability::unreliable;
  branch.alias = outfit.alias;
  context.keep_instead(branch.sent_by, outfit.sent_by);
  context.keep_instead(branch.outfit, outfit.lines);
  table_.count_kept(context);
}

void ProxyCore::write_copy(const ProxyContext& context, const ClientBranch& branch, const sip::MessageView& request,
                           const sip::Via& topmost_via, sip::OutputBuffer& out) {
  const ForwardedCopy copy{
      {context.text(branch.request_uri), context.text(branch.prepend), context.text(branch.append),
       branch.consumed_routes, context.text(context.consumed_realm)},
      branch.transport,
      context.text(branch.sent_by),
      context.text(branch.outfit),
      branch.alias,
      branch_key_.make({settings_.slot, settings_.generation, TransactionTable::token_of(branch), context.loop_hash}),
      context.max_forwards,
      context.max_breadth};
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

}  // namespace sipwsd::transaction
