#pragma once
// The server transaction of every other request: RFC 3261 17.2.2, figure 8. A transport error ends it.

#include "src/transaction/machine.h"

namespace sipwsd::transaction::server_non_invite {

enum class State : std::uint8_t { trying, proceeding, completed, terminated, count };
enum class Event : std::uint8_t {
  request,      // once more
  provisional,  // from the TU, as final is
  final,
  timer_j,
  transport_error,
  count
};
enum class Action : std::uint8_t { none, send, send_again, report_transport_error };

inline constexpr auto table = machine<State, Event, Action>({
    {State::trying,     Event::request,         State::trying,     Action::none},  // nothing was sent yet
    {State::trying,     Event::provisional,     State::proceeding, Action::send},
    {State::trying,     Event::final,           State::completed,  Action::send},

    {State::proceeding, Event::request,         State::proceeding, Action::send_again},
    {State::proceeding, Event::provisional,     State::proceeding, Action::send},
    {State::proceeding, Event::final,           State::completed,  Action::send},
    {State::proceeding, Event::transport_error, State::terminated, Action::report_transport_error},

    {State::completed,  Event::request,         State::completed,  Action::send_again},
    {State::completed,  Event::final,           State::completed,  Action::none},  // the TU is too late
    {State::completed,  Event::timer_j,         State::terminated, Action::none},
    {State::completed,  Event::transport_error, State::terminated, Action::report_transport_error},
});

static_assert(table.step(State::trying, Event::request)->action == Action::none);
static_assert(table.step(State::completed, Event::final)->action == Action::none, "only one final response");

}  // namespace sipwsd::transaction::server_non_invite
