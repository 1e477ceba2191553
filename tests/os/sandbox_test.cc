// The canary (S52): children enter each role's sandbox and try what whoever took over a process would try. A forbidden
// call is not refused, it is the end.
#include "src/os/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>

#include "src/os/fifo.h"

namespace sipwsd::os {
namespace {

// Those that never open a file; the mirror is another matter.
constexpr Sandbox roles[] = {Sandbox::worker, Sandbox::keepalive, Sandbox::mi, Sandbox::reaper};

std::string name(Sandbox sandbox) {
  switch (sandbox) {
    case Sandbox::none: return "none";
    case Sandbox::worker: return "worker";
    case Sandbox::keepalive: return "keepalive";
    case Sandbox::mi: return "mi";
    case Sandbox::mirror: return "mirror";
    case Sandbox::reaper: return "reaper";
  }
  return "?";
}

// How a child ended that did `act` inside the sandbox: "0" when it came back, "SYS" for SIGSYS, "no sandbox".
// The calls are harmless where they succeed: an errno is as good as success.
std::string end_of(Sandbox sandbox, const SandboxNeeds& needs, const std::function<void()>& act) {
  const pid_t pid = fork();
  if (pid == 0) {
    if (!enter(sandbox, needs)) _exit(99);
    act();
    _exit(0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  if (WIFSIGNALED(status)) return sigabbrev_np(WTERMSIG(status));
  return WEXITSTATUS(status) == 99 ? "no sandbox" : std::to_string(WEXITSTATUS(status));
}

class SandboxTest : public testing::TestWithParam<Sandbox> {
 protected:
  void SetUp() override {
    if (!sandbox_is_built_in()) GTEST_SKIP() << "sanitizers need system calls of their own: no sandbox in this build";
  }
  std::string end_of(const std::function<void()>& act) const { return os::end_of(GetParam(), needs, act); }
  SandboxNeeds needs{.supervisor = getpid()};
};
INSTANTIATE_TEST_SUITE_P(Of, SandboxTest, testing::ValuesIn(roles), [](const auto& p) { return name(p.param); });

struct Forbidden {
  const char* what;
  void (*call)();
};

template <typename... Args>
void raw(long number, Args... args) {
  syscall(number, args...);
}

constexpr Forbidden everywhere[] = {
    {"execve", [] { execl("/bin/true", "true", nullptr); }},
    {"execveat", [] { raw(SYS_execveat, AT_FDCWD, "/bin/true", nullptr, nullptr, 0); }},
    {"fork", [] { raw(SYS_fork); }},
    {"vfork", [] { raw(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, nullptr, nullptr, nullptr, 0); }},
    {"clone3", [] { raw(SYS_clone3, nullptr, 0); }},
    {"a new user namespace", [] { unshare(CLONE_NEWUSER); }},
    {"setns", [] { setns(-1, 0); }},
    {"ptrace", [] { ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); }},
    {"process_vm_readv", [] { process_vm_readv(getppid(), nullptr, 0, nullptr, 0, 0); }},
    {"process_vm_writev", [] { process_vm_writev(getppid(), nullptr, 0, nullptr, 0, 0); }},
    {"pidfd_open", [] { raw(SYS_pidfd_open, getppid(), 0); }},
    {"kcmp", [] { raw(SYS_kcmp, 0, 0, 0, 0, 0); }},
    {"kill of init", [] { kill(1, 0); }},
    {"kill of everybody", [] { kill(-1, 0); }},
    {"a signal to the parent", [] { kill(getppid(), SIGWINCH); }},
    {"a signal to the process group", [] { kill(0, SIGWINCH); }},
    {"tgkill of another process", [] { raw(SYS_tgkill, getppid(), getppid(), 0); }},
    {"tkill", [] { raw(SYS_tkill, getppid(), 0); }},
    {"open for writing", [] { open("/dev/null", O_WRONLY); }},
    {"open for reading and writing", [] { open("/dev/null", O_RDWR); }},
    {"creating a file", [] { open("/tmp/sipwsd-canary", O_WRONLY | O_CREAT | O_EXCL, 0600); }},
    {"truncating a file", [] { open("/dev/null", O_RDONLY | O_TRUNC); }},
    {"appending to a file", [] { open("/dev/null", O_WRONLY | O_CREAT | O_APPEND, 0600); }},
    {"an unnamed file", [] { open("/tmp", O_TMPFILE | O_RDWR, 0600); }},
    {"openat2", [] { raw(SYS_openat2, AT_FDCWD, "/dev/null", nullptr, 0); }},
    {"memfd_create", [] { raw(SYS_memfd_create, "canary", 0); }},
    {"unlink", [] { unlink("/tmp/sipwsd-canary"); }},
    {"rename", [] { rename("/tmp/sipwsd-canary", "/tmp/sipwsd-canary2"); }},
    {"link", [] { [[maybe_unused]] const int r = link("/tmp/sipwsd-canary", "/tmp/sipwsd-canary2"); }},
    {"symlink", [] { [[maybe_unused]] const int r = symlink("/tmp/sipwsd-canary", "/tmp/sipwsd-canary2"); }},
    {"mkdir", [] { mkdir("/tmp/sipwsd-canary", 0700); }},
    {"chmod", [] { chmod("/tmp/sipwsd-canary", 0777); }},
    {"chown", [] { [[maybe_unused]] const int r = chown("/tmp/sipwsd-canary", 0, 0); }},
    {"mknod", [] { mknod("/tmp/sipwsd-canary", S_IFIFO | 0600, 0); }},
    {"chroot", [] { [[maybe_unused]] const int r = chroot("/"); }},
    {"pivot_root", [] { raw(SYS_pivot_root, "/nowhere", "/nowhere"); }},
    {"mount", [] { mount(nullptr, "/nowhere", nullptr, 0, nullptr); }},
    {"umount", [] { umount("/nowhere"); }},
    {"setuid", [] { raw(SYS_setuid, getuid()); }},
    {"setresuid", [] { raw(SYS_setresuid, getuid(), getuid(), getuid()); }},
    {"setgroups", [] { raw(SYS_setgroups, 0, nullptr); }},
    {"capset", [] { raw(SYS_capset, nullptr, nullptr); }},
    {"prctl", [] { prctl(PR_SET_DUMPABLE, 1); }},
    {"setrlimit", [] { raw(SYS_prlimit64, 0, RLIMIT_CORE, nullptr, nullptr); }},
    {"personality", [] { personality(0xffffffff); }},
    {"mmap of executable memory", [] { mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }},
    {"mprotect to executable", [] { mprotect(nullptr, 0, PROT_READ | PROT_EXEC); }},
    {"pkey_mprotect", [] { raw(SYS_pkey_mprotect, nullptr, 0, PROT_READ | PROT_EXEC, -1); }},
    {"shmat", [] { raw(SYS_shmat, -1, nullptr, 0100000); }},
    {"a netlink socket", [] { socket(AF_NETLINK, SOCK_RAW, 0); }},
    {"a packet socket", [] { socket(AF_PACKET, SOCK_RAW, 0); }},
    {"a vsock socket", [] { socket(AF_VSOCK, SOCK_STREAM, 0); }},
    {"a raw IP socket", [] { socket(AF_INET, SOCK_RAW, 1); }},
    {"bind", [] { bind(-1, nullptr, 0); }},
    {"listen", [] { listen(-1, 1); }},
    {"TIOCSTI", [] { raw(SYS_ioctl, -1, 0x5412, nullptr); }},
    {"bpf", [] { raw(SYS_bpf, 0, nullptr, 0); }},
    {"perf_event_open", [] { raw(SYS_perf_event_open, nullptr, 0, 0, 0, 0); }},
    {"keyctl", [] { raw(SYS_keyctl, 0, 0, 0, 0, 0); }},
    {"add_key", [] { raw(SYS_add_key, nullptr, nullptr, nullptr, 0, 0); }},
    {"userfaultfd", [] { raw(SYS_userfaultfd, 0); }},
    {"io_uring_setup", [] { raw(SYS_io_uring_setup, 1, nullptr); }},
    {"io_setup", [] { raw(SYS_io_setup, 0, nullptr); }},
    {"init_module", [] { raw(SYS_init_module, nullptr, 0, ""); }},
    {"finit_module", [] { raw(SYS_finit_module, -1, "", 0); }},
    {"kexec_load", [] { raw(SYS_kexec_load, 0, 0, nullptr, 0); }},
    {"reboot", [] { raw(SYS_reboot, 0, 0, 0, nullptr); }},
    {"swapon", [] { raw(SYS_swapon, "/nowhere", 0); }},
    {"settimeofday", [] { raw(SYS_settimeofday, nullptr, nullptr); }},
    {"sethostname", [] { raw(SYS_sethostname, nullptr, -1); }},
    {"syslog", [] { raw(SYS_syslog, 10, nullptr, 0); }},
    {"another seccomp filter", [] { raw(SYS_seccomp, 0, 0, nullptr); }},
    {"a system call nobody knows", [] { raw(999); }},
};

TEST_P(SandboxTest, KillsWhoeverTriesWhatItsRoleNeverDoes) {
  for (const auto& [what, call] : everywhere) EXPECT_EQ(end_of(call), "SYS") << what;
}

TEST_P(SandboxTest, CannotBeLeftThroughTheNumbersOfAnotherArchitecture) {
#ifdef __x86_64__
  EXPECT_EQ(end_of([] { raw(0x40000000 | SYS_getpid); }), "SYS") << "x32";
  EXPECT_EQ(end_of([] {
              long result = 20;  // getpid of i386, which is writev of x86-64
              asm volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
            }),
            "SYS")
      << "i386";
#endif
}

TEST_P(SandboxTest, LetsMemoryTimeRandomnessLocksAndTheEventLoopWork) {
  EXPECT_EQ(end_of([] {
              void* memory = std::malloc(64 << 20);
              memory = std::realloc(memory, 128 << 20);
              std::free(memory);
              timespec now{};
              std::array<char, 16> bytes{};
              epoll_event event{};
              sigset_t set;
              sigemptyset(&set);
              const int loop = epoll_create1(EPOLL_CLOEXEC);
              const bool fine = loop >= 0 && epoll_wait(loop, &event, 1, 0) == 0 && clock_gettime(CLOCK_MONOTONIC, &now) == 0 &&
                                syscall(SYS_clock_gettime, CLOCK_REALTIME, &now) == 0 &&
                                syscall(SYS_getrandom, bytes.data(), bytes.size(), 0) == 16 &&
                                sigprocmask(SIG_BLOCK, &set, nullptr) == 0 && sched_yield() == 0 && close(loop) == 0 &&
                                mprotect(nullptr, 0, PROT_READ) == 0 && fcntl(2, F_GETFL) >= 0;
              if (!fine) _exit(1);
            }),
            "0");
}

TEST_P(SandboxTest, LetsAProcessAbort) {
  EXPECT_EQ(end_of([] { std::abort(); }), "ABRT");
  EXPECT_EQ(end_of([] { kill(getpid(), SIGTERM); }), "TERM");
}

TEST_P(SandboxTest, LetsSyslogFindItsSocketAgain) {
  EXPECT_EQ(end_of([] {
              sockaddr_un nowhere{.sun_family = AF_UNIX, .sun_path = "/nowhere/log"};
              const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
              if (fd < 0 || connect(fd, reinterpret_cast<const sockaddr*>(&nowhere), sizeof nowhere) == 0 || errno != ENOENT)
                _exit(1);
            }),
            "0");
}

TEST_P(SandboxTest, LetsAFileGrowOnlyWhereThatIsNeededAndNeverAnythingElse) {
  needs.append = AppendToFiles::yes;
  const std::string path = "/tmp/sipwsd-sandbox-log-" + std::to_string(getpid());
  EXPECT_EQ(end_of([&] {
              std::FILE* file = std::fopen(path.c_str(), "ab");
              if (file == nullptr || std::fputs("a line\n", file) < 0 || std::fclose(file) != 0) _exit(1);
              if (mkdir("/tmp/sipwsd-canary", 0700) == 0 || errno != EACCES) _exit(2);
            }),
            "0");
  std::string line;
  std::getline(std::ifstream(path) >> std::ws, line);
  EXPECT_EQ(line, "a line");
  const auto opens = [&](const char* mode) {
    if (std::fopen(path.c_str(), mode) != nullptr) _exit(1);
  };
  EXPECT_EQ(end_of([&] { opens("wb"); }), "SYS");
  EXPECT_EQ(end_of([&] { opens("r+b"); }), "SYS");
  EXPECT_EQ(end_of([&] { opens("a+b"); }), "SYS");
  unlink(path.c_str());
}

// --- what only some roles do -----------------------------------------------------------------------------------------

class SandboxOfOne : public testing::Test {
 protected:
  void SetUp() override {
    if (!sandbox_is_built_in()) GTEST_SKIP() << "sanitizers need system calls of their own: no sandbox in this build";
  }
  const SandboxNeeds needs{.supervisor = getpid()};
};

TEST_F(SandboxOfOne, LetsWorkersAloneUseInternetSockets) {
  const auto sockets = [] {
    for (const int family : {AF_INET, AF_INET6})
      for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
        const int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 && errno != EAFNOSUPPORT) _exit(1);
        close(fd);
      }
  };
  EXPECT_EQ(end_of(Sandbox::worker, needs, sockets), "0");
  for (const Sandbox other : {Sandbox::keepalive, Sandbox::mi, Sandbox::reaper})
    EXPECT_EQ(end_of(other, needs, sockets), "SYS") << name(other);
  for (const Sandbox other : {Sandbox::keepalive, Sandbox::mi, Sandbox::reaper})
    EXPECT_EQ(end_of(other, needs, [] { accept4(-1, nullptr, nullptr, 0); }), "SYS") << name(other);
}

TEST_F(SandboxOfOne, LetsWorkersAndMiReadFiles) {
  const auto reads = [] {
    std::ifstream file("/proc/self/status");
    if (file.get() == std::ifstream::traits_type::eof()) _exit(1);
  };
  for (const Sandbox reader : {Sandbox::worker, Sandbox::mi}) EXPECT_EQ(end_of(reader, needs, reads), "0") << name(reader);
  for (const Sandbox other : {Sandbox::keepalive, Sandbox::reaper}) EXPECT_EQ(end_of(other, needs, reads), "SYS") << name(other);
}

TEST_F(SandboxOfOne, LetsMiAloneOpenReplyPipesAndEndTheDaemon) {
  const std::string path = "/tmp/sipwsd-sandbox-fifo-" + std::to_string(getpid());
  const auto fifo = create_fifo(path, {});
  ASSERT_TRUE(fifo);
  const auto replies = [&] {
    if (!open_fifo_for_writing(path)) _exit(1);
  };
  const auto asks_the_supervisor = [] { static_cast<void>(kill(getppid(), SIGTERM)); };
  EXPECT_EQ(end_of(Sandbox::mi, needs, replies), "0");
  for (const Sandbox other : {Sandbox::worker, Sandbox::keepalive, Sandbox::reaper}) {
    EXPECT_EQ(end_of(other, needs, replies), "SYS") << name(other);
    EXPECT_EQ(end_of(other, needs, asks_the_supervisor), "SYS") << name(other);
  }
  EXPECT_TRUE(remove_fifo(path));

  // Not this process, which would have to survive it.
  const pid_t supervisor = fork();
  if (supervisor == 0) {
    const std::string end = end_of(Sandbox::mi, {.supervisor = getpid()}, asks_the_supervisor);
    _exit(1);  // the signal should have come
  }
  int status = 0;
  ASSERT_EQ(waitpid(supervisor, &status, 0), supervisor);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

TEST_F(SandboxOfOne, BringsNoNewPrivileges) {
  EXPECT_EQ(end_of(Sandbox::worker, needs, [] {
              std::ifstream status("/proc/self/status");
              const std::string all{std::istreambuf_iterator<char>(status), {}};
              _exit(all.find("NoNewPrivs:\t1") != std::string::npos && all.find("Seccomp:\t2") != std::string::npos ? 0 : 1);
            }),
            "0");
}

TEST(Sandbox, OfNoneChangesNothing) {
  EXPECT_EQ(end_of(Sandbox::none, {}, [] {
              if (open("/dev/null", O_WRONLY) < 0) _exit(1);
            }),
            "0");
}

}  // namespace
}  // namespace sipwsd::os
