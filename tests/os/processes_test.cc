#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <stdexcept>
#include <string>

#include "src/os/daemonize.h"
#include "src/os/descriptor_limit.h"
#include "src/os/privileges.h"
#include "src/os/signal_fd.h"
#include "src/os/spawn.h"

namespace sipwsd::os {
namespace {

int exit_code_of(pid_t pid) {
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::string read_some(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  if (poll(&waiting, 1, 5000) != 1) return "(nothing came)";
  char buffer[256];
  const auto size = read(fd, buffer, sizeof buffer);
  return {buffer, static_cast<std::size_t>(size > 0 ? size : 0)};
}

// True when the process is gone within the time; waits on the process itself, not on a clock.
bool ends_soon(pid_t pid) {
  const Fd handle{static_cast<int>(syscall(SYS_pidfd_open, pid, 0))};
  if (!handle.is_open()) return errno == ESRCH;
  pollfd waiting{handle.raw(), POLLIN, 0};
  return poll(&waiting, 1, 5000) == 1;
}

TEST(Spawn, ExitsWithTheRolesAnswerAndWith70ForAnException) {
  const auto answered = spawn({.title = "t", .keep_all_open = true}, [] { return 9; });
  ASSERT_TRUE(answered);
  EXPECT_EQ(exit_code_of(*answered), 9);
  const auto thrown = spawn({.title = "t", .keep_all_open = true}, []() -> int { throw std::runtime_error("x"); });
  ASSERT_TRUE(thrown);
  EXPECT_EQ(exit_code_of(*thrown), 70);
}

TEST(Spawn, GivesTheChildItsTitleAndOnlyTheDescriptorsItMayKeep) {
  const auto kept = make_pipe();
  const auto other = make_pipe();
  const int keep[] = {kept->writer.raw()};

  const auto child = spawn({.title = "worker 0", .keep_open = keep}, [&] {
    const bool is_other_closed = fcntl(other->writer.raw(), F_GETFD) < 0 && fcntl(kept->reader.raw(), F_GETFD) < 0;
    std::ifstream file("/proc/self/comm");
    std::string comm;
    std::getline(file, comm);
    const std::string answer = comm + (is_other_closed ? " closed" : " open");
    return write(kept->writer.raw(), answer.data(), answer.size()) < 0 ? 1 : 0;
  });

  ASSERT_TRUE(child);
  EXPECT_EQ(read_some(kept->reader.raw()), "worker 0 closed");
  EXPECT_EQ(exit_code_of(*child), 0);
  EXPECT_GE(fcntl(other->writer.raw(), F_GETFD), 0) << "the parent's are untouched";
}

TEST(Spawn, GivesTheChildDefaultSignalsAndNoCoreDump) {
  const auto signals = SignalFd::open({SIGUSR1});
  ASSERT_TRUE(signals);
  const auto child = spawn({.title = "t"}, [] {
    rlimit core{};
    getrlimit(RLIMIT_CORE, &core);
    if (core.rlim_max > 1) return 1;
    raise(SIGUSR1);  // blocked in the parent
    return 2;
  });
  ASSERT_TRUE(child);
  EXPECT_EQ(exit_code_of(*child), -SIGUSR1);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

TEST(Spawn, LeavesNoChildBehindWhenTheParentIsKilled) {
  const auto pipe = make_pipe();
  const pid_t parent = fork();
  if (parent == 0) {
    const auto child = spawn({.title = "t", .keep_all_open = true}, [&] {
      const pid_t me = getpid();
      if (write(pipe->writer.raw(), &me, sizeof me) < 0) return 1;
      for (;;) pause();
    });
    if (!child) _exit(1);
    for (;;) pause();
  }
  pid_t grandchild = 0;
  ASSERT_EQ(read(pipe->reader.raw(), &grandchild, sizeof grandchild), static_cast<ssize_t>(sizeof grandchild));

  kill(parent, SIGKILL);
  EXPECT_EQ(exit_code_of(parent), -SIGKILL);

  EXPECT_TRUE(ends_soon(grandchild));
}

TEST(Spawn, NoticesAParentThatDiedBeforeItCouldAsk) {
  const auto child = spawn({.title = "t", .keep_all_open = true}, [] { return die_with_parent(getppid() + 1) ? 1 : 2; });
  EXPECT_EQ(exit_code_of(*child), 2);
}

TEST(ProcessTitle, TakesThePlaceOfTheArgumentsAndLosesNone) {
  const auto child = spawn({.title = "", .keep_all_open = true}, [] {
    char memory[] = "program\0first argument\0second";
    char* argv[] = {memory, memory + 8, memory + 23, nullptr};
    lend_argument_memory(3, argv);
    set_process_title("a role with a name that is longer than all arguments together");
    if (std::string(memory) != "sipwsd: a role with a name th") return 1;  // as long as they were, and a NUL
    set_process_title("mi");
    if (std::string(memory) != "sipwsd: mi" || memory[sizeof memory - 2] != '\0') return 2;
    return std::string(argv[1]) == "first argument" && std::string(argv[2]) == "second" ? 0 : 3;
  });
  EXPECT_EQ(exit_code_of(*child), 0);
}

TEST(DescriptorLimit, IsRaisedAsFarAsAllowedAndNeverLowered) {
  const auto child = spawn({.title = "t"}, [] {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 100;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (raise_descriptor_limit(200) != 200) return 1;
    if (raise_descriptor_limit(50) != 200) return 2;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur != 200) return 3;
    const auto most = raise_descriptor_limit(std::uint64_t{1} << 40);  // above fs.nr_open: nobody may
    return most >= 200 && most < std::uint64_t{1} << 40 ? 0 : 4;
  });
  EXPECT_EQ(exit_code_of(*child), 0);
}

TEST(SignalFd, DeliversASignalOnceAsANumber) {
  auto signals = SignalFd::open({SIGUSR2});
  ASSERT_TRUE(signals);
  EXPECT_EQ(signals->take(), std::nullopt);
  raise(SIGUSR2);
  EXPECT_EQ(signals->take(), SIGUSR2);
  EXPECT_EQ(signals->take(), std::nullopt);
}

// The waiting process of daemonize() is a fork of this one, so that the test can see its exit code.
int exit_code_of_start(const std::function<void(Daemonized&)>& daemon_main) {
  const pid_t starter = fork();
  if (starter == 0) {
    auto daemon = daemonize();
    if (!daemon) _exit(99);
    daemon_main(*daemon);
    _exit(0);
  }
  return exit_code_of(starter);
}

TEST(Daemonize, ExitsWithTheAnswerOfTheDaemon) {
  EXPECT_EQ(exit_code_of_start([](Daemonized& daemon) { daemon.answer(0); }), 0);
  EXPECT_EQ(exit_code_of_start([](Daemonized& daemon) { daemon.answer(69); }), 69);
  EXPECT_EQ(exit_code_of_start([](Daemonized&) { _exit(0); }), 70) << "no answer is a failure";
}

TEST(Daemonize, LeavesTheTerminalsSessionBehind) {
  const auto pipe = make_pipe();
  EXPECT_EQ(exit_code_of_start([&](Daemonized& daemon) {
              const pid_t ids[] = {getpid(), getsid(0)};
              if (write(pipe->writer.raw(), ids, sizeof ids) < 0) _exit(1);
              daemon.answer(0);
            }),
            0);
  pid_t ids[2] = {};
  ASSERT_EQ(read(pipe->reader.raw(), ids, sizeof ids), static_cast<ssize_t>(sizeof ids));
  EXPECT_NE(ids[1], getsid(0));
  EXPECT_NE(ids[1], ids[0]) << "not a session leader, so it can never get a terminal";
}

TEST(Privileges, ResolvesNamesAndNumbers) {
  const auto root = resolve_identity("root", "");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->user, 0u);
  const auto nobody = resolve_identity("nobody", "");
  ASSERT_TRUE(nobody);
  const auto by_number = resolve_identity(std::to_string(nobody->user), "0");
  ASSERT_TRUE(by_number);
  EXPECT_EQ(by_number->user, nobody->user);
  EXPECT_EQ(by_number->group, 0u);
  EXPECT_EQ(resolve_identity("", "")->user, geteuid());
  EXPECT_TRUE(resolve_identity("no-such-user-here", "").is(Errc::not_found));
  EXPECT_TRUE(resolve_identity("", "no-such-group-here").is(Errc::not_found));
}

TEST(Privileges, AreGoneForGoodAndDeathWithTheParentIsAskedForAgain) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to drop anything";
  const auto child = spawn({.title = "t"}, [parent = getpid()] {
    const auto nobody = resolve_identity("nobody", "");
    if (!nobody || !become(*nobody)) return 1;
    if (getuid() != nobody->user || geteuid() != nobody->user || getegid() != nobody->group) return 2;
    if (seteuid(0) == 0 || setuid(0) == 0 || setegid(0) == 0) return 3;
    int signal = -1;
    prctl(PR_GET_PDEATHSIG, &signal);
    if (signal != 0) return 4;  // the kernel's rule that the comment in spawn.h is about
    if (!die_with_parent(parent)) return 5;
    prctl(PR_GET_PDEATHSIG, &signal);
    return signal == SIGKILL ? 0 : 6;
  });
  EXPECT_EQ(exit_code_of(*child), 0);
}

}  // namespace
}  // namespace sipwsd::os
