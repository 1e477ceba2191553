#pragma once
// sd_notify(3) without the library: one datagram to the socket named by NOTIFY_SOCKET. Without that variable every
// call does nothing.

#include <optional>
#include <string>
#include <string_view>

#include "src/base/clock.h"
#include "src/os/fd.h"

namespace sipwsd::os {

class Notifier {
 public:
  Notifier() = default;  // tells nobody
  // "/run/systemd/notify", or "@name" for the abstract namespace.
  explicit Notifier(std::string_view socket_path);
  // Reads and then removes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID: children must not speak for the daemon.
  static Notifier from_environment();

  void ready(std::string_view status) const noexcept;
  void reloading(base::TimePoint now) const noexcept;
  void stopping() const noexcept;
  void watchdog() const noexcept;
  void main_pid(int pid) const noexcept;
  void send(std::string_view assignments) const noexcept;  // "READY=1\nSTATUS=..."

  [[nodiscard]] bool is_listened_to() const noexcept { return socket_.is_open(); }
  // How often watchdog() should be called: half of what systemd waits. Empty: no watchdog.
  [[nodiscard]] std::optional<base::Milliseconds> watchdog_interval() const noexcept { return watchdog_interval_; }

 private:
  Fd socket_;  // connected
  std::optional<base::Milliseconds> watchdog_interval_;
};

}  // namespace sipwsd::os
