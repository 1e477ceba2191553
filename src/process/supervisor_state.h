#pragma once
// What the supervisor does about one process slot: (state, event) -> (state, act), a total table and nothing else. The
// supervisor performs the act. A slot's life after a death (design: "Crash containment"):
//
//   ready --death--> dead --reaper_free--> reaping --reaped--> starting --ready--> ready
//                                             `----reaped_too_often--> throttled --delay_over--> starting
//
// A slot gets a new process only after the reaper has finished: so no record needs a generation, and nothing of the
// dead process is adopted twice.

#include <cstdint>
#include <string_view>

namespace sipwsd::process {

enum class SlotState : std::uint8_t {
  vacant,     // before the start
  starting,   // forked, not yet ready
  ready,      // does its work
  stalled,    // no heartbeat: SIGKILL is on its way
  dead,       // waits for its turn with the reaper
  reaping,    // the reaper is at work
  throttled,  // reaped; waits, because it died too often
  stopping,   // told to leave
  ended,      // left for good
};
constexpr int slot_states = 9;

enum class SlotEvent : std::uint8_t {
  start,
  became_ready,
  beat_missed,       // no heartbeat for worker_stall_timeout
  death,             // waitpid() has it
  reaper_free,       // nobody else is being reaped
  reaped,            // shared memory is sound again
  reaped_too_often,  // the same, but the slot's restarts are throttled
  delay_over,
  fork_failed,       // no process could be made for the slot
  reaper_failed,     // it could not be forked, or did not exit 0
  stop,              // the daemon ends, or all roles are to start again
};
constexpr int slot_events = 11;

enum class SlotAct : std::uint8_t {
  nothing,
  fork_role,
  fork_reaper,
  count_ready,   // was it the last one the daemon waited for?
  queue_reaper,  // as soon as it is free
  kill,          // SIGKILL
  terminate,     // SIGTERM
  start_delay,
  count_ended,   // was it the last one the shutdown waited for?
};

struct SlotStep {
  SlotState state;
  SlotAct act;
  friend bool operator==(const SlotStep&, const SlotStep&) = default;
};

[[nodiscard]] SlotStep step(SlotState state, SlotEvent event) noexcept;

[[nodiscard]] std::string_view name(SlotState state) noexcept;
[[nodiscard]] std::string_view name(SlotEvent event) noexcept;
// A process runs, or may still run, in a slot of this state.
[[nodiscard]] constexpr bool has_process(SlotState state) noexcept {
  return state == SlotState::starting || state == SlotState::ready || state == SlotState::stalled ||
         state == SlotState::stopping;
}

}  // namespace sipwsd::process
