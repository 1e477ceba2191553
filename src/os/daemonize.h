#pragma once
// To the background: fork, setsid, fork. The process the user started waits on a pipe until the daemon says that it
// is ready or that it failed, and exits with the daemon's answer: "start" in an init script tells the truth.

#include "src/os/fd.h"

namespace sipwsd::os {

class Daemonized {
 public:
  Daemonized() = default;  // in the foreground: nobody waits
  explicit Daemonized(Fd pipe) noexcept : pipe_(std::move(pipe)) {}
  // The waiting process exits with this code. Only the first answer counts. When the daemon ends without one, the
  // waiting process exits 70.
  void answer(int exit_code) noexcept;
  [[nodiscard]] bool is_awaited() const noexcept { return pipe_.is_open(); }

 private:
  Fd pipe_;
};

// Returns in the daemon only. Standard input and output become /dev/null at once; standard error stays until
// detach_standard_error(), so that start-up errors reach the terminal.
Result<Daemonized> daemonize();

// To /dev/null. Whoever keeps it open keeps `ssh host service sipwsd start` waiting for its end: children too.
void detach_standard_error() noexcept;

}  // namespace sipwsd::os
