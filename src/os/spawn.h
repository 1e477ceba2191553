#pragma once
// Children of the supervisor. A child carries its role in its title ("sipwsd: worker 0"), holds only the descriptors
// it was given, and dies with its parent: PR_SET_PDEATHSIG is SIGKILL, set before anything else, with the parent's
// pid checked afterwards because it may have died in between.

#include <sys/types.h>

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "src/os/fd.h"

namespace sipwsd::os {

enum class CorePolicy { allow_core, no_core };  // a core of a worker holds keys and messages of its users

struct ChildOptions {
  std::string title;                 // "worker 0": ps shows "sipwsd: worker 0", comm is "worker 0"
  std::span<const int> keep_open{};  // besides 0, 1, 2; everything else is closed in the child
  bool keep_all_open = false;        // child_main closes what it must, after it has let go of the log's descriptor
  std::span<const int> blocked_signals{};  // stay blocked until the role opens its SignalFd, instead of killing it
  CorePolicy core = CorePolicy::no_core;
};

// Forks. In the child: default signals (SIGINT ignored: a Ctrl-C is for the
// supervisor), death with the parent, title, descriptors; then _exit(child_main()). No
// destructor and no atexit handler of the parent runs there. An exception from child_main is exit code 70.
Result<pid_t> spawn(const ChildOptions& options, const std::function<int()>& child_main);

// SIGKILL for this process when `parent` ends; false when it has ended already. The kernel forgets it when the
// process changes its user: become() (privileges.h) must be followed by this again.
[[nodiscard]] bool die_with_parent(pid_t parent) noexcept;

// Lets set_process_title overwrite the memory of argv and environ (the environment is copied away first). Called once
// by main; without it only the thread name changes.
void lend_argument_memory(int argc, char** argv);
void set_process_title(std::string_view role);  // "sipwsd: <role>"

void close_all_descriptors_except(std::span<const int> keep) noexcept;
// Also what debuggers of the same user may do, and who owns /proc/PID: the kernel has one flag for it all
// (PR_SET_DUMPABLE). It is cleared when a process changes its user.
void apply(CorePolicy core) noexcept;

}  // namespace sipwsd::os
