// What fires (RFC 3261 16.8, 17), when the next thing is due, and when state ends. A context has one timer on the
// wheel: for whatever of it is due first. A deadline that moved away leaves the timer where it is; it fires, finds
// nothing due, and goes on waiting. So an INVITE that rings costs nothing per provisional response.
#include <algorithm>

#include "src/transaction/proxy_core.h"

namespace sipwsd::transaction {

void ProxyCore::on_timer(os::TimerId, std::uint64_t key) {
  const Turn turn{*this};
  if (key == nobody) return drop_late_acks();
  ProxyContext* context = context_of(key);
  if (context == nullptr) return;
  context->timer = os::TimerId::none;
  context->timer_at = never;
  for_each_branch(*context, [&](ClientBranch& branch) { fire(*context, branch); });
  fire_server(*context);
  conclude(*context);
  settle(*context);
}

void ProxyCore::fire(ProxyContext& context, ClientBranch& branch) {
  if (!branch.alive || branch.waiting) return;
  if (branch.hold != Hold::none) {
    if (branch.due <= now_) give_up_place(context, branch);
    return;
  }
  const Timers& timers = settings_.timers;
  if (branch.retransmit <= now_) {  // A; E of the request, or of its CANCEL
    const bool is_calling = context.is_invite() && branch.invite == client_invite::State::calling;
    branch.interval = is_calling ? Timers::next_a(branch.interval) : timers.next_e_or_g(branch.interval);
    branch.retransmit = now_ + branch.interval;
    if (branch.cancel == CancelState::sent)
      write_cancel(context, branch);
    else
      write_copy_again(context, branch, out_);
    static_cast<void>(transport_.send(branch.to, out_.view(), 0));
  }
  if (branch.due > now_) return;
  branch.due = never;
  if (!context.is_invite()) {
    const auto event = branch.other == client_non_invite::State::completed ? client_non_invite::Event::timer_k
                                                                           : client_non_invite::Event::timer_f;
    const auto* row = client_non_invite::table.step(branch.other, event);
    if (row == nullptr) return;
    if (row->action != client_non_invite::Action::report_timeout) return branch.terminate();
    count(Count::timeouts);
    report_place(branch);
    if (now_ - context.started < timers.f && try_next_place(context, branch)) return;
    return fail_branch(context, branch, 408);
  }
  if (branch.invite == client_invite::State::proceeding) {  // C; or the cancelled one has not ended either
    if (branch.cancel != CancelState::none) return fail_branch(context, branch, 408);
    count(Count::timeouts);
    return cancel_branch(context, branch, CancelCause::timer_c);
  }
  using namespace client_invite;
  for (const Event event : {Event::timer_b, Event::timer_d, Event::timer_m})  // each is of one state only
    if (const auto* row = client_invite::table.step(branch.invite, event)) {
      if (row->action != Action::report_timeout) return branch.terminate();
      count(Count::timeouts);
      report_place(branch);
      if (try_next_place(context, branch)) return;
      return fail_branch(context, branch, 408);
    }
}

void ProxyCore::fire_server(ProxyContext& context) {
  if (context.rare && context.rare->deadline <= now_) {
    context.rare->deadline = never;
    if (context.caller_away) return lose_caller(context);
    const std::string seconds = std::to_string(settings_.retry_after.count());
    const HeaderLine retry_after[] = {{"Retry-After", seconds}};
    if (!context.has_final()) reply_locally(context, {503, {}, retry_after});
  }
  if (context.retransmit <= now_) {  // G
    context.interval = settings_.timers.next_e_or_g(context.interval);
    context.retransmit = now_ + context.interval;
    static_cast<void>(transport_.send(context.upstream, context.last_response, 0));
  }
  if (context.due > now_) return;
  context.due = never;
  if (!context.is_invite()) {
    if (context.other == server_non_invite::State::trying) return reply_locally(context, {100});  // RFC 4320 4.1
    const auto* row = server_non_invite::table.step(context.other, server_non_invite::Event::timer_j);
    if (row != nullptr) context.other = row->to;
    return;
  }
  using namespace server_invite;
  for (const Event event : {Event::timer_h, Event::timer_i, Event::timer_l})  // each is of one state only
    if (const auto* row = server_invite::table.step(context.invite, event)) {
      context.invite = row->to;
      context.retransmit = never;
      return;
    }
}

void ProxyCore::settle(ProxyContext& context) {
  if (!context.alive) return;
  if (context.has_final()) table_.end_pending(context);
  base::TimePoint next = std::min(context.due, context.retransmit);
  if (context.rare) next = std::min(next, context.rare->deadline);
  bool needs_request = context.waiting != 0 || !context.has_final() || context.caller_away;
  bool lingers = false;
  for_each_branch(context, [&](const ClientBranch& branch) {
    if (!branch.alive || branch.waiting) return;
    const bool is_pending = branch.is_pending(context.is_invite());
    // Timer D: the callee may repeat its response, and gets the ACK again.
    const bool acks = context.is_invite() && branch.invite == client_invite::State::completed;
    needs_request = needs_request || is_pending || acks;
    lingers = lingers || is_pending || acks;
    next = std::min({next, branch.due, branch.retransmit});
  });
  // A request that is no INVITE ends with its final response: nobody waits for those who answer later.
  if (context.is_terminated() && !context.caller_away && (!context.is_invite() || !lingers)) return retire(context);
  if (!needs_request && !context.kept.empty()) {
    context.rare.reset();
    table_.release_kept(context);
    table_.count_kept(context);
  }
  wake_up_at(context, next);
}

void ProxyCore::wake_up_at(ProxyContext& context, base::TimePoint at) {
  if (context.timer_at <= at) return;
  wheel_.cancel(context.timer);
  const auto delay = std::chrono::ceil<base::Milliseconds>(at - now_);
  context.timer = wheel_.add(std::max(delay, base::Milliseconds{1}), *this, key_of(context));
  context.timer_at = at;
}

void ProxyCore::retire(ProxyContext& context) {
  if (context.timer != os::TimerId::none) wheel_.cancel(context.timer);
  table_.retire(context);
}

}  // namespace sipwsd::transaction
