#include "src/process/daemon_state.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace sipwsd::process {
namespace {

using S = DaemonState;
using E = DaemonEvent;
using A = DaemonAct;

struct Row {
  S state;
  E event;
  DaemonStep step;
};

// The whole table written a second time, by hand.
constexpr Row rows[] = {
    {S::serving, E::stop, {S::leaving, A::leave}},
    {S::serving, E::stop_with_patience, {S::finishing, A::start_drain}},
    {S::serving, E::drain, {S::draining, A::start_drain}},
    {S::serving, E::undrain, {S::serving, A::nothing}},
    {S::serving, E::emptied, {S::serving, A::nothing}},
    {S::serving, E::time_over, {S::serving, A::nothing}},
    {S::draining, E::stop, {S::leaving, A::leave}},
    {S::draining, E::stop_with_patience, {S::leaving, A::leave}},
    {S::draining, E::drain, {S::draining, A::change_patience}},
    {S::draining, E::undrain, {S::serving, A::end_drain}},
    {S::draining, E::emptied, {S::leaving, A::leave}},
    {S::draining, E::time_over, {S::leaving, A::leave}},
    {S::finishing, E::stop, {S::leaving, A::leave}},
    {S::finishing, E::stop_with_patience, {S::leaving, A::leave}},
    {S::finishing, E::drain, {S::finishing, A::refuse}},
    {S::finishing, E::undrain, {S::finishing, A::refuse}},
    {S::finishing, E::emptied, {S::leaving, A::leave}},
    {S::finishing, E::time_over, {S::leaving, A::leave}},
    {S::leaving, E::stop, {S::leaving, A::leave}},
    {S::leaving, E::stop_with_patience, {S::leaving, A::leave}},
    {S::leaving, E::drain, {S::leaving, A::refuse}},
    {S::leaving, E::undrain, {S::leaving, A::refuse}},
    {S::leaving, E::emptied, {S::leaving, A::nothing}},
    {S::leaving, E::time_over, {S::leaving, A::nothing}},
};
static_assert(std::size(rows) == daemon_states * daemon_events);

TEST(DaemonState, AnswersEveryEventInEveryState) {
  for (const Row& row : rows)
    EXPECT_EQ(step(row.state, row.event), row.step) << name(row.state) << " + event " << static_cast<int>(row.event);
}

TEST(DaemonState, NeverComesBackFromLeaving) {
  for (int event = 0; event < daemon_events; ++event) EXPECT_EQ(step(S::leaving, static_cast<E>(event)).state, S::leaving);
}

TEST(DaemonState, NamesEveryStateDifferently) {
  std::set<std::string_view> names;
  for (int state = 0; state < daemon_states; ++state) names.insert(name(static_cast<S>(state)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(daemon_states));
}

}  // namespace
}  // namespace sipwsd::process
