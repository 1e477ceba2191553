#include <gtest/gtest.h>

#include <map>
#include <set>
#include <utility>

#include "src/transaction/client_invite.h"
#include "src/transaction/client_non_invite.h"
#include "src/transaction/server_invite.h"
#include "src/transaction/server_non_invite.h"
#include "src/transaction/timers.h"

namespace sipwsd::transaction {
namespace {

// Every (state, event) of a machine: what it does, or that it does nothing. `expected` is written from the RFC's
// figure, not from the table; a pair it does not name must be ignored.
template <typename Machine, typename State, typename Event, typename Action>
void expect_total(const Machine& machine, const std::map<std::pair<State, Event>, std::pair<State, Action>>& expected) {
  for (int s = 0; s < static_cast<int>(State::count); ++s)
    for (int e = 0; e < static_cast<int>(Event::count); ++e) {
      const auto at = std::pair{static_cast<State>(s), static_cast<Event>(e)};
      const auto* row = machine.step(at.first, at.second);
      const auto wanted = expected.find(at);
      ASSERT_EQ(row != nullptr, wanted != expected.end()) << "state " << s << " event " << e;
      if (row == nullptr) continue;
      EXPECT_EQ(row->to, wanted->second.first) << "state " << s << " event " << e;
      EXPECT_EQ(row->action, wanted->second.second) << "state " << s << " event " << e;
    }
}

TEST(ClientInvite, IsFigure5WithTheAcceptedStateOfRfc6026) {
  using namespace client_invite;
  using enum State;
  const std::map<std::pair<State, Event>, std::pair<State, Action>> figure{
      {{calling, Event::timer_a}, {calling, Action::retransmit}},
      {{calling, Event::timer_b}, {terminated, Action::report_timeout}},
      {{calling, Event::transport_error}, {terminated, Action::report_transport_error}},
      {{calling, Event::provisional}, {proceeding, Action::pass_up}},
      {{calling, Event::success}, {accepted, Action::pass_up}},
      {{calling, Event::failure}, {completed, Action::pass_up_and_ack}},
      {{proceeding, Event::provisional}, {proceeding, Action::pass_up}},
      {{proceeding, Event::success}, {accepted, Action::pass_up}},
      {{proceeding, Event::failure}, {completed, Action::pass_up_and_ack}},
      {{proceeding, Event::transport_error}, {terminated, Action::report_transport_error}},
      {{completed, Event::failure}, {completed, Action::ack}},
      {{completed, Event::transport_error}, {terminated, Action::none}},
      {{completed, Event::timer_d}, {terminated, Action::none}},
      {{accepted, Event::success}, {accepted, Action::pass_up}},
      {{accepted, Event::timer_m}, {terminated, Action::none}},
  };
  expect_total(table, figure);
}

TEST(ClientNonInvite, IsFigure6) {
  using namespace client_non_invite;
  using enum State;
  const std::map<std::pair<State, Event>, std::pair<State, Action>> figure{
      {{trying, Event::timer_e}, {trying, Action::retransmit}},
      {{trying, Event::timer_f}, {terminated, Action::report_timeout}},
      {{trying, Event::transport_error}, {terminated, Action::report_transport_error}},
      {{trying, Event::provisional}, {proceeding, Action::pass_up}},
      {{trying, Event::final}, {completed, Action::pass_up}},
      {{proceeding, Event::timer_e}, {proceeding, Action::retransmit}},
      {{proceeding, Event::timer_f}, {terminated, Action::report_timeout}},
      {{proceeding, Event::transport_error}, {terminated, Action::report_transport_error}},
      {{proceeding, Event::provisional}, {proceeding, Action::pass_up}},
      {{proceeding, Event::final}, {completed, Action::pass_up}},
      {{completed, Event::timer_k}, {terminated, Action::none}},
  };
  expect_total(table, figure);
}

TEST(ServerInvite, IsFigure7AsRfc6026RedrawsIt) {
  using namespace server_invite;
  using enum State;
  const std::map<std::pair<State, Event>, std::pair<State, Action>> figure{
      {{proceeding, Event::request}, {proceeding, Action::send_again}},
      {{proceeding, Event::provisional}, {proceeding, Action::send}},
      {{proceeding, Event::success}, {accepted, Action::send}},
      {{proceeding, Event::failure}, {completed, Action::send}},
      {{proceeding, Event::transport_error}, {proceeding, Action::report_transport_error}},
      {{completed, Event::request}, {completed, Action::send_again}},
      {{completed, Event::timer_g}, {completed, Action::send_again}},
      {{completed, Event::timer_h}, {terminated, Action::report_timeout}},
      {{completed, Event::ack}, {confirmed, Action::none}},
      {{completed, Event::transport_error}, {completed, Action::report_transport_error}},
      {{confirmed, Event::request}, {confirmed, Action::none}},
      {{confirmed, Event::ack}, {confirmed, Action::none}},
      {{confirmed, Event::timer_i}, {terminated, Action::none}},
      {{accepted, Event::request}, {accepted, Action::none}},
      {{accepted, Event::success}, {accepted, Action::send}},
      {{accepted, Event::ack}, {accepted, Action::pass_ack_up}},
      {{accepted, Event::timer_l}, {terminated, Action::none}},
      {{accepted, Event::transport_error}, {accepted, Action::report_transport_error}},
  };
  expect_total(table, figure);
}

TEST(ServerNonInvite, IsFigure8) {
  using namespace server_non_invite;
  using enum State;
  const std::map<std::pair<State, Event>, std::pair<State, Action>> figure{
      {{trying, Event::request}, {trying, Action::none}},
      {{trying, Event::provisional}, {proceeding, Action::send}},
      {{trying, Event::final}, {completed, Action::send}},
      {{proceeding, Event::request}, {proceeding, Action::send_again}},
      {{proceeding, Event::provisional}, {proceeding, Action::send}},
      {{proceeding, Event::final}, {completed, Action::send}},
      {{proceeding, Event::transport_error}, {terminated, Action::report_transport_error}},
      {{completed, Event::request}, {completed, Action::send_again}},
      {{completed, Event::final}, {completed, Action::none}},
      {{completed, Event::timer_j}, {terminated, Action::none}},
      {{completed, Event::transport_error}, {terminated, Action::report_transport_error}},
  };
  expect_total(table, figure);
}

template <typename Machine, typename State>
void expect_terminated_is_the_end(const Machine& machine, State terminated) {
  std::set<int> reached{0};
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& row : machine.rows())
      if (reached.contains(static_cast<int>(row.from))) grew |= reached.insert(static_cast<int>(row.to)).second;
  }
  EXPECT_EQ(reached.size(), static_cast<std::size_t>(State::count)) << "a state nobody reaches";
  for (const auto& row : machine.rows()) EXPECT_NE(row.from, terminated);
}

