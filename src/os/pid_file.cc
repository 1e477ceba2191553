#include "src/os/pid_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "src/base/text.h"

namespace sipwsd::os {
namespace {

std::string pid_in(int file) {
  char text[32];
  const auto size = pread(file, text, sizeof text, 0);
  return std::string(base::trim({text, static_cast<std::size_t>(size > 0 ? size : 0)}));
}

// False when the file was removed or replaced between open() and flock(): the former owner was just leaving.
bool is_still_at(const std::string& path, int file) {
  struct stat ours {};
  struct stat there {};
  if (fstat(file, &ours) != 0 || stat(path.c_str(), &there) != 0) return false;
  return ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

}  // namespace

Result<PidFile> PidFile::create(const std::string& path) {
  for (;;) {
    Fd file{open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644)};
    if (!file.is_open()) return system_error("cannot open the pid file " + path);
    if (flock(file.raw(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return system_error("cannot lock the pid file " + path);
      return Error{Errc::exists, "already running with pid " + pid_in(file.raw()) + " (pid file " + path + ")"};
    }
    if (!is_still_at(path, file.raw())) continue;
    PidFile created;
    created.path_ = path;
    created.file_ = std::move(file);
    if (auto written = created.write_own_pid(); !written) return written.error();
    return created;
  }
}

PidFile& PidFile::operator=(PidFile&& other) noexcept {
  if (this == &other) return *this;
  remove();
  path_ = std::move(other.path_);
  file_ = std::move(other.file_);
  written_pid_ = std::exchange(other.written_pid_, 0);
  return *this;
}

PidFile::~PidFile() { remove(); }

Result<void> PidFile::write_own_pid() {
  if (!file_.is_open()) return {};
  const std::string line = std::to_string(getpid()) + "\n";
  if (ftruncate(file_.raw(), 0) != 0 || pwrite(file_.raw(), line.data(), line.size(), 0) < 0)
    return system_error("cannot write the pid file " + path_);
  written_pid_ = getpid();
  return {};
}

void PidFile::remove() noexcept {
  if (!file_.is_open()) return;
  // A child that inherited this object must not take the daemon's file away.
  if (written_pid_ == getpid()) unlink(path_.c_str());
  file_.close();
}

}  // namespace sipwsd::os
