// The ACK to a 2xx passes without a transaction (RFC 3261 16.11, 13.2.2.4). Nobody answers it, so nobody would tell us that
// it was lost: it goes to the first place that takes it, a long one as a datagram too (18.1.1 needs an answer to fall back
// on), and it waits for a client that is away.
#include <algorithm>
#include <utility>

#include "src/transaction/proxy_core.h"

namespace sipwsd::transaction {
namespace {

// No ticket of a branch: none has this index.
constexpr std::uint64_t ticket_of_ack(std::uint64_t hash) noexcept { return hash << 32 | nobody; }

}  // namespace

Result<void> ProxyCore::forward_stateless(RequestContext& request, const Target& target, const ForwardOptions& options) {
  const Turn turn{*this};
  const sip::MessageView& message = request.message_;
  if (message.method() != sip::Method::ack) return Error{Errc::unsupported, "only an ACK has no response"};
  if (request.done_) return {};
  request.done_ = true;
  const std::uint32_t loop = loop_hash(loop_key_, message);
  if (objection_to(request, loop).status != 0) return Error{Errc::refused, "Max-Forwards, Proxy-Require or a loop"};
  const PassingAck ack{message, request.topmost_via_, request.arrival_, request.hash_, loop,
                       forwarding_.texts_for(message, target, options), target.client};
  const auto sent = pass_ack_on(ack, target);
  if (!sent) count(Count::acks_unsent);
  return sent;
}

Result<void> ProxyCore::pass_ack_on(const PassingAck& ack, const Target& target) {
  std::string_view next_hop = target.next_hop;
  if (target.to.is_known()) {
    const auto sent = send_ack_to(ack, {target.to, {}});
    if (sent || sent.error().code != Errc::gone || target.client == ClientId::none) return sent;
    next_hop = {};  // it is he that is looked for
  }
  places_.clear();
  const Located found =
      user_.locate(ticket_of_ack(ack.hash), {next_hop, target.client, ack.request.bytes().size()}, places_);
  switch (found.when) {
    case Located::When::now: return send_ack_to_first(ack, places_);
    case Located::When::later: return hold_ack(ack, found);
    case Located::When::never: break;
  }
  return target.to.is_known() ? Errc::gone : Errc::not_found;
}

// The branch is the same for the same ACK, as a stateless proxy's must be, and names no client transaction.
Result<void> ProxyCore::send_ack_to(const PassingAck& ack, const Place& place) {
  const Destination upstream = ack.arrival.back();
  Outfit ours;
  user_.outfit({ack.request, upstream, ack.arrival.client, place.to, ack.callee, Stay::none}, ours);
  const auto nobodys = static_cast<Token>(ack.hash << 32 | nobody);
  const ForwardedCopy copy{ack.texts,
                           ours.transport,
                           ours.sent_by,
                           {},
                           ours.alias,
                           branch_key_.make({settings_.slot, settings_.generation, nobodys, ack.loop_hash}),
                           next_max_forwards(ack.request)};
  out_.clear();
  forwarding_.write(ack.request, ack.topmost_via, ack.arrival.remote, copy, out_);
  const auto sent = transport_.send(place.to, out_.view(), 0, place.server_name);
  if (sent) return {};
  return sent.error();
}

Result<void> ProxyCore::send_ack_to_first(const PassingAck& ack, std::span<const Place> places) {
  Result<void> sent = Errc::not_found;
  for (const Place& place : places)
    if ((sent = send_ack_to(ack, place))) return sent;
  return sent;
}

Result<void> ProxyCore::hold_ack(const PassingAck& ack, const Located& found) {
  const std::string_view request = ack.request.bytes();
  if (held_acks_.size() >= settings_.max_held || kept_bytes() + request.size() > settings_.max_kept_bytes)
    return Errc::full;
  HeldAck held;
  held.ticket = ticket_of_ack(ack.hash);
  held.client = ack.callee;
  held.until = std::min(found.until, now_ + settings_.timers.h());  // then nobody waits for it any more
  held.arrival = ack.arrival;
  held.hash = ack.hash;
  held.loop_hash = ack.loop_hash;
  held.request = request;
  held.request_uri = ack.texts.request_uri;
  held.prepend = ack.texts.prepend;
  held.append = ack.texts.append;
  held.consumed_realm = ack.texts.consumed_realm;
  held.consumed_routes = ack.texts.consumed_routes;
  held_acks_.add(std::move(held));
  wake_up_for_acks();
  return {};
}

void ProxyCore::send_held_ack(const HeldAck& held, std::span<const Place> places) {
  const auto request = sip::parse(held.request);
  if (!request) return;
  const auto via = sip::topmost_via(*request);
  if (!via) return;
  const TargetTexts texts{held.request_uri, held.prepend, held.append, held.consumed_routes, held.consumed_realm};
  const PassingAck ack{*request, *via, held.arrival, held.hash, held.loop_hash, texts, held.client};
  if (!send_ack_to_first(ack, places)) count(Count::acks_unsent);
}

void ProxyCore::release_acks(ClientId client, const Destination& to) {
  if (held_acks_.size() == 0) return;
  const Place place{to, {}};
  for (const HeldAck& held : held_acks_.take([&](const HeldAck& one) { return one.client == client; }))
    send_held_ack(held, {&place, 1});
  wake_up_for_acks();
}

void ProxyCore::on_ack_located(std::uint64_t ticket, std::span<const Place> places) {
  for (const HeldAck& held : held_acks_.take([&](const HeldAck& one) { return one.ticket == ticket; }))
    send_held_ack(held, places);
  wake_up_for_acks();
}

void ProxyCore::drop_late_acks() {
  ack_timer_ = os::TimerId::none;
  const auto late = held_acks_.take([&](const HeldAck& one) { return one.until <= now_; });
  for (std::size_t i = 0; i < late.size(); ++i) count(Count::acks_unsent);
  wake_up_for_acks();
}

// One timer for all of them, which are few.
void ProxyCore::wake_up_for_acks() {
  if (ack_timer_ != os::TimerId::none) wheel_.cancel(ack_timer_);
  ack_timer_ = os::TimerId::none;
  if (held_acks_.size() == 0) return;
  const auto delay = std::chrono::ceil<base::Milliseconds>(held_acks_.first_deadline() - now_);
  ack_timer_ = wheel_.add(std::max(delay, base::Milliseconds{1}), *this, nobody);
}

}  // namespace sipwsd::transaction
