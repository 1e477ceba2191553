#pragma once
// The INVITE client transaction: RFC 3261 17.1.1, figure 5, with the accepted state of RFC 6026 7.2, which lets every
// 2xx of a forked INVITE through and ends with Timer M.
// One row is ours: a branch that is proceeding ends when its connection does, because no response can come any more;
// figure 5 looks at the transport only when it sends.

#include "src/transaction/machine.h"

namespace sipwsd::transaction::client_invite {

enum class State : std::uint8_t { calling, proceeding, completed, accepted, terminated, count };
enum class Event : std::uint8_t {
  timer_a,
  timer_b,
  timer_d,
  timer_m,
  provisional,
  success,
  failure,  // 300-699
  transport_error,
  count
};
enum class Action : std::uint8_t {
  none,
  retransmit,
  pass_up,
  pass_up_and_ack,
  ack,  // again: the response was a retransmission
  report_timeout,
  report_transport_error,
};

inline constexpr auto table = machine<State, Event, Action>({
    {State::calling,    Event::timer_a,         State::calling,    Action::retransmit},
    {State::calling,    Event::timer_b,         State::terminated, Action::report_timeout},
    {State::calling,    Event::transport_error, State::terminated, Action::report_transport_error},
    {State::calling,    Event::provisional,     State::proceeding, Action::pass_up},
    {State::calling,    Event::success,         State::accepted,   Action::pass_up},
    {State::calling,    Event::failure,         State::completed,  Action::pass_up_and_ack},

    {State::proceeding, Event::provisional,     State::proceeding, Action::pass_up},
    {State::proceeding, Event::success,         State::accepted,   Action::pass_up},
    {State::proceeding, Event::failure,         State::completed,  Action::pass_up_and_ack},
    {State::proceeding, Event::transport_error, State::terminated, Action::report_transport_error},

    {State::completed,  Event::failure,         State::completed,  Action::ack},
    {State::completed,  Event::transport_error, State::terminated, Action::none},  // the TU has its final response
    {State::completed,  Event::timer_d,         State::terminated, Action::none},

    {State::accepted,   Event::success,         State::accepted,   Action::pass_up},
    {State::accepted,   Event::timer_m,         State::terminated, Action::none},
});

static_assert(table.step(State::calling, Event::failure)->action == Action::pass_up_and_ack);
static_assert(table.step(State::proceeding, Event::timer_b) == nullptr, "a provisional response ends Timer B");
static_assert(table.step(State::accepted, Event::success)->to == State::accepted, "RFC 6026: every 2xx goes up");
static_assert(table.step(State::completed, Event::success) == nullptr, "a 2xx behind a failure is stray");

}  // namespace sipwsd::transaction::client_invite
