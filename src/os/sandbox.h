#pragma once
// What a process may still ask of the kernel: one list of system calls a role (seccomp(2)), entered for good once its
// privileges are dropped. A call that is not on the list kills the process with SIGSYS: whoever took over a worker
// can't start a program, write a file, look into another process or open a kernel interface that nobody here uses.
//
// A new system call in a role is a new row in sandbox.cc; the process tests run with the sandbox on, so a forgotten row
// is a worker that dies by SIGSYS. `strace -f`, or the kernel's log (type=1326), says which call it was.

#include <sys/types.h>

#include "sipwsd/result.h"

namespace sipwsd::os {

enum class Sandbox { none, worker, keepalive, mi, mirror, reaper };

enum class AppendToFiles : bool { no, yes };

struct SandboxNeeds {
  pid_t supervisor = 0;  // whom mi may send SIGTERM and SIGHUP
  // Files may be opened to add to their end: log_file after SIGHUP, or what a plug-in writes.
  AppendToFiles append = AppendToFiles::no;
};

// Sanitizers need calls of their own: in such a build every sandbox is Sandbox::none.
[[nodiscard]] bool sandbox_is_built_in() noexcept;

// No way back, also for what this process would fork; no_new_privs comes with it. Errc::unsupported: this kernel, or
// what started us, allows no filter.
Result<void> enter(Sandbox sandbox, const SandboxNeeds& needs);

}  // namespace sipwsd::os
