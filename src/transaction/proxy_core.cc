// Requests arrive: which transaction they belong to (RFC 3261 17.2.3), and the User for the rest. Connections that
// end.
#include "src/transaction/proxy_core.h"

#include <utility>

#include "src/base/assert.h"
#include "src/sip/from_to.h"

namespace sipwsd::transaction {

ProxyCore::ProxyCore(net::Transport& transport, os::TimerWheel& wheel, const base::Clock& clock, base::Random& random,
                     CoreSettings settings, Counters& counters, User& user)
    : transport_(transport),
      wheel_(wheel),
      clock_(clock),
      counters_(counters),
      user_(user),
      settings_(std::move(settings)),
      branch_key_(derive(settings_.secret, "branch")),
      table_key_{random.next(), random.next()},
      tag_key_(derive(settings_.secret, "tag")),
      loop_key_(derive(settings_.secret, "loop")),
      table_(settings_.max_transactions, static_cast<std::uint32_t>(random.next()) | 1) {}

void ProxyCore::reconfigure(CoreSettings settings) {
  settings.slot = settings_.slot;
  settings.generation = settings_.generation;
  settings.secret = settings_.secret;
  settings.max_transactions = settings_.max_transactions;
  settings_ = std::move(settings);
}

ProxyCore::~ProxyCore() {
  // Timers carry a reference to this object; the wheel may outlive it.
  table_.for_each([this](ProxyContext& context) { wheel_.cancel(context.timer); });
  wheel_.cancel(ack_timer_);
}

ProxyCore::Turn::Turn(ProxyCore& core) : core_(core) {
  if (core_.depth_++ == 0) core_.now_ = core_.clock_.now();
}

ProxyCore::Turn::~Turn() {
  if (core_.depth_ == 1) {
    // Handling one loss may cause the next one.
    for (std::size_t i = 0; i < core_.losses_.size(); ++i) core_.lose(core_.losses_[i]);
    core_.losses_.clear();
    core_.table_.recycle();
  }
  --core_.depth_;
}

void ProxyCore::on_request(const sip::MessageView& request, const Arrival& arrival) {
  const Turn turn{*this};
  const auto via = sip::topmost_via(request);
  if (!via) return;  // nothing to answer by; sip::sanity_refusal has let it through for no reason we know
  const ConnectionId scope = arrival.flow.connection;
  RequestContext context{*this, request, arrival, *via, transaction_hash(table_key_, request, *via, scope)};
  switch (request.method()) {
    case sip::Method::ack: return on_ack(context);
    case sip::Method::cancel: return on_cancel(context);
    default: break;
  }
  if (ProxyContext* known = table_.find(context.hash_, scope, request.method())) return absorb(*known);
  show(context);
}

void ProxyCore::show(RequestContext& context) {
  user_.on_request(context);
  if (!context.done_) reply(context, {500});
}

// RFC 3261 17.2.1: the ACK to a non-2xx ends here, whether its final response had a transaction (the branch finds it)
// or was sent without one (the To tag is one we make). The ACK to a 2xx has a branch of its own and is the User's.
void ProxyCore::on_ack(RequestContext& context) {
  ProxyContext* invite = table_.find(context.hash_, context.arrival_.flow.connection, sip::Method::ack);
  if (invite == nullptr) {
    const Tag tag = tag_of(context.hash_);
    if (sip::to_tag(context.message_) == std::string_view{tag.data(), tag.size()}) return count(Count::acks_absorbed);
    return show(context);
  }
  const auto* row = server_invite::table.step(invite->invite, server_invite::Event::ack);
  if (row == nullptr) return;  // before any final response: of what?
  const bool is_first = row->to != invite->invite;
  invite->invite = row->to;
  if (row->action == server_invite::Action::pass_ack_up) return show(context);  // a 2xx, ACKed with the INVITE's branch
  count(Count::acks_absorbed);
  if (is_first) {
    invite->retransmit = never;
    invite->due = now_ + settings_.timers.i(invite->reliability);
    if (invite->due == now_) fire_server(*invite);  // on a stream no ACK comes twice
  }
  settle(*invite);
}

// A retransmission: what was answered is answered again where the transport may have lost it; a stream loses nothing.
void ProxyCore::absorb(ProxyContext& context) {
  count(Count::retransmissions);
  bool send_again = false;
  if (context.is_invite()) {
    const auto* row = server_invite::table.step(context.invite, server_invite::Event::request);
    send_again = row != nullptr && row->action == server_invite::Action::send_again;
  } else {
    const auto* row = server_non_invite::table.step(context.other, server_non_invite::Event::request);
    send_again = row != nullptr && row->action == server_non_invite::Action::send_again;
  }
  if (send_again && !context.last_response.empty())
    static_cast<void>(transport_.send(context.upstream, context.last_response, 0));
}

void ProxyCore::reply_stateless(const sip::MessageView& request, const Arrival& arrival, const LocalReply& reply) {
  const Turn turn{*this};
  if (request.method() == sip::Method::ack || !request.is_request()) return;
  const auto via = sip::topmost_via(request);
  const std::uint64_t hash = via ? transaction_hash(table_key_, request, *via, arrival.flow.connection) : 0;
  const Destination back = via ? response_destination(arrival, *via) : arrival.back();
  static_cast<void>(send_reply(back, reply.status, make_reply(request, via ? &*via : nullptr, arrival.remote, hash, reply)));
}

void ProxyCore::on_send_failed(std::uint64_t ticket) {
  constexpr std::uint64_t moves = std::uint64_t{max_moves} << moves_shift;
  const auto token = static_cast<Token>(ticket & ~moves);
  if (token == Token::none) return;
  losses_.push_back({ConnectionId::none, token, static_cast<std::uint8_t>((ticket & moves) >> moves_shift)});
  const Turn turn{*this};
}

void ProxyCore::on_connection_closed(ConnectionId connection) {
  if (connection == ConnectionId::none) return;
  losses_.push_back({connection, Token::none, 0});
  const Turn turn{*this};
}

void ProxyCore::lose(const Loss& loss) {
  if (loss.connection != ConnectionId::none) return lose_connection(loss.connection);
  ClientBranch* branch = table_.find(loss.token);
  if (branch == nullptr || branch->moves != loss.moves || branch->hold != Hold::none) return;
  ProxyContext& context = table_.context_of(*branch);
  on_transport_error(context, *branch, Errc::gone);
  conclude(context);
  settle(context);
}

void ProxyCore::on_client_left(ClientId client, ConnectionId connection) {
  const Turn turn{*this};
  if (client == ClientId::none || connection == ConnectionId::none) return;
  const auto affected = table_.on_connection(connection);
  for (const auto& [index, serial] : affected.contexts) {
    ProxyContext* context = table_.find(index, serial);
    if (context == nullptr || context->caller != client || !await_caller(*context)) continue;
    settle(*context);
  }
  for (const Token token : affected.branches)
    if (const ClientBranch* branch = table_.find(token); branch != nullptr && branch->client == client)
      lose({ConnectionId::none, token, branch->moves});
}

// Callers first: nothing is sent to who has just gone.
void ProxyCore::lose_connection(ConnectionId connection) {
  const auto affected = table_.on_connection(connection);
  for (const auto& [index, serial] : affected.contexts) {
    ProxyContext* context = table_.find(index, serial);
    if (context == nullptr) continue;
    // Of a call that is up, a 2xx its callee sends again is for him too.
    const bool is_up = context->is_invite() && context->invite == server_invite::State::accepted;
    const bool is_over = context->has_final() && !is_up;
    if (is_over || !await_caller(*context))
      lose_caller(*context);
    else
      settle(*context);
  }
  for (const Token token : affected.branches)
    if (const ClientBranch* branch = table_.find(token)) lose({ConnectionId::none, token, branch->moves});
}

}  // namespace sipwsd::transaction
