#pragma once
// The clients' event loop: epoll and one-shot timers, one thread. Descriptors are watched edge-triggered for both
// directions from the start, so a connection costs one epoll_ctl in its life; whoever is called reads until it is dry.

#include <chrono>
#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

namespace sipwsd::bench {

using Clock = std::chrono::steady_clock;

class Fd {
 public:
  Fd() = default;
  explicit Fd(int number) noexcept : number_(number) {}
  Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Fd();
  int number() const noexcept { return number_; }
  explicit operator bool() const noexcept { return number_ >= 0; }

 private:
  int number_ = -1;
};

class Loop {
 public:
  class Watcher {
   public:
    // `events` may be stale (of a descriptor closed earlier in the same turn): believe the system calls, not them.
    virtual void on_ready(std::uint32_t events) = 0;

   protected:
    ~Watcher() = default;
  };

  Loop();

  // The watcher must outlive the turn in which its descriptor is closed.
  void watch(int fd, Watcher& watcher);
  void after(std::chrono::nanoseconds delay, std::function<void()> act);
  // Runs until done() or until `limit` has passed; says whether it was done.
  bool run_until(const std::function<bool()>& done, std::chrono::nanoseconds limit);

 private:
  struct Timer {
    Clock::time_point due;
    std::uint64_t number;  // equal times fire in the order they were set
    std::function<void()> act;
    bool operator<(const Timer& other) const { return due != other.due ? due > other.due : number > other.number; }
  };

  void turn(Clock::time_point deadline);

  Fd epoll_;
  std::priority_queue<Timer> timers_;
  std::uint64_t timer_number_ = 0;
};

}  // namespace sipwsd::bench
