#include "src/os/fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sipwsd::os {

void Fd::close() noexcept {
  if (raw_ < 0) return;
  const int kept = errno;
  ::close(std::exchange(raw_, -1));  // EINTR: Linux has closed it all the same
  errno = kept;
}

Error system_error(std::string_view what) { return system_error(what, errno); }

Error system_error(std::string_view what, int error_number) {
  Errc code = Errc::system;
  if (error_number == EADDRINUSE || error_number == EEXIST) code = Errc::exists;
  if (error_number == EACCES || error_number == EPERM) code = Errc::refused;
  if (error_number == ENOENT) code = Errc::not_found;
  if (error_number == EMFILE || error_number == ENFILE || error_number == ENOMEM || error_number == ENOBUFS)
    code = Errc::full;
  char words[128];
  // The GNU variant: returns the text, which need not be in the buffer.
  return {code, std::string(what) + ": " + strerror_r(error_number, words, sizeof words)};
}

Result<void> set_nonblocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return system_error("cannot make a descriptor nonblocking");
  return {};
}

Result<Fd> duplicate(int fd) {
  Fd copy{fcntl(fd, F_DUPFD_CLOEXEC, 3)};
  if (!copy.is_open()) return system_error("cannot duplicate a descriptor");
  return copy;
}

Result<Pipe> make_pipe(Blocking blocking) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | (blocking == Blocking::no ? O_NONBLOCK : 0)) != 0) return system_error("cannot make a pipe");
  return Pipe{Fd{ends[0]}, Fd{ends[1]}};
}

}  // namespace sipwsd::os
