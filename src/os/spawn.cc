#include "src/os/spawn.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "src/os/signal_fd.h"

extern char** environ;

namespace sipwsd::os {
namespace {

constexpr int exit_software = 70;  // sysexits.h EX_SOFTWARE

struct LentMemory {
  char* start = nullptr;
  std::size_t size = 0;
};
LentMemory lent;

[[noreturn]] void live_as_child(pid_t parent, const ChildOptions& options, const std::function<int()>& child_main) {
  if (!die_with_parent(parent)) _exit(0);
  restore_default_signals(options.blocked_signals);
  // The terminal sends it to the whole group; the supervisor tells its children what to do about it.
  std::signal(SIGINT, SIG_IGN);
  set_process_title(options.title);
  if (!options.keep_all_open) close_all_descriptors_except(options.keep_open);
  apply(options.core);
  int status = exit_software;
  try {
    status = child_main();
  } catch (...) {  // the role should have caught it; the exit code tells the supervisor
  }
  _exit(status);
}

}  // namespace

Result<pid_t> spawn(const ChildOptions& options, const std::function<int()>& child_main) {
  const pid_t parent = getpid();
  // A signal that arrives between fork() and the child's own settings must not run the parent's arrangements there.
  sigset_t all;
  sigset_t kept;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &kept);
  const pid_t pid = fork();
  const int failure = errno;
  if (pid == 0) live_as_child(parent, options, child_main);
  sigprocmask(SIG_SETMASK, &kept, nullptr);
  if (pid < 0) return system_error("cannot fork \"" + options.title + "\"", failure);
  return pid;
}

bool die_with_parent(pid_t parent) noexcept {
  // The signal follows the thread that forked; the supervisor has only one.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  return getppid() == parent;
}

void lend_argument_memory(int argc, char** argv) {
  if (argc < 1 || lent.start != nullptr) return;
  // The kernel lays out argv and environ as one run of strings; ps reads whatever stands there. The copies below live
  // as long as the process: somebody may hold a pointer to any of them.
  char* end = argv[0] + std::strlen(argv[0]) + 1;
  for (int i = 1; i < argc; ++i)
    if (argv[i] == end) end = argv[i] + std::strlen(argv[i]) + 1;
  static auto& variables = *new std::vector<char*>;  // what unsetenv() drops is still somebody's
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (*variable == end) end = *variable + std::strlen(*variable) + 1;
    variables.push_back(strdup(*variable));
  }
  auto** copied = static_cast<char**>(std::calloc(variables.size() + 1, sizeof(char*)));
  if (copied == nullptr) return;
  std::copy(variables.begin(), variables.end(), copied);
  environ = copied;
  for (int i = 1; i < argc; ++i) argv[i] = strdup(argv[i]);
  lent = {argv[0], static_cast<std::size_t>(end - argv[0])};
}

void set_process_title(std::string_view role) {
  const std::string name(role.substr(0, 15));  // the kernel's limit for comm
  prctl(PR_SET_NAME, name.c_str());
  if (lent.size < 2) return;
  const std::string title = "sipwsd: " + std::string(role);
  const std::size_t size = std::min(title.size(), lent.size - 1);
  std::memcpy(lent.start, title.data(), size);
  // All NUL behind: ps shows the strings up to the end of the original argv.
  std::memset(lent.start + size, 0, lent.size - size);
}

void close_all_descriptors_except(std::span<const int> keep) noexcept {
  // The gaps between the kept ones, in order.
  std::vector<int> kept(keep.begin(), keep.end());
  std::sort(kept.begin(), kept.end());
  unsigned next = 3;
  for (const int fd : kept) {
    if (fd < static_cast<int>(next)) continue;
    if (static_cast<unsigned>(fd) > next) close_range(next, static_cast<unsigned>(fd) - 1, 0);
    next = static_cast<unsigned>(fd) + 1;
  }
  close_range(next, ~0U, 0);
}

void apply(CorePolicy core) noexcept {
  prctl(PR_SET_DUMPABLE, core == CorePolicy::allow_core ? 1 : 0);
  if (core == CorePolicy::allow_core) {
    rlimit limit{};
    if (getrlimit(RLIMIT_CORE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_CORE, &limit);
    return;
  }
  // 0 is not enough: core(5) ignores it when cores are piped to a handler, but refuses those of a process whose limit
  // is 1; and no file of 1 byte is ever written either.
  const rlimit none{1, 1};
  setrlimit(RLIMIT_CORE, &none);
}

}  // namespace sipwsd::os
