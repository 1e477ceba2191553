#pragma once
// The client transaction of every other request, CANCEL included: RFC 3261 17.1.2, figure 6.

#include "src/transaction/machine.h"

namespace sipwsd::transaction::client_non_invite {

enum class State : std::uint8_t { trying, proceeding, completed, terminated, count };
enum class Event : std::uint8_t { timer_e, timer_f, timer_k, provisional, final, transport_error, count };
enum class Action : std::uint8_t { none, retransmit, pass_up, report_timeout, report_transport_error };

inline constexpr auto table = machine<State, Event, Action>({
    {State::trying,     Event::timer_e,         State::trying,     Action::retransmit},
    {State::trying,     Event::timer_f,         State::terminated, Action::report_timeout},
    {State::trying,     Event::transport_error, State::terminated, Action::report_transport_error},
    {State::trying,     Event::provisional,     State::proceeding, Action::pass_up},
    {State::trying,     Event::final,           State::completed,  Action::pass_up},

    {State::proceeding, Event::timer_e,         State::proceeding, Action::retransmit},  // every T2
    {State::proceeding, Event::timer_f,         State::terminated, Action::report_timeout},
    {State::proceeding, Event::transport_error, State::terminated, Action::report_transport_error},
    {State::proceeding, Event::provisional,     State::proceeding, Action::pass_up},
    {State::proceeding, Event::final,           State::completed,  Action::pass_up},

    {State::completed,  Event::timer_k,         State::terminated, Action::none},
});

static_assert(table.step(State::proceeding, Event::timer_f)->action == Action::report_timeout,
              "unlike an INVITE, a provisional response does not stop the clock");
static_assert(table.step(State::completed, Event::final) == nullptr, "retransmissions of the response are absorbed");

}  // namespace sipwsd::transaction::client_non_invite
