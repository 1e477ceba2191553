#pragma once
// What every long-lived role does besides its work: it shows a sign of life, leaves when it is told (SIGTERM), re-opens
// its log (SIGHUP), and follows what the supervisor and the operator say at run time: a new version of the configuration,
// the drain level (both on SIGUSR1, and with each sign of life), the log level. And it keeps its heap small.

#include <functional>
#include <optional>

#include "src/os/event_loop.h"
#include "src/os/signal_fd.h"
#include "src/process/inherited.h"

namespace sipwsd::process {

// What a role does about such news; between two callbacks of its loop, so that it never works with half of either.
class Follower {
 public:
  // A new configuration is there: makes what can fail. Nothing has changed yet, and nothing will after an Error.
  virtual Result<void> prepare(const Configuration::Update&) { return {}; }
  // It has replaced the old one: what was copied from that one is copied again.
  virtual void commit() noexcept {}
  // None, or no_new_connections: in the first turn of the loop, and whenever it changes.
  virtual void on_drain(shm::DrainLevel) {}

 protected:
  ~Follower() = default;
};

class ChildLife final : private os::Watcher, private os::TimerHandler {
 public:
  // `leave` is called once, on the first SIGTERM, inside the loop. Throws std::runtime_error (start-up).
  ChildLife(Inherited& inherited, os::EventLoop& loop, std::function<void()> leave, Follower* follower = nullptr);
  ~ChildLife();
  ChildLife(const ChildLife&) = delete;
  ChildLife& operator=(const ChildLife&) = delete;

  [[nodiscard]] bool is_leaving() const noexcept { return is_leaving_; }

 private:
  void on_ready(std::uint32_t events) override;
  void on_timer(os::TimerId id, std::uint64_t key) override;
  void beat();
  void look_for_news();
  void follow_configuration();

  Inherited& inherited_;
  os::EventLoop& loop_;
  std::function<void()> leave_;
  Follower* follower_;  // null: this role has nothing to do about it
  std::optional<shm::DrainLevel> drain_;  // what the follower was told last
  os::SignalFd signals_;
  os::TimerId timer_ = os::TimerId::none;
  base::TimePoint tidy_again_at_{};
  bool is_leaving_ = false;
};

}  // namespace sipwsd::process
