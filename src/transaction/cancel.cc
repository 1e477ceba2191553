// CANCEL, theirs and ours (RFC 3261 9, 16.10).
#include "src/sip/header_list.h"
#include "src/sip/request_builder.h"
#include "src/transaction/header_lines.h"
#include "src/transaction/proxy_core.h"

namespace sipwsd::transaction {
namespace {

// RFC 3326: a phone that sees cause 200 does not show the call as missed.
std::string_view reason_line(CancelCause cause) noexcept {
  switch (cause) {
    case CancelCause::completed_elsewhere: return "Reason: SIP;cause=200;text=\"Call completed elsewhere\"";
    case CancelCause::declined_elsewhere: return "Reason: SIP;cause=603;text=\"Declined\"";
    case CancelCause::timer_c: return "Reason: SIP;cause=408;text=\"Request Timeout\"";
    case CancelCause::caller:
    case CancelCause::caller_lost: return {};
  }
  return {};
}

}  // namespace

// 9.2, 16.10. Answered at once and without a transaction of its own: the answer depends on nothing but the INVITE's,
// so a retransmitted CANCEL gets the same one.
void ProxyCore::on_cancel(RequestContext& request) {
  count(Count::cancels_received);
  ProxyContext* context = table_.find_any(request.hash_, request.arrival_.flow.connection);
  if (context == nullptr && request.arrival_.client != ClientId::none &&
      user_.hand_on_cancel(request.message_, request.arrival_)) {
    request.done_ = true;
    return;
  }
  reply(request, {static_cast<std::uint16_t>(context == nullptr ? 481 : 200)});
  if (context == nullptr || !context->is_invite() || context->has_final() || context->cancelled) return;

  context->cancelled = true;
  const auto offset = static_cast<std::uint32_t>(context->kept.size());
  for (const sip::Header& reason : request.message_.all(sip::HeaderId::reason))
    if (reason.value.find_first_of("\r\n") == std::string_view::npos)
      context->kept.append("Reason: ").append(reason.value).append("\r\n");
  context->cancel_reason = {offset, static_cast<std::uint32_t>(context->kept.size()) - offset};
  table_.count_kept(*context);
  if (context->deferred) reply_locally(*context, {487});
  drop_waiting(*context);
  cancel_pending(*context, CancelCause::caller);
  conclude(*context);
  settle(*context);
}

void ProxyCore::cancel_pending(ProxyContext& context, CancelCause cause) {
  for_each_branch(context, [&](ClientBranch& branch) {
    if (branch.is_pending(true)) cancel_branch(context, branch, cause);
  });
}

void ProxyCore::cancel_branch(ProxyContext& context, ClientBranch& branch, CancelCause cause) {
  if (branch.cancel != CancelState::none) return;
  // Who is away and has never answered has hardly got the request.
  if (branch.hold != Hold::none && branch.is_unanswered(true)) return fail_branch(context, branch, 487);
  branch.cancel = CancelState::wanted;
  branch.cancel_cause = cause;
  if (branch.invite == client_invite::State::proceeding && branch.hold == Hold::none) send_cancel(context, branch);
}

void ProxyCore::send_cancel(ProxyContext& context, ClientBranch& branch) {
  branch.cancel = CancelState::sent;
  branch.due = now_ + settings_.timers.cancelled();
  if (branch.reliability == Reliability::unreliable) {
    branch.interval = settings_.timers.e();
    branch.retransmit = now_ + branch.interval;
  }
  count(Count::cancels_sent);
  write_cancel(context, branch);
  // A connection that is gone ends the branch by on_connection_closed; any other failure by its timer.
  static_cast<void>(transport_.send(branch.to, out_.view(), 0));
}

void ProxyCore::write_cancel(const ProxyContext& context, const ClientBranch& branch) {
  out_.clear();
  write_copy_again(context, branch, copy_);
  const auto invite = sip::parse(copy_.view());
  if (!invite) return;
  lines_.clear();
  if (branch.cancel_cause == CancelCause::caller)
    for (HeaderLines lines{context.text(context.cancel_reason)}; !lines.done(); lines.drop_first())
      lines_.push_back(lines.first());
  else if (const std::string_view line = reason_line(branch.cancel_cause); !line.empty())
    lines_.push_back(line);
  sip::write_cancel(*invite, lines_, out_);
}

// It only stops the retransmissions of the CANCEL: what matters is the INVITE's final response.
void ProxyCore::on_cancel_response(ClientBranch& branch, std::uint16_t status) noexcept {
  if (branch.cancel != CancelState::sent || status < 200) return;
  branch.cancel = CancelState::answered;
  branch.retransmit = never;
}

}  // namespace sipwsd::transaction
