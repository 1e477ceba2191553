#include "src/process/supervisor_state.h"

#include <array>

namespace sipwsd::process {
namespace {

using S = SlotState;
using E = SlotEvent;
using A = SlotAct;

struct Row {
  S state;
  E event;
  SlotStep step;
};

// What changes something. Everything else stays as it is: a late ready of a process that is being killed, a heartbeat
// missed by one that was told to leave (shutdown has its own deadline), a death that was noticed before.
constexpr auto rows = std::to_array<Row>({
    {S::vacant, E::start, {S::starting, A::fork_role}},
    {S::vacant, E::stop, {S::ended, A::count_ended}},

    {S::starting, E::became_ready, {S::ready, A::count_ready}},
    {S::starting, E::beat_missed, {S::stalled, A::kill}},
    {S::starting, E::death, {S::dead, A::queue_reaper}},
    {S::starting, E::fork_failed, {S::throttled, A::start_delay}},
    {S::starting, E::stop, {S::stopping, A::terminate}},

    {S::ready, E::beat_missed, {S::stalled, A::kill}},
    {S::ready, E::death, {S::dead, A::queue_reaper}},
    {S::ready, E::stop, {S::stopping, A::terminate}},

    {S::stalled, E::beat_missed, {S::stalled, A::kill}},
    {S::stalled, E::death, {S::dead, A::queue_reaper}},
    {S::stalled, E::stop, {S::stopping, A::terminate}},

    {S::dead, E::reaper_free, {S::reaping, A::fork_reaper}},
    {S::dead, E::stop, {S::ended, A::count_ended}},

    {S::reaping, E::reaped, {S::starting, A::fork_role}},
    {S::reaping, E::reaped_too_often, {S::throttled, A::start_delay}},
    {S::reaping, E::reaper_failed, {S::dead, A::queue_reaper}},
    {S::reaping, E::stop, {S::ended, A::count_ended}},

    {S::throttled, E::delay_over, {S::starting, A::fork_role}},
    {S::throttled, E::stop, {S::ended, A::count_ended}},

    {S::stopping, E::death, {S::ended, A::count_ended}},
    {S::stopping, E::stop, {S::stopping, A::kill}},  // asked twice: no more patience
});

using Table = std::array<std::array<SlotStep, slot_events>, slot_states>;

constexpr Table build() {
  Table table{};
  for (int state = 0; state < slot_states; ++state)
    for (auto& cell : table[static_cast<std::size_t>(state)]) cell = {static_cast<S>(state), A::nothing};
  for (const Row& row : rows) table[static_cast<std::size_t>(row.state)][static_cast<std::size_t>(row.event)] = row.step;
  return table;
}

constexpr Table table = build();

}  // namespace

SlotStep step(SlotState state, SlotEvent event) noexcept {
  return table[static_cast<std::size_t>(state)][static_cast<std::size_t>(event)];
}

std::string_view name(SlotState state) noexcept {
  switch (state) {
    case S::vacant: return "vacant";
    case S::starting: return "starting";
    case S::ready: return "ready";
    case S::stalled: return "stalled";
    case S::dead: return "dead";
    case S::reaping: return "reaping";
    case S::throttled: return "throttled";
    case S::stopping: return "stopping";
    case S::ended: return "ended";
  }
  return "?";
}

std::string_view name(SlotEvent event) noexcept {
  switch (event) {
    case E::start: return "start";
    case E::became_ready: return "became_ready";
    case E::beat_missed: return "beat_missed";
    case E::death: return "death";
    case E::reaper_free: return "reaper_free";
    case E::reaped: return "reaped";
    case E::reaped_too_often: return "reaped_too_often";
    case E::delay_over: return "delay_over";
    case E::fork_failed: return "fork_failed";
    case E::reaper_failed: return "reaper_failed";
    case E::stop: return "stop";
  }
  return "?";
}

}  // namespace sipwsd::process
