#pragma once
// The loop of one process: epoll, one Watcher a descriptor, a timer wheel, and calls deferred to the end of the turn.
//
// One turn:  may sleep? -> wait -> woke -> ready descriptors -> due timers -> deferred calls -> turn ended.
//
//   - The Watcher's address is epoll's user data: dispatch is one virtual call, no look-up, no allocation.
//   - Any callback may remove or destroy any watcher, also one that is ready in the same batch: remove() takes it out
//     of the batch. So a Watcher must be removed before it is destroyed, and serves one descriptor.
//   - Deferred calls gather what a turn produced (corking: many frames, one write). A call deferred by a deferred
//     call runs in the next turn, which then doesn't sleep.
//   - No exception crosses a callback: one that does ends the process (noexcept), as a bug should.

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <optional>

#include "sipwsd/result.h"
#include "src/base/clock.h"
#include "src/os/fd.h"
#include "src/os/timer_wheel.h"

namespace sipwsd::os {

// EPOLLIN and friends under names that fit the rest.
inline constexpr std::uint32_t readable = EPOLLIN;
inline constexpr std::uint32_t writable = EPOLLOUT;
inline constexpr std::uint32_t peer_closed = EPOLLRDHUP;      // must be asked for
inline constexpr std::uint32_t hung_up = EPOLLHUP | EPOLLERR;  // always reported

enum class Trigger : std::uint8_t { level, edge };

class Watcher {
 public:
  virtual void on_ready(std::uint32_t events) = 0;

 protected:
  ~Watcher() = default;
};

// Something with work for the end of this turn. An intrusive list: deferring costs no memory, destroying the object
// takes it out of the list.
class Deferred {
 public:
  Deferred() = default;
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;
  virtual void run_deferred() = 0;
  [[nodiscard]] bool is_deferred() const noexcept { return next_ != nullptr; }

 protected:
  ~Deferred() { unlink(); }

 private:
  friend class EventLoop;
  void unlink() noexcept;
  Deferred* next_ = nullptr;
  Deferred* previous_ = nullptr;
};

// Asked around the wait; the mailbox uses it to say "asleep: wake me by the eventfd" and to look once more, and at the end
// of a turn to wake those it has written to.
class SleepHook {
 public:
  // Before a wait that may block. False: there is work, poll only.
  virtual bool may_sleep() noexcept = 0;
  // After every wait, whether it slept or not: no longer asleep; drain with a budget.
  virtual void woke() = 0;
  // Nothing more happens in this turn: after the deferred calls.
  virtual void turn_ended() noexcept = 0;

 protected:
  ~SleepHook() = default;
};

class EventLoop {
 public:
  // Throws std::runtime_error when epoll can't be had (start-up only).
  explicit EventLoop(const base::Clock& clock);
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  Result<void> add(int fd, std::uint32_t events, Watcher& watcher, Trigger trigger = Trigger::level);
  // Changes what is asked for; with Trigger::edge it also re-arms: what is ready now is reported again.
  Result<void> modify(int fd, std::uint32_t events, Watcher& watcher, Trigger trigger = Trigger::level);
  // The descriptor must still be open. Also drops the watcher's events of the batch being dispatched.
  void remove(int fd, Watcher& watcher) noexcept;
  // For a watcher whose descriptor is closed already: epoll forgets a closed descriptor by itself.
  void forget(Watcher& watcher) noexcept;

  void defer(Deferred& call) noexcept;  // once, however often it is asked this turn
  void set_sleep_hook(SleepHook* hook) noexcept { hook_ = hook; }

  // One turn. Waits until something is ready, a timer is due or `limit` is over; no limit: as long as it takes.
  void run_once(std::optional<base::Milliseconds> limit = std::nullopt) noexcept;
  void run() noexcept;  // turns until stop()
  void stop() noexcept { stopped_ = true; }
  [[nodiscard]] bool is_stopped() const noexcept { return stopped_; }

  [[nodiscard]] TimerWheel& timers() noexcept { return timers_; }
  // Read once a turn, after the wait: cheap, and one event sees one time.
  [[nodiscard]] base::TimePoint now() const noexcept { return now_; }
  [[nodiscard]] const base::Clock& clock() const noexcept { return clock_; }

 private:
  void dispatch() noexcept;
  void run_deferred_calls() noexcept;
  [[nodiscard]] int wait_milliseconds(std::optional<base::Milliseconds> limit) const noexcept;

  struct DeferredList final : Deferred {  // the ring's head
    DeferredList();
    void run_deferred() override {}
  };

  const base::Clock& clock_;
  TimerWheel timers_;
  Fd epoll_;
  base::TimePoint now_;
  SleepHook* hook_ = nullptr;
  DeferredList deferred_;
  std::array<epoll_event, 256> batch_;
  int batch_size_ = 0;
  int batch_at_ = 0;
  bool stopped_ = false;
};

}  // namespace sipwsd::os
