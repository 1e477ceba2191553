#include "tests/bench/loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace sipwsd::bench {

Fd::~Fd() {
  if (number_ >= 0) ::close(number_);
}

Loop::Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

void Loop::watch(int fd, Watcher& watcher) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &watcher;
  if (::epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, fd, &event) != 0)
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

void Loop::after(std::chrono::nanoseconds delay, std::function<void()> act) {
  timers_.push(Timer{Clock::now() + delay, ++timer_number_, std::move(act)});
}

bool Loop::run_until(const std::function<bool()>& done, std::chrono::nanoseconds limit) {
  const auto deadline = Clock::now() + limit;
  while (!done()) {
    if (Clock::now() >= deadline) return false;
    turn(deadline);
  }
  return true;
}

void Loop::turn(Clock::time_point deadline) {
  if (!timers_.empty()) deadline = std::min(deadline, timers_.top().due);
  // Rounded up: a timer that is not quite due would make the loop spin.
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  std::array<epoll_event, 256> events;
  const int count = ::epoll_wait(epoll_.number(), events.data(), static_cast<int>(events.size()),
                                 static_cast<int>(std::clamp<std::int64_t>(wait, 0, 60'000)));
  for (int i = 0; i < count; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    static_cast<Watcher*>(event.data.ptr)->on_ready(event.events);
  }
  const auto now = Clock::now();
  while (!timers_.empty() && timers_.top().due <= now) {
    auto act = timers_.top().act;
    timers_.pop();
    act();
  }
}

}  // namespace sipwsd::bench
