#pragma once
// What every long-lived role does besides its work: it shows a sign of life, leaves when it is told (SIGTERM), re-opens
// its log (SIGHUP), and follows the log level an operator sets at run time.

#include <functional>

#include "src/os/event_loop.h"
#include "src/os/signal_fd.h"
#include "src/process/inherited.h"

namespace sipwsd::process {

class ChildLife final : private os::Watcher, private os::TimerHandler {
 public:
  // `leave` is called once, on the first SIGTERM, inside the loop. Throws std::runtime_error (start-up).
  ChildLife(Inherited& inherited, os::EventLoop& loop, std::function<void()> leave);
  ~ChildLife();
  ChildLife(const ChildLife&) = delete;
  ChildLife& operator=(const ChildLife&) = delete;

  [[nodiscard]] bool is_leaving() const noexcept { return is_leaving_; }

 private:
  void on_ready(std::uint32_t events) override;
  void on_timer(os::TimerId id, std::uint64_t key) override;
  void beat();

  Inherited& inherited_;
  os::EventLoop& loop_;
  std::function<void()> leave_;
  os::SignalFd signals_;
  os::TimerId timer_ = os::TimerId::none;
  bool is_leaving_ = false;
};

}  // namespace sipwsd::process
