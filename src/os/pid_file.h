#pragma once
// The pid file, which is also the lock against a second start. flock(2) belongs to the open file description: it
// survives the forks of daemonize() and ends with the last process that holds the descriptor, so a file left behind
// by a SIGKILL is no obstacle.

#include <string>

#include "src/os/fd.h"

namespace sipwsd::os {

class PidFile {
 public:
  PidFile() = default;
  // Locks and writes our pid. Errc::exists: "already running with pid 4711 (pid file /run/sipwsd.pid)".
  static Result<PidFile> create(const std::string& path);
  PidFile(PidFile&&) noexcept = default;
  PidFile& operator=(PidFile&& other) noexcept;
  ~PidFile();  // removes the file, when this process is the one named in it

  Result<void> write_own_pid();  // again, after daemonize() has changed it
  void remove() noexcept;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
  Fd file_;
  int written_pid_ = 0;
};

}  // namespace sipwsd::os
