#pragma once
// Timers of one process: a hierarchical timing wheel (Varghese and Lauck 1987, scheme 7) of four wheels of 256 slots,
// one millisecond a tick: 49 days. add() and cancel() are O(1); a timer is moved at most three times before it fires.
//
//   - A timer is a number, never a pointer: an id of a timer that fired or was cancelled is harmless.
//   - The callback gets a key and looks its object up (style 10): the object may be gone, the handler may not.
//   - Entries live in one vector with a free list: no allocation in steady state.
//   - Never early: deadlines are rounded up to the tick.

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "src/base/clock.h"

namespace sipwsd::os {

enum class TimerId : std::uint64_t { none = 0 };

// A table of objects that own timers (the transaction table, the connections of a worker); outlives its timers.
class TimerHandler {
 public:
  virtual void on_timer(TimerId id, std::uint64_t key) = 0;

 protected:
  ~TimerHandler() = default;
};

class TimerWheel {
 public:
  explicit TimerWheel(const base::Clock& clock);

  // `key` names the object in the handler's own terms. Counted from the clock's present, not from the last advance(),
  // so a long turn makes no timer early. A delay <= 0 fires at the next advance().
  [[nodiscard]] TimerId add(base::Milliseconds delay, TimerHandler& handler, std::uint64_t key);
  // False when it fired already, was cancelled, or never was.
  bool cancel(TimerId id) noexcept;

  // Fires what is due, in order of deadline. A callback may add and cancel anything; what it adds fires in a later
  // advance(), so a timer that re-arms itself with 0 can't hold the loop.
  void advance();

  // How long nothing can be due (a lower bound: an upper wheel may only want to move timers down). Empty: no timers.
  [[nodiscard]] std::optional<base::Milliseconds> until_next() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool is_armed(TimerId id) const noexcept;

 private:
  static constexpr unsigned bits = 8;
  static constexpr std::size_t slots = std::size_t{1} << bits;
  static constexpr std::size_t levels = 4;
  static constexpr std::uint32_t nobody = 0xffffffff;
  static constexpr std::uint32_t late_list = slots * levels;  // for the next advance(), whatever the time

  struct Entry {
    std::uint64_t tick = 0;  // when it fires; in the late list: the advance() it was added before
    std::uint64_t key = 0;
    TimerHandler* handler = nullptr;  // nullptr: on the free list
    std::uint32_t next = nobody;
    std::uint32_t previous = nobody;
    std::uint32_t list = nobody;  // wheel * 256 + slot, or late_list
    std::uint32_t generation = 1;
  };
  struct List {
    std::uint32_t first = nobody;
    std::uint32_t last = nobody;
  };

  [[nodiscard]] std::uint64_t present_tick() const noexcept;
  [[nodiscard]] std::uint32_t list_for(std::uint64_t tick) const noexcept;
  [[nodiscard]] std::optional<std::uint32_t> index_of(TimerId id) const noexcept;
  [[nodiscard]] std::uint32_t take_free_entry();
  [[nodiscard]] std::optional<std::uint64_t> next_busy_tick() const noexcept;
  [[nodiscard]] std::optional<std::uint32_t> next_busy_slot(std::size_t level, std::uint32_t from) const noexcept;
  void link(std::uint32_t index, std::uint32_t list) noexcept;
  void unlink(std::uint32_t index) noexcept;
  void fire(std::uint32_t index);
  void cascade(std::size_t level) noexcept;

  const base::Clock& clock_;
  base::TimePoint origin_;
  std::uint64_t current_ = 0;   // the last tick that was fired
  std::uint64_t advances_ = 0;  // calls of advance(): what a callback adds to the late list waits for the next one
  std::size_t size_ = 0;
  std::uint32_t free_ = nobody;
  std::vector<Entry> entries_;
  std::array<List, slots * levels + 1> lists_{};
  std::array<std::array<std::uint64_t, slots / 64>, levels> busy_{};  // which slots are not empty
};

}  // namespace sipwsd::os
