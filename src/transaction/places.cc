// Where a branch goes. A name or a client is looked for (User::locate); what is found are places, tried one after the other
// (RFC 3263 4.3), each as a client transaction of its own; what is too long for a datagram tries a stream before (RFC 3261
// 18.1.1). A branch that has nowhere to go yet, or no longer, is held: it is pending, nothing of it is under way.
#include <algorithm>

#include "src/transaction/proxy_core.h"

namespace sipwsd::transaction {
namespace {

constexpr std::size_t max_places = 8;  // of one name

}  // namespace

void ProxyCore::find_place(ProxyContext& context, ClientBranch& branch, const sip::MessageView& request,
                           const sip::Via& topmost_via) {
  places_.clear();
  const bool is_name = branch.next_hop.size != 0;
  const Located found =
      user_.locate(number(TransactionTable::token_of(branch)),
                   {context.text(branch.next_hop), branch.client, request.bytes().size()}, places_);
  switch (found.when) {
    case Located::When::now:
      if (!places_.empty()) return take_places(context, branch, places_, request, topmost_via);
      break;
    case Located::When::later:
      if (hold(context, branch, is_name ? Hold::resolving : Hold::away, found)) return;
      break;
    case Located::When::never: break;
  }
  give_up_place(context, branch);
}

void ProxyCore::take_places(ProxyContext& context, ClientBranch& branch, std::span<const Place> places,
                            const sip::MessageView& request, const sip::Via& topmost_via) {
  branch.to = places.front().to;
  if (places.size() > 1) {
    auto& further = context.use_rare().places;
    for (const Place& place : places.subspan(1, std::min(places.size(), max_places) - 1))
      further.push_back({branch.index, place.to, place.server_name, false});
  }
  send_copy(context, branch, request, topmost_via, places.front().server_name);
}

bool ProxyCore::is_too_long(const ClientBranch& branch) const noexcept {
  return branch.to.is_datagram() && !branch.sized && settings_.udp_mtu != 0 && out_.size() > settings_.udp_mtu;
}

void ProxyCore::prefer_stream(ProxyContext& context, ClientBranch& branch, std::string_view server_name) {
  auto& further = context.use_rare().places;
  const auto first =
      std::find_if(further.begin(), further.end(), [&](const FurtherPlace& place) { return place.branch == branch.index; });
  further.insert(first, {branch.index, branch.to, std::string{server_name}, true});
  branch.to.remote.protocol = TransportProtocol::tcp;
  branch.to.local = {};
}

// A new client transaction: the texts of the old one, another branch in its Via.
bool ProxyCore::try_next_place(ProxyContext& context, ClientBranch& branch) {
  if (!context.rare || branch.cancel != CancelState::none || context.cancelled || context.has_final()) return false;
  auto& further = context.rare->places;
  const auto found =
      std::find_if(further.begin(), further.end(), [&](const FurtherPlace& place) { return place.branch == branch.index; });
  if (found == further.end()) return false;
  const FurtherPlace place = std::move(*found);
  further.erase(found);

  ClientBranch& next = table_.add_branch(context);
  for (FurtherPlace& other : further)
    if (other.branch == branch.index) other.branch = next.index;
  next.waiting = false;
  next.to = place.to;
  next.sized = place.sized;
  next.client = branch.client;
  next.q = branch.q;
  next.request_uri = branch.request_uri;
  next.prepend = branch.prepend;
  next.append = branch.append;
  next.consumed_routes = branch.consumed_routes;
  if (branch.is_pending(context.is_invite())) {
    branch.terminate();  // else it has its final response, and sees to its ACKs
    --context.pending;
  }
  ++context.pending;
  elsewhere_.assign(context.request_bytes());
  const auto request = sip::parse(elsewhere_);
  const auto via = request ? sip::topmost_via(*request) : Result<sip::Via>{Errc::malformed};
  if (!via) {
    fail_branch(context, next, 500);
    return true;
  }
  send_copy(context, next, *request, *via, place.server_name);
  return true;
}

// Clients have no health: that they went away is all there is to say.
void ProxyCore::report_place(const ClientBranch& branch) {
  if (branch.client == ClientId::none) user_.on_place_failed(branch.to);
}

bool ProxyCore::follow_client(ProxyContext& context, ClientBranch& branch) {
  if (branch.client == ClientId::none || branch.cancel == CancelState::answered || branch.moves == max_moves) return false;
  // A cancelled INVITE that may never have reached him would ring once more only to be stopped.
  if (branch.cancel != CancelState::none && branch.is_unanswered(context.is_invite())) return false;
  ++branch.moves;
  places_.clear();
  const Located found =
      user_.locate(number(TransactionTable::token_of(branch)), {{}, branch.client, context.request_size}, places_);
  switch (found.when) {
    case Located::When::now: {
      // The same flow once more: the location service does not know yet what we know.
      if (places_.empty() || places_.front().to.flow == branch.to.flow) return false;
      const Destination to = places_.front().to;
      resume(context, branch, to);
      return true;
    }
    case Located::When::later: return hold(context, branch, Hold::away, found);
    case Located::When::never: break;
  }
  return false;
}

// Timer C and Timer B stand still; Timer F does not, its client's runs on.
bool ProxyCore::hold(ProxyContext& context, ClientBranch& branch, Hold why, const Located& found) {
  if (found.until <= now_) return false;
  table_.detach(branch);
  branch.hold = why;
  branch.retransmit = never;
  branch.due = context.is_invite() ? found.until : std::min(found.until, context.started + settings_.timers.f);
  if (branch.cancel == CancelState::sent) branch.cancel = CancelState::wanted;
  if (why != Hold::away) return true;
  table_.attach(branch);
  if (branch.sent) return true;
  ++context.unplaced;
  if (found.provisional != 0 && context.is_invite() && !context.told_to_wait && !context.has_final()) {
    context.told_to_wait = true;
    reply_locally(context, {found.provisional});
  }
  return true;
}

void ProxyCore::end_hold(ProxyContext& context, ClientBranch& branch) noexcept {
  if (branch.hold == Hold::none) return;
  table_.detach(branch);
  if (branch.hold == Hold::away && !branch.sent) --context.unplaced;
  branch.hold = Hold::none;
  branch.due = never;
}

void ProxyCore::give_up_place(ProxyContext& context, ClientBranch& branch) {
  const bool is_name = branch.hold == Hold::resolving || (branch.hold == Hold::none && branch.next_hop.size != 0);
  if (is_name) return fail_branch(context, branch, 500);  // no such server is a 503, and 16.7 step 6 makes that a 500
  count(Count::flows_lost);
  fail_branch(context, branch, context.gone_status, context.text(context.gone_reason));
}

// With the branch it had: a client that knows the request absorbs it as a retransmission, one that does not is called. Its
// CANCEL has the very Via its INVITE had.
void ProxyCore::resume(ProxyContext& context, ClientBranch& branch, const Destination& to) {
  end_hold(context, branch);
  table_.detach(branch);
  branch.to = to;
  if (branch.cancel != CancelState::none) {
    send_cancel(context, branch);
    return table_.attach(branch);
  }
  elsewhere_.assign(context.request_bytes());
  const auto request = sip::parse(elsewhere_);
  const auto via = request ? sip::topmost_via(*request) : Result<sip::Via>{Errc::malformed};
  if (!via) return fail_branch(context, branch, 500);
  send_copy(context, branch, *request, *via, {});
}

void ProxyCore::on_located(std::uint64_t ticket, std::span<const Place> places) {
  const Turn turn{*this};
  if (static_cast<PoolIndex>(ticket) == nobody) return on_ack_located(ticket, places);
  ClientBranch* branch = table_.find(static_cast<Token>(ticket));
  if (branch == nullptr || branch->hold != Hold::resolving) return;
  ProxyContext& context = table_.context_of(*branch);
  elsewhere_.assign(context.request_bytes());
  const auto request = sip::parse(elsewhere_);
  const auto via = request ? sip::topmost_via(*request) : Result<sip::Via>{Errc::malformed};
  if (places.empty() || !via) {
    give_up_place(context, *branch);
  } else {
    end_hold(context, *branch);
    take_places(context, *branch, places, *request, *via);
  }
  conclude(context);
  settle(context);
}

// His responses first, then the ACKs, then what is asked of him: in a dialog an ACK goes before the BYE.
void ProxyCore::on_client_moved(ClientId client, const Destination& to) {
  const Turn turn{*this};
  if (client == ClientId::none || !to.is_known()) return;
  const auto waiting = table_.waiting_for(client);
  for (const auto& [index, serial] : waiting.contexts)
    if (ProxyContext* context = table_.find(index, serial); context != nullptr && context->caller_away) {
      move_caller(*context, to);
      settle(*context);
    }
  release_acks(client, to);
  for (const Token token : waiting.branches) {
    ClientBranch* branch = table_.find(token);
    if (branch == nullptr || branch->hold != Hold::away) continue;
    ProxyContext& context = table_.context_of(*branch);
    resume(context, *branch, to);
    conclude(context);
    settle(context);
  }
}

}  // namespace sipwsd::transaction
