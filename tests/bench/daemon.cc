#include "tests/bench/daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <thread>

#include "src/base/text.h"

namespace sipwsd::bench {

Daemon::Daemon(Loop& loop, const std::vector<std::string>& command, const std::string& log_path) : log_(log_path) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  stderr_ = Fd(ends[0]);
  const Fd theirs(ends[1]);
  std::vector<char*> words;
  for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) {
    ::dup2(theirs.number(), 2);
    ::execvp(words[0], words.data());
    ::_exit(127);
  }
  ::fcntl(stderr_.number(), F_SETFL, O_NONBLOCK);
  loop.watch(stderr_.number(), *this);
}

Daemon::~Daemon() {
  if (pid_ > 0) stop(std::chrono::seconds(10));
}

void Daemon::on_ready(std::uint32_t) {
  std::array<char, 4096> bytes;
  for (;;) {
    const auto got = ::read(stderr_.number(), bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) gone_ = true;
    if (got <= 0) return;
    log_.write(bytes.data(), got).flush();
    for (std::ptrdiff_t i = 0; i < got; ++i) {
      const char c = bytes[static_cast<std::size_t>(i)];
      if (c != '\n') {
        line_ += c;
        continue;
      }
      on_line(line_);
      line_.clear();
    }
  }
}

void Daemon::on_line(const std::string& line) {
  const auto port_after = [&](std::string_view listening, std::uint16_t& port) {
    if (line.starts_with(listening))
      port = base::parse_decimal<std::uint16_t>(std::string_view(line).substr(listening.size())).value_or(0);
  };
  port_after("sipwsd: listening on ws:127.0.0.1:", port_);
  port_after("sipwsd: listening on wss:127.0.0.1:", tls_port_);
  if (line == "sipwsd: ready") ready_ = port_ != 0 || tls_port_ != 0;
}

std::optional<int> Daemon::stop(std::chrono::seconds patience) {
  ::kill(pid_, SIGTERM);
  const auto deadline = Clock::now() + patience;
  int status = 0;
  while (::waitpid(pid_, &status, WNOHANG) == 0) {
    if (Clock::now() > deadline) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, &status, 0);
      pid_ = -1;
      return std::nullopt;
    }
    on_ready(0);  // it must not wait for somebody to read its last words
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  on_ready(0);
  pid_ = -1;
  return status;
}

}  // namespace sipwsd::bench
