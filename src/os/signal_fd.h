#pragma once
// signalfd(2): signals as a descriptor of the loop. Nothing of ours runs in a signal handler.

#include <csignal>
#include <initializer_list>
#include <optional>
#include <span>

#include "src/os/fd.h"

namespace sipwsd::os {

class SignalFd {
 public:
  // Blocks the signals in this thread (and in the children it forks, until spawn() restores the defaults there).
  static Result<SignalFd> open(std::initializer_list<int> signals);

  // The next pending signal's number; empty when there is none.
  [[nodiscard]] std::optional<int> take() noexcept;
  [[nodiscard]] int raw() const noexcept { return fd_.raw(); }

 private:
  explicit SignalFd(Fd fd) noexcept : fd_(std::move(fd)) {}
  Fd fd_;
};

void ignore_broken_pipes() noexcept;    // SIGPIPE: a write to a dead peer answers EPIPE instead
// First thing in a child: nothing is handled, SIGPIPE is ignored, only these stay blocked.
void restore_default_signals(std::span<const int> blocked = {}) noexcept;

}  // namespace sipwsd::os
