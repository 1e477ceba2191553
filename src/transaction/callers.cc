// Callers whose connection is gone. Who is not expected back is given up: a request that is no INVITE can't be stopped,
// only forgotten; an INVITE is cancelled wherever it went, or somebody's phone rings for nobody. Who has registered before
// is waited for (User::locate, the flow_grace of the host): his responses are held, the best provisional one and every
// final one, and sent when he is back.
#include <algorithm>

#include "src/sip/status_code.h"
#include "src/transaction/proxy_core.h"

namespace sipwsd::transaction {
namespace {

constexpr std::size_t max_held_responses = 16;  // of one request: a 2xx of each fork, and a provisional

}  // namespace

bool ProxyCore::await_caller(ProxyContext& context) {
  if (context.caller == ClientId::none || context.deferred || context.caller_away) return false;
  places_.clear();
  const Located found = user_.locate(0, {{}, context.caller, 0}, places_);
  switch (found.when) {
    case Located::When::now:
      // The same flow once more: the location service does not know yet what we know.
      if (places_.empty() || places_.front().to.flow == context.upstream.flow) return false;
      move_caller(context, places_.front().to);
      return true;
    case Located::When::later:
      if (found.until <= now_) return false;
      table_.await_caller(context);
      context.use_rare().deadline = found.until;
      return true;
    case Located::When::never: break;
  }
  return false;
}

// His CANCEL and his ACK come over the new connection from now on: key.h. Without the request its key can't be made again;
// then it has its final response, and neither would do anything.
void ProxyCore::move_caller(ProxyContext& context, const Destination& to) {
  std::uint64_t hash = context.hash;
  if (const auto request = sip::parse(context.request_bytes()))
    if (const auto via = sip::topmost_via(*request))
      hash = transaction_hash(table_key_, *request, *via, to.flow.connection);
  table_.move_caller(context, to, hash);
  if (!context.rare) return;
  context.rare->deadline = never;
  const auto responses = std::move(context.rare->responses);
  context.rare->responses.clear();
  for (const HeldResponse& held : responses) static_cast<void>(send_reply(context.upstream, held.status, held.bytes));
  table_.count_kept(context);
}

void ProxyCore::hold_response(ProxyContext& context, std::uint16_t status, std::string_view response) {
  if (status == 100) return;  // for who waits for a connection, not for an answer
  auto& held = context.use_rare().responses;
  const bool is_known = std::any_of(held.begin(), held.end(), [&](const auto& one) { return one.bytes == response; });
  if (is_known) return;  // a 2xx its callee has sent again
  std::erase_if(held, [](const HeldResponse& one) { return sip::is_provisional(one.status); });  // the later one says more
  if (held.size() == max_held_responses || kept_bytes() + response.size() > settings_.max_kept_bytes)
    return count(Count::replies_unsent);
  held.push_back({status, std::string{response}});
  table_.count_kept(context);
}

void ProxyCore::lose_caller(ProxyContext& context) {
  if (!context.has_final() || (context.caller_away && !context.rare->responses.empty())) count(Count::callers_lost);
  table_.lose_caller(context);
  context.invite = server_invite::State::terminated;
  context.other = server_non_invite::State::terminated;
  context.due = context.retransmit = never;
  if (context.rare) {
    for (std::size_t i = context.rare->responses.size(); i-- > 0;) count(Count::replies_unsent);
    context.rare->responses.clear();
    context.rare->deadline = never;
  }
  if (context.is_invite()) {
    drop_waiting(context);
    cancel_pending(context, CancelCause::caller_lost);
  }
  settle(context);
}

}  // namespace sipwsd::transaction
