#pragma once
// A state machine as rows `{from, event, to, action}`, checked and indexed at compile time. step() is pure and O(1);
// no row means that the event is nothing to that state and is ignored. Two rows for one (state, event) do not compile.
// State and Event are enums that end in `count`.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace sipwsd::transaction {

template <typename State, typename Event, typename Action>
struct Step {
  State from;
  Event event;
  State to;
  Action action;
};

template <typename State, typename Event, typename Action, std::size_t Rows>
class Machine {
 public:
  using Row = Step<State, Event, Action>;

  consteval explicit Machine(const std::array<Row, Rows>& rows) : rows_(rows) {
    for (auto& by_event : row_of_) by_event.fill(no_row);
    for (std::size_t i = 0; i < Rows; ++i) {
      auto& at = row_of_[static_cast<std::size_t>(rows[i].from)][static_cast<std::size_t>(rows[i].event)];
      if (at != no_row) throw "two rows for one state and event";
      at = static_cast<std::uint8_t>(i);
    }
  }

  [[nodiscard]] constexpr const Row* step(State from, Event event) const noexcept {
    const std::uint8_t at = row_of_[static_cast<std::size_t>(from)][static_cast<std::size_t>(event)];
    return at == no_row ? nullptr : &rows_[at];
  }
  [[nodiscard]] constexpr const std::array<Row, Rows>& rows() const noexcept { return rows_; }

 private:
  static constexpr std::uint8_t no_row = 0xff;
  static_assert(Rows < no_row);

  std::array<Row, Rows> rows_;
  std::array<std::array<std::uint8_t, static_cast<std::size_t>(Event::count)>, static_cast<std::size_t>(State::count)> row_of_{};
};

template <typename State, typename Event, typename Action, std::size_t Rows>
consteval Machine<State, Event, Action, Rows> machine(const Step<State, Event, Action> (&rows)[Rows]) {
  return Machine<State, Event, Action, Rows>{std::to_array(rows)};
}

}  // namespace sipwsd::transaction
