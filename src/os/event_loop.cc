#include "src/os/event_loop.h"

#include <algorithm>
#include <cerrno>
#include <stdexcept>

namespace sipwsd::os {
namespace {

epoll_event event_for(std::uint32_t events, Watcher& watcher, Trigger trigger) noexcept {
  epoll_event event{};
  event.events = events | (trigger == Trigger::edge ? std::uint32_t{EPOLLET} : 0);
  event.data.ptr = &watcher;
  return event;
}

}  // namespace

void Deferred::unlink() noexcept {
  if (next_ == nullptr) return;
  next_->previous_ = previous_;
  previous_->next_ = next_;
  next_ = previous_ = nullptr;
}

EventLoop::DeferredList::DeferredList() { next_ = previous_ = this; }

EventLoop::EventLoop(const base::Clock& clock)
    : clock_(clock), timers_(clock), epoll_(epoll_create1(EPOLL_CLOEXEC)), now_(clock.now()) {
  if (!epoll_.is_open()) throw std::runtime_error(system_error("cannot create an epoll").why);
}

EventLoop::~EventLoop() = default;

Result<void> EventLoop::add(int fd, std::uint32_t events, Watcher& watcher, Trigger trigger) {
  epoll_event event = event_for(events, watcher, trigger);
  if (epoll_ctl(epoll_.raw(), EPOLL_CTL_ADD, fd, &event) != 0) return system_error("cannot watch a descriptor");
  return {};
}

Result<void> EventLoop::modify(int fd, std::uint32_t events, Watcher& watcher, Trigger trigger) {
  epoll_event event = event_for(events, watcher, trigger);
  if (epoll_ctl(epoll_.raw(), EPOLL_CTL_MOD, fd, &event) != 0) return system_error("cannot watch a descriptor");
  return {};
}

void EventLoop::remove(int fd, Watcher& watcher) noexcept {
  epoll_ctl(epoll_.raw(), EPOLL_CTL_DEL, fd, nullptr);
  forget(watcher);
}

void EventLoop::forget(Watcher& watcher) noexcept {
  for (int i = batch_at_; i < batch_size_; ++i) {
    epoll_event& event = batch_[static_cast<std::size_t>(i)];
    if (event.data.ptr == &watcher) event.data.ptr = nullptr;
  }
}

void EventLoop::defer(Deferred& call) noexcept {
  if (call.is_deferred()) return;
  call.previous_ = deferred_.previous_;
  call.next_ = &deferred_;
  call.previous_->next_ = &call;
  deferred_.previous_ = &call;
}

void EventLoop::run_once(std::optional<base::Milliseconds> limit) noexcept {
  int wait = wait_milliseconds(limit);
  if (wait != 0 && hook_ != nullptr && !hook_->may_sleep()) wait = 0;
  const int ready = epoll_wait(epoll_.raw(), batch_.data(), static_cast<int>(batch_.size()), wait);
  batch_size_ = std::max(ready, 0);  // EINTR: a debugger or SIGCONT; nothing is ready
  batch_at_ = 0;
  now_ = clock_.now();
  if (hook_ != nullptr) hook_->woke();
  dispatch();
  timers_.advance();
  run_deferred_calls();
  if (hook_ != nullptr) hook_->turn_ended();
}

void EventLoop::run() noexcept {
  stopped_ = false;
  while (!stopped_) run_once();
}

void EventLoop::dispatch() noexcept {
  while (batch_at_ < batch_size_) {
    const epoll_event event = batch_[static_cast<std::size_t>(batch_at_++)];
    if (event.data.ptr != nullptr) static_cast<Watcher*>(event.data.ptr)->on_ready(event.events);
  }
}

void EventLoop::run_deferred_calls() noexcept {
  if (deferred_.next_ == &deferred_) return;
  // Moved to a ring of its own: what is deferred from now on is for the next turn.
  DeferredList running;
  running.next_ = deferred_.next_;
  running.previous_ = deferred_.previous_;
  running.next_->previous_ = running.previous_->next_ = &running;
  deferred_.next_ = deferred_.previous_ = &deferred_;
  while (running.next_ != &running) {
    Deferred& call = *running.next_;
    call.unlink();
    call.run_deferred();
  }
}

int EventLoop::wait_milliseconds(std::optional<base::Milliseconds> limit) const noexcept {
  if (stopped_ || deferred_.next_ != &deferred_) return 0;
  auto wait = timers_.until_next();
  if (limit) wait = std::clamp(wait.value_or(*limit), base::Milliseconds{0}, std::max(*limit, base::Milliseconds{0}));
  if (!wait) return -1;
  return static_cast<int>(std::min(*wait, base::Milliseconds{3'600'000}).count());
}

}  // namespace sipwsd::os
