#include "src/os/sandbox.h"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <memory>

#include "src/os/fd.h"

#if defined(__has_feature)
#define SIPWSD_CLANG_HAS(feature) __has_feature(feature)
#else
#define SIPWSD_CLANG_HAS(feature) 0
#endif

namespace sipwsd::os {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || SIPWSD_CLANG_HAS(address_sanitizer) || \
    SIPWSD_CLANG_HAS(thread_sanitizer) || SIPWSD_CLANG_HAS(memory_sanitizer)
constexpr bool built_in = false;
#else
constexpr bool built_in = true;
#endif

// --- the rows ------------------------------------------------------------------------------------------------------

enum Roles : unsigned { worker = 1, keepalive = 2, mi = 4, reaper = 8, mirror = 16, all = worker | keepalive | mi | reaper | mirror };

// What an argument must be; pointers can't be looked behind, so paths and addresses are not here.
struct Argument {
  unsigned index = 0;
  std::uint64_t mask = 0;  // 0: no condition
  std::uint64_t value = 0;
};
constexpr Argument is(unsigned index, std::uint64_t value) { return {index, 0xffff'ffff, value}; }
constexpr Argument of(unsigned index, std::uint64_t mask, std::uint64_t value) { return {index, mask, value}; }

struct Row {
  int call;
  unsigned roles;
  Argument first{};
  Argument second{};
};

constexpr std::uint64_t socket_type = 0xf;  // without SOCK_CLOEXEC and SOCK_NONBLOCK
constexpr std::uint64_t to_read = 0;
constexpr std::uint64_t writes = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY);
constexpr std::uint64_t any_but_cloexec = 0xffff'ffff & ~static_cast<std::uint64_t>(O_CLOEXEC);

// What is called for every message comes first. Calls without a condition cost nothing on kernels since 5.11, which
// remember them in a bitmap and don't run the filter.
constexpr auto rows = std::to_array<Row>({
    {SCMP_SYS(epoll_wait), all},
    {SCMP_SYS(recvfrom), worker},
    {SCMP_SYS(sendto), all},  // syslog(3) too
    {SCMP_SYS(write), all},
    {SCMP_SYS(read), all},
    {SCMP_SYS(epoll_ctl), all},
    {SCMP_SYS(futex), all},  // the stripes' robust locks
    {SCMP_SYS(getpid), all},
    {SCMP_SYS(accept4), worker},
    {SCMP_SYS(close), all},
    {SCMP_SYS(recvmsg), worker},
    {SCMP_SYS(sendmsg), worker},
    {SCMP_SYS(writev), worker},  // c-ares, to a name server over TCP
    {SCMP_SYS(recvmmsg), worker},
    {SCMP_SYS(sendmmsg), worker},

    // Sockets. No bind and no listen: the listeners are inherited.
    {SCMP_SYS(shutdown), worker},
    {SCMP_SYS(getsockopt), worker},
    {SCMP_SYS(setsockopt), worker},
    {SCMP_SYS(getsockname), worker},
    {SCMP_SYS(getpeername), worker},
    {SCMP_SYS(socket), worker, is(0, AF_INET), of(1, socket_type, SOCK_STREAM)},
    {SCMP_SYS(socket), worker, is(0, AF_INET), of(1, socket_type, SOCK_DGRAM)},
    {SCMP_SYS(socket), worker, is(0, AF_INET6), of(1, socket_type, SOCK_STREAM)},
    {SCMP_SYS(socket), worker, is(0, AF_INET6), of(1, socket_type, SOCK_DGRAM)},
    {SCMP_SYS(socket), all, is(0, AF_UNIX), of(1, socket_type, SOCK_DGRAM)},  // syslog(3) opens /dev/log when it first writes,
    {SCMP_SYS(socket), all, is(0, AF_UNIX), of(1, socket_type, SOCK_STREAM)},
    {SCMP_SYS(connect), all},  // and again when syslogd was restarted

    // The event loop
    {SCMP_SYS(epoll_pwait), all},
    {SCMP_SYS(epoll_create1), all},
    {SCMP_SYS(signalfd4), all},
    {SCMP_SYS(eventfd2), all},
    {SCMP_SYS(timerfd_create), all},
    {SCMP_SYS(timerfd_settime), all},
    {SCMP_SYS(poll), all},
    {SCMP_SYS(ppoll), all},
    {SCMP_SYS(restart_syscall), all},  // after SIGSTOP and SIGCONT
    {SCMP_SYS(fcntl), all, is(1, F_GETFL)},
    {SCMP_SYS(fcntl), all, is(1, F_SETFL)},
    {SCMP_SYS(fcntl), all, is(1, F_GETFD)},
    {SCMP_SYS(fcntl), all, is(1, F_SETFD)},
    {SCMP_SYS(fcntl), all, is(1, F_DUPFD_CLOEXEC)},
    {SCMP_SYS(ioctl), all, is(1, FIONREAD)},
    {SCMP_SYS(ioctl), all, is(1, TIOCOUTQ)},
    {SCMP_SYS(ioctl), all, is(1, TCGETS)},  // isatty(3) of stdio

    // Memory: malloc and OpenSSL. Never executable.
    {SCMP_SYS(brk), all},
    {SCMP_SYS(mmap), all, of(2, PROT_EXEC, 0)},
    {SCMP_SYS(mprotect), all, of(2, PROT_EXEC, 0)},
    {SCMP_SYS(munmap), all},
    {SCMP_SYS(mremap), all},
    {SCMP_SYS(madvise), all},

    // Time, randomness, who am I
    {SCMP_SYS(clock_gettime), all},  // where the vdso can't
    {SCMP_SYS(clock_getres), all},
    {SCMP_SYS(gettimeofday), all},
    {SCMP_SYS(time), all},
    {SCMP_SYS(clock_nanosleep), all},  // spdlog, between two attempts to open its file
    {SCMP_SYS(nanosleep), all},
    {SCMP_SYS(getrandom), all},
    {SCMP_SYS(gettid), all},
    {SCMP_SYS(getppid), all},
    {SCMP_SYS(getuid), all},
    {SCMP_SYS(geteuid), all},
    {SCMP_SYS(getgid), all},
    {SCMP_SYS(getegid), all},
    {SCMP_SYS(getrusage), all},
    {SCMP_SYS(sysinfo), all},  // qsort(3) asks how much memory there is
    {SCMP_SYS(sched_getaffinity), all},
    {SCMP_SYS(sched_yield), all},
    {SCMP_SYS(getcwd), mi | mirror},

    // Signals and the end; those to processes are further down.
    {SCMP_SYS(rt_sigreturn), all},
    {SCMP_SYS(rt_sigprocmask), all},
    {SCMP_SYS(rt_sigaction), all},
    {SCMP_SYS(exit), all},
    {SCMP_SYS(exit_group), all},

    // Files
    {SCMP_SYS(newfstatat), all},
    {SCMP_SYS(fstat), all},
    {SCMP_SYS(stat), all},
    {SCMP_SYS(lstat), all},
    {SCMP_SYS(lseek), all},
    {SCMP_SYS(pread64), worker | keepalive | mi | mirror},
    {SCMP_SYS(openat), worker | mi, of(2, writes, to_read)},  // the system's CAs, for a client profile without a ca_list
    {SCMP_SYS(open), worker | mi, of(1, writes, to_read)},
    {SCMP_SYS(getdents64), worker | mi},  // their folder
    // open_fifo_for_writing(): no O_CREAT, and nothing but a reply pipe survives its checks.
    // SQLite in its folder: as the daemon's user, and nothing of it is ever run.
    {SCMP_SYS(openat), mirror},
    {SCMP_SYS(pwrite64), mirror},
    {SCMP_SYS(fdatasync), mirror},
    {SCMP_SYS(fsync), mirror},  // the folder
    {SCMP_SYS(ftruncate), mirror},
    {SCMP_SYS(unlink), mirror},
    {SCMP_SYS(access), mirror},
    {SCMP_SYS(readlink), mirror},
    {SCMP_SYS(fchmod), mirror},
    {SCMP_SYS(fchown), mirror},
    {SCMP_SYS(fcntl), mirror, is(1, F_SETLK)},
    {SCMP_SYS(fcntl), mirror, is(1, F_GETLK)},
    {SCMP_SYS(openat), mi, is(2, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY)},
});

// What libraries do when asked to append (fopen "a"), and what is not worth a death.
constexpr Row append_row{SCMP_SYS(openat), all, of(2, any_but_cloexec, O_WRONLY | O_CREAT | O_APPEND)};
// spdlog makes the folder of its file when logrotate or somebody has removed it: the old file goes on being written.
constexpr auto make_folder = std::to_array<int>({SCMP_SYS(mkdir), SCMP_SYS(mkdirat)});

unsigned bit(Sandbox sandbox) noexcept {
  switch (sandbox) {
    case Sandbox::none: return 0;
    case Sandbox::worker: return worker;
    case Sandbox::keepalive: return keepalive;
    case Sandbox::mi: return mi;
    case Sandbox::mirror: return mirror;
    case Sandbox::reaper: return reaper;
  }
  return 0;
}

// --- making the filter ---------------------------------------------------------------------------------------------

class Filter {
 public:
  Filter() : filter_(seccomp_init(SCMP_ACT_KILL_PROCESS), &seccomp_release) {
    std::uint32_t kill = SCMP_ACT_KILL_PROCESS;
    if (!filter_) {
      // Where seccomp(2) itself is forbidden (by whoever confined us before), the library uses prctl(2), which it doesn't
      // trust with this action. We have one thread: its end is the process's, by the same signal.
      kill = SCMP_ACT_KILL_THREAD;
      filter_.reset(seccomp_init(kill));
    }
    if (!filter_) {
      failure_ = -ENOMEM;
      return;
    }
    // A process of another architecture, or of x32, could otherwise use numbers that mean something else here.
    note(seccomp_attr_set(filter_.get(), SCMP_FLTATR_ACT_BADARCH, kill));
    note(seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2));  // a binary tree
  }

  void allow(const Row& row) { add(SCMP_ACT_ALLOW, row); }
  void answer(int error, int call) { add(SCMP_ACT_ERRNO(static_cast<std::uint32_t>(error)), {call, all}); }
  Result<void> load() {
    if (failure_ == 0) note(seccomp_load(filter_.get()));
    if (failure_ == 0) return {};
    return Error{Errc::unsupported, system_error("this system allows no seccomp filter", -failure_).why};
  }

 private:
  void note(int result) {
    if (result < 0 && failure_ == 0) failure_ = result;
  }
  void add(std::uint32_t action, const Row& row) {
    if (failure_ != 0) return;
    std::array<scmp_arg_cmp, 2> conditions{};
    unsigned count = 0;
    for (const Argument& argument : {row.first, row.second})
      if (argument.mask != 0)
        conditions[count++] = {argument.index, SCMP_CMP_MASKED_EQ, argument.mask, argument.value};
    note(seccomp_rule_add_array(filter_.get(), action, row.call, count, conditions.data()));
  }

  std::unique_ptr<void, void (*)(scmp_filter_ctx)> filter_;
  int failure_ = 0;
};

}  // namespace

bool sandbox_is_built_in() noexcept { return built_in; }

Result<void> enter(Sandbox sandbox, const SandboxNeeds& needs) {
  if (sandbox == Sandbox::none || !built_in) return {};
  const unsigned role = bit(sandbox);
  // The first line of the log would read it from a file.
  tzset();

  Filter filter;
  for (const Row& row : rows)
    if ((row.roles & role) != 0) filter.allow(row);
  // abort(3), raise(3): to ourselves; to the supervisor, mi's `kill`; to nobody else.
  const auto self = static_cast<std::uint64_t>(getpid());
  filter.allow({SCMP_SYS(tgkill), all, is(0, self)});
  filter.allow({SCMP_SYS(kill), all, is(0, self)});
  if (sandbox == Sandbox::mi && needs.supervisor > 0)
    for (const int signal : {SIGTERM, SIGHUP})
      filter.allow({SCMP_SYS(kill), mi, is(0, static_cast<std::uint64_t>(needs.supervisor)),
                    is(1, static_cast<std::uint64_t>(signal))});
  if (needs.append == AppendToFiles::yes) {
    filter.allow(append_row);
    for (const int call : make_folder) filter.answer(EACCES, call);
  }
  return filter.load();
}

}  // namespace sipwsd::os
