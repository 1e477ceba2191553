#pragma once
// The INVITE server transaction: RFC 3261 17.2.1, figure 7, as RFC 6026 7.1 and 8.7 redraw it: a 2xx leads to
// accepted, where retransmitted INVITEs are absorbed and further 2xx from the TU still go out, until Timer L; a
// transport error is reported and changes nothing.

#include "src/transaction/machine.h"

namespace sipwsd::transaction::server_invite {

enum class State : std::uint8_t { proceeding, completed, confirmed, accepted, terminated, count };
enum class Event : std::uint8_t {
  request,      // the INVITE once more
  provisional,  // from here to failure: from the TU
  success,
  failure,      // 300-699
  ack,
  timer_g,
  timer_h,
  timer_i,
  timer_l,
  transport_error,
  count
};
enum class Action : std::uint8_t { none, send, send_again, pass_ack_up, report_timeout, report_transport_error };

inline constexpr auto table = machine<State, Event, Action>({
    {State::proceeding, Event::request,         State::proceeding, Action::send_again},
    {State::proceeding, Event::provisional,     State::proceeding, Action::send},
    {State::proceeding, Event::success,         State::accepted,   Action::send},
    {State::proceeding, Event::failure,         State::completed,  Action::send},
    {State::proceeding, Event::transport_error, State::proceeding, Action::report_transport_error},

    {State::completed,  Event::request,         State::completed,  Action::send_again},
    {State::completed,  Event::timer_g,         State::completed,  Action::send_again},
    {State::completed,  Event::timer_h,         State::terminated, Action::report_timeout},
    {State::completed,  Event::ack,             State::confirmed,  Action::none},
    {State::completed,  Event::transport_error, State::completed,  Action::report_transport_error},

    {State::confirmed,  Event::request,         State::confirmed,  Action::none},
    {State::confirmed,  Event::ack,             State::confirmed,  Action::none},
    {State::confirmed,  Event::timer_i,         State::terminated, Action::none},

    {State::accepted,   Event::request,         State::accepted,   Action::none},
    {State::accepted,   Event::success,         State::accepted,   Action::send},
    {State::accepted,   Event::ack,             State::accepted,   Action::pass_ack_up},
    {State::accepted,   Event::timer_l,         State::terminated, Action::none},
    {State::accepted,   Event::transport_error, State::accepted,   Action::report_transport_error},
});

static_assert(table.step(State::proceeding, Event::success)->to == State::accepted);
static_assert(table.step(State::accepted, Event::request)->action == Action::none, "RFC 6026: absorbed, not a new call");
static_assert(table.step(State::completed, Event::success) == nullptr, "one final response, except for 2xx after 2xx");
static_assert(table.step(State::completed, Event::ack)->to == State::confirmed);

}  // namespace sipwsd::transaction::server_invite