TEST(Machines, ReachEveryStateFromTheFirstAndNeverLeaveTheLast) {
  expect_terminated_is_the_end(client_invite::table, client_invite::State::terminated);
  expect_terminated_is_the_end(client_non_invite::table, client_non_invite::State::terminated);
  expect_terminated_is_the_end(server_invite::table, server_invite::State::terminated);
  expect_terminated_is_the_end(server_non_invite::table, server_non_invite::State::terminated);
}

TEST(Timers, WaitOnlyForWhatATransportCanLose) {
  constexpr Timers timers;
  using std::chrono_literals::operator""ms;
  using std::chrono_literals::operator""s;

  for (const auto wait : {timers.d(Reliability::reliable), timers.i(Reliability::reliable),
                          timers.j(Reliability::reliable), timers.k(Reliability::reliable)})
    EXPECT_EQ(wait, 0ms);
  EXPECT_EQ(timers.d(Reliability::unreliable), 32s);
  EXPECT_EQ(timers.i(Reliability::unreliable), 5s);
  EXPECT_EQ(timers.j(Reliability::unreliable), 32s);
  EXPECT_EQ(timers.k(Reliability::unreliable), 5s);
  EXPECT_EQ(timers.h(), 32s);
  EXPECT_EQ(timers.l(), 32s);
  EXPECT_EQ(timers.m(), 32s);
  EXPECT_GE(timers.c, 180s);
}

TEST(Timers, DoubleAsTheRfcSays) {
  constexpr Timers timers;
  using std::chrono_literals::operator""ms;
  EXPECT_EQ(Timers::next_a(4'000ms), 8'000ms);
  EXPECT_EQ(timers.next_e_or_g(1'000ms), 2'000ms);
  EXPECT_EQ(timers.next_e_or_g(4'000ms), 4'000ms);
  EXPECT_EQ(timers.late_trying(), 3'500ms);
}

}  // namespace
}  // namespace sipwsd::transaction
