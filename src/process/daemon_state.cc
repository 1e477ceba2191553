#include "src/process/daemon_state.h"

namespace sipwsd::process {

DaemonStep step(DaemonState state, DaemonEvent event) noexcept {
  using S = DaemonState;
  using E = DaemonEvent;
  using A = DaemonAct;
  const bool is_on_its_way_out = state == S::finishing || state == S::leaving;
  const bool is_draining = state == S::draining || state == S::finishing;
  switch (event) {
    case E::stop: return {S::leaving, A::leave};
    case E::stop_with_patience:
      return state == S::serving ? DaemonStep{S::finishing, A::start_drain} : DaemonStep{S::leaving, A::leave};
    case E::drain:
      if (is_on_its_way_out) return {state, A::refuse};
      return {S::draining, is_draining ? A::change_patience : A::start_drain};
    case E::undrain:
      if (is_on_its_way_out) return {state, A::refuse};
      return {S::serving, is_draining ? A::end_drain : A::nothing};
    case E::emptied:
    case E::time_over: return is_draining ? DaemonStep{S::leaving, A::leave} : DaemonStep{state, A::nothing};
  }
  return {state, A::nothing};
}

std::string_view name(DaemonState state) noexcept {
  switch (state) {
    case DaemonState::serving: return "serving";
    case DaemonState::draining: return "draining";
    case DaemonState::finishing: return "finishing";
    case DaemonState::leaving: return "leaving";
  }
  return "?";
}

}  // namespace sipwsd::process
