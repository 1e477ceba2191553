#pragma once
// Whether the daemon serves, drains or leaves: (state, event) -> (state, act), a total table; the supervisor performs the
// act. What it does about one process is in supervisor_state.h.
//
//   serving --drain--> draining --undrain--> serving          an operator's wish, which he may take back
//      |                  `--emptied, time_over, signals--> leaving
//      `--signal with patience--> finishing --emptied, time_over, another signal--> leaving
//
// Draining and finishing do the same; who was told by a signal has been told to end, and does.

#include <cstdint>
#include <string_view>

namespace sipwsd::process {

enum class DaemonState : std::uint8_t { serving, draining, finishing, leaving };
constexpr int daemon_states = 4;

enum class DaemonEvent : std::uint8_t {
  stop,                // SIGINT, or SIGTERM without drain_timeout
  stop_with_patience,  // SIGTERM with drain_timeout
  drain,               // core.drain
  undrain,             // core.undrain
  emptied,             // no connection is left
  time_over,           // drain_timeout, or what core.drain said
};
constexpr int daemon_events = 6;

enum class DaemonAct : std::uint8_t {
  nothing,
  start_drain,
  change_patience,  // it drains already
  end_drain,
  leave,            // Close 1001, shutdown_timeout; again: no more patience
  refuse,
};

struct DaemonStep {
  DaemonState state;
  DaemonAct act;
  friend bool operator==(const DaemonStep&, const DaemonStep&) = default;
};

[[nodiscard]] DaemonStep step(DaemonState state, DaemonEvent event) noexcept;
[[nodiscard]] std::string_view name(DaemonState state) noexcept;

}  // namespace sipwsd::process
