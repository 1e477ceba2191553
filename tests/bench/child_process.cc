#include "tests/bench/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace sipwsd::bench {

ChildProcess::ChildProcess(Loop& loop, const std::function<std::string()>& work) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  report_ = Fd(ends[0]);
  const Fd theirs(ends[1]);
  pid_ = ::fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::signal(SIGPIPE, SIG_IGN);
    ::dup2(theirs.number(), 3);
    // Our connections among them: they must end when we close them.
    ::close_range(4, ~0u, 0);
    const auto text = work();
    ::_exit(::write(3, text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  ::fcntl(report_.number(), F_SETFL, O_NONBLOCK);
  loop.watch(report_.number(), *this);
}

ChildProcess::~ChildProcess() {
  if (!over_) ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void ChildProcess::on_ready(std::uint32_t) {
  std::array<char, 4096> bytes;
  for (;;) {
    const auto got = ::read(report_.number(), bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) over_ = true;
    if (got <= 0) return;
    text_.append(bytes.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace sipwsd::bench
