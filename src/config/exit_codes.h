#pragma once
// Why the daemon ended, for init scripts and service managers: the table of sipwsd(8). The numbers are those of
// sysexits(3), so that a unit file can say RestartPreventExitStatus=64 78.

namespace sipwsd::config {

enum class ExitCode : int {
  ok = 0,                     // asked to end, or nothing but --help, --version, --check was wanted
  usage = 64,                 // a command line flag is unknown or its value is wrong
  unavailable = 69,           // an address is in use, a pid file is locked, memory can't be had
  internal = 70,              // our own bug, or a child that can't be kept alive
  os_error = 71,              // a system call failed that has no business failing
  no_permission = 77,         // a privileged port, a user change, a file we may not touch
  configuration = 78,         // the configuration file, or parameters that contradict each other
};
constexpr int number(ExitCode code) noexcept { return static_cast<int>(code); }

}  // namespace sipwsd::config
