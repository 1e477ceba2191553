#include "src/os/signal_fd.h"

#include <sys/signalfd.h>
#include <unistd.h>

namespace sipwsd::os {

Result<SignalFd> SignalFd::open(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  if (sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return system_error("cannot block signals");
  Fd fd{signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!fd.is_open()) return system_error("cannot create a signalfd");
  return SignalFd{std::move(fd)};
}

std::optional<int> SignalFd::take() noexcept {
  signalfd_siginfo info;
  if (read(fd_.raw(), &info, sizeof info) != sizeof info) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

void ignore_broken_pipes() noexcept { std::signal(SIGPIPE, SIG_IGN); }

void restore_default_signals(std::span<const int> blocked) noexcept {
  for (int signal = 1; signal < NSIG; ++signal) std::signal(signal, SIG_DFL);  // fails for SIGKILL and SIGSTOP: fine
  ignore_broken_pipes();
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : blocked) sigaddset(&set, signal);
  sigprocmask(SIG_SETMASK, &set, nullptr);
}

}  // namespace sipwsd::os
