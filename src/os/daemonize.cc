#include "src/os/daemonize.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace sipwsd::os {
namespace {

constexpr int exit_software = 70;  // sysexits.h EX_SOFTWARE

[[noreturn]] void wait_for_answer(int pipe, pid_t child) {
  unsigned char code = 0;
  ssize_t size = 0;
  do size = read(pipe, &code, 1);
  while (size < 0 && errno == EINTR);
  int status = 0;
  waitpid(child, &status, 0);  // the intermediate process, which ends at once
  _exit(size == 1 ? code : exit_software);
}

void redirect_to_null(int fd, int flags) noexcept {
  const Fd null{open("/dev/null", flags | O_CLOEXEC)};
  if (null.is_open()) dup2(null.raw(), fd);
}

}  // namespace

void Daemonized::answer(int exit_code) noexcept {
  if (!pipe_.is_open()) return;
  const auto code = static_cast<unsigned char>(exit_code);
  // The user may have interrupted the waiting process: the daemon goes on.
  [[maybe_unused]] const auto written = write(pipe_.raw(), &code, 1);
  pipe_.close();
}

Result<Daemonized> daemonize() {
  auto pipe = make_pipe();
  if (!pipe) return pipe.error();
  const pid_t session_leader = fork();
  if (session_leader < 0) return system_error("cannot fork");
  if (session_leader > 0) {
    pipe->writer.close();
    wait_for_answer(pipe->reader.raw(), session_leader);
  }
  // A session of its own has no terminal; a process that doesn't lead it never gets one.
  setsid();
  const pid_t daemon = fork();
  if (daemon != 0) _exit(daemon < 0 ? exit_software : 0);
  pipe->reader.close();
  // The working directory stays: paths of the configuration may be relative to it.
  redirect_to_null(STDIN_FILENO, O_RDONLY);
  redirect_to_null(STDOUT_FILENO, O_WRONLY);
  return Daemonized{std::move(pipe->writer)};
}

void detach_standard_error() noexcept { redirect_to_null(STDERR_FILENO, O_WRONLY); }

}  // namespace sipwsd::os
