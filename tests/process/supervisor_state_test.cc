#include "src/process/supervisor_state.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <utility>

namespace sipwsd::process {
namespace {

using S = SlotState;
using E = SlotEvent;
using A = SlotAct;

template <typename F>
void for_each_pair(F&& f) {
  for (int s = 0; s < slot_states; ++s)
    for (int e = 0; e < slot_events; ++e) f(static_cast<S>(s), static_cast<E>(e));
}

std::string words(S state, E event) { return std::string(name(state)) + " + " + std::string(name(event)); }

// The whole table written a second time, by hand: what is not here changes nothing.
const std::map<std::pair<S, E>, SlotStep> expected{
    {{S::vacant, E::start}, {S::starting, A::fork_role}},
    {{S::vacant, E::stop}, {S::ended, A::count_ended}},
    {{S::starting, E::became_ready}, {S::ready, A::count_ready}},
    {{S::starting, E::beat_missed}, {S::stalled, A::kill}},
    {{S::starting, E::death}, {S::dead, A::queue_reaper}},
    {{S::starting, E::fork_failed}, {S::throttled, A::start_delay}},
    {{S::starting, E::stop}, {S::stopping, A::terminate}},
    {{S::ready, E::beat_missed}, {S::stalled, A::kill}},
    {{S::ready, E::death}, {S::dead, A::queue_reaper}},
    {{S::ready, E::stop}, {S::stopping, A::terminate}},
    {{S::stalled, E::beat_missed}, {S::stalled, A::kill}},
    {{S::stalled, E::death}, {S::dead, A::queue_reaper}},
    {{S::stalled, E::stop}, {S::stopping, A::terminate}},
    {{S::dead, E::reaper_free}, {S::reaping, A::fork_reaper}},
    {{S::dead, E::stop}, {S::ended, A::count_ended}},
    {{S::reaping, E::reaped}, {S::starting, A::fork_role}},
    {{S::reaping, E::reaped_too_often}, {S::throttled, A::start_delay}},
    {{S::reaping, E::reaper_failed}, {S::dead, A::queue_reaper}},
    {{S::reaping, E::stop}, {S::ended, A::count_ended}},
    {{S::throttled, E::delay_over}, {S::starting, A::fork_role}},
    {{S::throttled, E::stop}, {S::ended, A::count_ended}},
    {{S::stopping, E::death}, {S::ended, A::count_ended}},
    {{S::stopping, E::stop}, {S::stopping, A::kill}},
};

TEST(SupervisorState, AnswersEveryEventInEveryState) {
  for_each_pair([](S state, E event) {
    const auto row = expected.find({state, event});
    const SlotStep wanted = row != expected.end() ? row->second : SlotStep{state, A::nothing};
    EXPECT_EQ(step(state, event), wanted) << words(state, event);
  });
}

TEST(SupervisorState, NamesEveryStateAndEventDifferently) {
  std::set<std::string_view> names;
  for (int s = 0; s < slot_states; ++s) names.insert(name(static_cast<S>(s)));
  for (int e = 0; e < slot_events; ++e) names.insert(name(static_cast<E>(e)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(slot_states + slot_events));
  EXPECT_FALSE(names.contains("?"));
}

TEST(SupervisorState, ForksAProcessOnlyWhereThereIsNone) {
  for_each_pair([](S state, E event) {
    if (step(state, event).act != A::fork_role) return;
    EXPECT_FALSE(has_process(state)) << words(state, event);
  });
}

TEST(SupervisorState, SignalsOnlyWhereThereIsAProcess) {
  for_each_pair([](S state, E event) {
    const A act = step(state, event).act;
    if (act != A::kill && act != A::terminate) return;
    EXPECT_TRUE(has_process(state)) << words(state, event);
  });
}

TEST(SupervisorState, ReapsEveryDeadProcessBeforeItsSuccessorStarts) {
  for (const S alive : {S::starting, S::ready, S::stalled}) {
    const SlotStep after_death = step(alive, E::death);
    EXPECT_EQ(after_death, (SlotStep{S::dead, A::queue_reaper}));
    for (int e = 0; e < slot_events; ++e)
      EXPECT_NE(step(S::dead, static_cast<E>(e)).act, A::fork_role) << words(S::dead, static_cast<E>(e));
  }
  EXPECT_EQ(step(S::reaping, E::reaped).act, A::fork_role);
}

TEST(SupervisorState, EndsFromEveryStateWithinTwoEventsOnceItIsStopped) {
  for (int s = 0; s < slot_states; ++s) {
    SlotStep at = step(static_cast<S>(s), E::stop);
    if (at.state == S::stopping) at = step(at.state, E::death);
    EXPECT_EQ(at.state, S::ended) << name(static_cast<S>(s));
  }
  for (int e = 0; e < slot_events; ++e) EXPECT_EQ(step(S::ended, static_cast<E>(e)).state, S::ended);
}

}  // namespace
}  // namespace sipwsd::process
