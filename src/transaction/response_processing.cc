// Responses arrive: the client transactions (RFC 3261 17.1) and what the proxy makes of them (16.7). RFC 4320: nobody
// is sent a 408, or a provisional other than 100, for a request that is no INVITE.
#include "src/sip/cseq.h"
#include "src/sip/request_builder.h"
#include "src/sip/status_code.h"
#include "src/transaction/proxy_core.h"

namespace sipwsd::transaction {
namespace {

constexpr bool is_challenge(std::uint16_t status) noexcept { return status == 401 || status == 407; }

std::string challenge_lines(const sip::MessageView& response) {
  std::string lines;
  for (const auto id : {sip::HeaderId::www_authenticate, sip::HeaderId::proxy_authenticate})
    for (const sip::Header& header : response.all(id)) {
      if (header.value.find_first_of("\r\n") != std::string_view::npos) continue;  // folded: it would not be one line
      lines.append(sip::name(id)).append(": ").append(header.value).append("\r\n");
    }
  return lines;
}

}  // namespace

void ProxyCore::on_response(const sip::MessageView& response, const Arrival& arrival) {
  const Turn turn{*this};
  const auto ours = branch_key_.of_topmost_via(response);
  if (!ours) return count(Count::foreign_responses);
  if (ours->slot != settings_.slot || ours->generation != settings_.generation)
    return count(Count::misdirected_responses);
  // RFC 6026 7.3: what has no transaction is not forwarded.
  ClientBranch* branch = table_.find(ours->token);
  if (branch == nullptr || branch->waiting) return count(Count::stray_responses);
  ProxyContext& context = table_.context_of(*branch);
  const auto cseq = sip::cseq(response);
  if (!cseq || cseq->number != context.cseq) return count(Count::malformed_responses);
  // 17.1.3: a CANCEL has the branch of its INVITE, and is told from it by the method.
  if (cseq->method == sip::Method::cancel && context.is_invite()) {
    count(Count::replies_received);
    on_cancel_response(*branch, response.status());
    return settle(context);
  }
  if (cseq->method != context.method || !has_next_via(response)) return count(Count::malformed_responses);
  count(Count::replies_received);
  if (context.is_invite())
    on_invite_response(context, *branch, response, arrival);
  else
    on_other_response(context, *branch, response, arrival);
  settle(context);
}

void ProxyCore::on_invite_response(ProxyContext& context, ClientBranch& branch, const sip::MessageView& response,
                                   const Arrival& arrival) {
  using namespace client_invite;
  const std::uint16_t status = response.status();
  const Event event = sip::is_provisional(status) ? Event::provisional
                      : sip::is_success(status)   ? Event::success
                                                  : Event::failure;
  const auto* row = client_invite::table.step(branch.invite, event);
  if (row == nullptr) return count(Count::stray_responses);
  const Timers& timers = settings_.timers;
  const bool is_new = row->to != branch.invite;
  branch.invite = row->to;
  switch (row->to) {
    case State::proceeding:
      if (is_new) branch.retransmit = never;
      // 16.7 step 2: every provisional but 100 starts Timer C again; a cancelled branch has its own last hour.
      if (branch.cancel != CancelState::sent && branch.cancel != CancelState::answered && (is_new || status > 100))
        branch.due = now_ + timers.c;
      break;
    case State::accepted:
    case State::completed:
      if (!is_new) break;
      --context.pending;
      branch.retransmit = never;
      branch.due = now_ + (row->to == State::accepted ? timers.m() : timers.d(branch.reliability));
      if (branch.due == now_) branch.terminate();
      break;
    case State::calling:
    case State::terminated:
    case State::count: break;
  }
  if (row->action == Action::pass_up_and_ack || row->action == Action::ack) send_ack(context, branch, response);
  if (row->action == Action::pass_up || row->action == Action::pass_up_and_ack)
    process(context, branch, response, arrival);
}

void ProxyCore::on_other_response(ProxyContext& context, ClientBranch& branch, const sip::MessageView& response,
                                  const Arrival& arrival) {
  using namespace client_non_invite;
  const Event event = sip::is_provisional(response.status()) ? Event::provisional : Event::final;
  const auto* row = client_non_invite::table.step(branch.other, event);
  if (row == nullptr) return count(Count::stray_responses);
  branch.other = row->to;
  if (row->to == State::completed) {
    --context.pending;
    branch.retransmit = never;
    branch.due = now_ + settings_.timers.k(branch.reliability);
    if (branch.due == now_) branch.terminate();
  } else if (branch.retransmit != never) {
    branch.interval = settings_.timers.t2;  // 17.1.2.2: proceeding
  }
  process(context, branch, response, arrival);
}

// 16.7 steps 2 to 10. The client transaction has been through its machine.
void ProxyCore::process(ProxyContext& context, ClientBranch& branch, const sip::MessageView& response,
                        const Arrival& arrival) {
  const std::uint16_t status = response.status();
  if (sip::is_provisional(status) && branch.cancel == CancelState::wanted) send_cancel(context, branch);
  if (status == 100) return;  // hop by hop
  ReplyContext shown{response, arrival, context.upstream, context.request_bytes()};
  user_.on_reply(shown);

  if (sip::is_provisional(status)) {
    if (context.is_invite() && !context.has_final() && !shown.dropped_) forward_response(context, response);
    return;
  }
  if (sip::is_success(status)) {
    // Every 2xx to an INVITE goes up, whatever went before; of other requests only the first final response does.
    if (!context.is_invite() && context.has_final()) return;
    forward_response(context, response);
    drop_waiting(context);
    if (context.is_invite()) cancel_pending(context, CancelCause::completed_elsewhere);
    return;
  }
  if (context.has_final()) return;
  if (status == 503) {  // RFC 3263 4.3
    report_place(branch);
    if (try_next_place(context, branch)) return;
  }
  if (status >= 600) {  // step 5: nobody else is asked any more
    drop_waiting(context);
    if (context.is_invite()) cancel_pending(context, CancelCause::declined_elsewhere);
  }
  const bool is_only = context.pending == 0 && context.waiting == 0 && !context.has_best();
  const bool may_be_sent = context.is_invite() || status != 408;
  if (is_only && may_be_sent) return forward_response(context, response);
  gather(context, response);
  conclude(context);
}

void ProxyCore::forward_response(ProxyContext& context, const sip::MessageView& response, std::string_view challenges) {
  out_.clear();
  const std::uint16_t status = write_upstream(response, challenges, out_);
  if (deliver(context, status, out_.view())) count(Count::replies_relayed);
}

// 16.7 step 6, as responses come in. A challenge is kept even when another response is better so far: step 7.
void ProxyCore::gather(ProxyContext& context, const sip::MessageView& response) {
  BestResponse& best = context.use_rare().best;
  const std::uint16_t status = response.status();
  if (best.status == 0 || preference(status, false) < preference(best.status, best.is_local)) {
    best.status = status;
    best.is_local = false;
    best.bytes.assign(response.bytes());
  } else if (is_challenge(status)) {
    best.challenges += challenge_lines(response);
  }
  table_.count_kept(context);
}

void ProxyCore::gather_local(ProxyContext& context, std::uint16_t status, std::string_view reason) {
  BestResponse& best = context.use_rare().best;
  if (best.status != 0 && preference(status, true) >= preference(best.status, best.is_local)) return;
  best = {status, true, std::string{reason}, {}, std::move(best.challenges)};
}

void ProxyCore::fail_branch(ProxyContext& context, ClientBranch& branch, std::uint16_t status, std::string_view reason) {
  if (branch.is_pending(context.is_invite())) --context.pending;
  end_hold(context, branch);
  branch.terminate();
  if (context.has_final()) return;
  if (context.cancelled) return gather_local(context, 487, {});  // what the caller asked for has happened
  gather_local(context, status, reason);
}

void ProxyCore::on_transport_error(ProxyContext& context, ClientBranch& branch, Errc error) {
  bool is_reported = false;
  if (context.is_invite()) {
    const auto* row = client_invite::table.step(branch.invite, client_invite::Event::transport_error);
    if (row == nullptr) return;
    is_reported = row->action == client_invite::Action::report_transport_error;
  } else {
    const auto* row = client_non_invite::table.step(branch.other, client_non_invite::Event::transport_error);
    if (row == nullptr) return;
    is_reported = row->action == client_non_invite::Action::report_transport_error;
  }
  if (!is_reported) return branch.terminate();
  const bool is_gone = error == Errc::gone || error == Errc::not_found;
  if (is_gone || error == Errc::unsupported) {
    report_place(branch);
    if (branch.is_unanswered(context.is_invite()) && try_next_place(context, branch)) return;
  }
  if (is_gone && follow_client(context, branch)) return;
  switch (error) {
    case Errc::gone:
    case Errc::not_found:
      count(Count::flows_lost);
      if (branch.by_address) return fail_branch(context, branch, 500);  // as below
      return fail_branch(context, branch, context.gone_status, context.text(context.gone_reason));
    case Errc::too_large: return fail_branch(context, branch, 513);
    default: return fail_branch(context, branch, 500);  // 16.9 says 503, and 16.7 step 6 makes that a 500
  }
}

// 17.1.1.3. Made out of the kept request: the Via, the Routes and the Request-URI are those that were sent.
void ProxyCore::send_ack(const ProxyContext& context, const ClientBranch& branch, const sip::MessageView& response) {
  write_copy_again(context, branch, copy_);
  const auto invite = sip::parse(copy_.view());
  if (!invite) return;
  out_.clear();
  sip::write_ack(*invite, response, out_);
  if (!transport_.send(branch.to, out_.view(), 0)) count(Count::acks_unsent);
}

void ProxyCore::conclude(ProxyContext& context) {
  while (context.alive && !context.has_final()) {
    if (context.waiting == 0 && context.pending == 0) return send_best(context);
    // One of his phones has answered: what another one, that may come back, would say does not hold that up.
    if (context.waiting == 0 && context.pending == context.unplaced && context.has_best() && !context.rare->best.is_local) {
      for_each_branch(context, [&](ClientBranch& branch) {
        if (!branch.alive || branch.hold != Hold::away || branch.sent) return;
        end_hold(context, branch);
        branch.terminate();
        --context.pending;
      });
      continue;
    }
    // Nobody waits for a client that may come back, but the answer does.
    if (context.waiting == 0 || context.pending != (context.one_by_one ? 0 : context.unplaced)) return;
    again_.assign(context.request_bytes());  // what is kept grows, and may move, with every launch
    const auto request = sip::parse(again_);
    const auto via = request ? sip::topmost_via(*request) : Result<sip::Via>{Errc::malformed};
    if (!via) return drop_waiting(context);
    launch_group(context, *request, *via);
  }
}

void ProxyCore::send_best(ProxyContext& context) {
  if (!context.has_best()) return;
  const BestResponse& best = context.rare->best;
  // RFC 4320 4.2: the client of a non-INVITE has timed out when we have; a 408, or anything later, hits nobody.
  if (!context.is_invite() && (best.status == 408 || now_ - context.started >= settings_.timers.f)) {
    context.other = server_non_invite::State::terminated;
    return;
  }
  if (best.is_local) return reply_locally(context, {best.status, best.reason});
  const auto response = sip::parse(best.bytes);
  if (response) forward_response(context, *response, is_challenge(best.status) ? best.challenges : std::string_view{});
}

}  // namespace sipwsd::transaction
