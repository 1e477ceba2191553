#include "src/os/fifo.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace sipwsd::os {
namespace {

Result<void> is_plain_fifo(int fd, const std::string& path) {
  struct stat found {};
  if (fstat(fd, &found) != 0) return system_error("cannot examine " + path);
  if (!S_ISFIFO(found.st_mode)) return Error{Errc::refused, path + " is not a FIFO"};
  // A second name could stand in a directory with other rules than the one that was checked.
  if (found.st_nlink != 1) return Error{Errc::refused, path + " has more than one name"};
  return {};
}

}  // namespace

Result<Fd> create_fifo(const std::string& path, const FifoOwner& owner) {
  if (auto removed = remove_fifo(path); !removed && !removed.is(Errc::not_found)) return removed.error();
  // Nobody but us until owner and mode are right.
  if (mkfifo(path.c_str(), 0600) != 0) return system_error("cannot create the FIFO " + path);
  Fd fd{open(path.c_str(), O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd.is_open()) return system_error("cannot open the FIFO " + path);
  if (auto checked = is_plain_fifo(fd.raw(), path); !checked) return checked.error();
  // Only where something is to be given away: under systemd even a change to nothing is forbidden.
  struct stat made {};
  if (fstat(fd.raw(), &made) != 0) return system_error("cannot examine " + path);
  const bool is_for_other = (owner.user != static_cast<uid_t>(-1) && owner.user != made.st_uid) ||
                            (owner.group != static_cast<gid_t>(-1) && owner.group != made.st_gid);
  if (is_for_other && fchown(fd.raw(), owner.user, owner.group) != 0)
    return system_error("cannot give the FIFO " + path + " to its owner");
  if (fchmod(fd.raw(), owner.mode) != 0) return system_error("cannot set the mode of the FIFO " + path);
  return fd;
}

Result<Fd> open_fifo_for_writing(const std::string& path) {
  Fd fd{open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY)};
  if (!fd.is_open()) {
    if (errno == ENXIO) return Error{Errc::gone, "nobody reads " + path};
    if (errno == ELOOP) return Error{Errc::refused, path + " is a symbolic link"};
    return system_error("cannot open " + path);
  }
  if (auto checked = is_plain_fifo(fd.raw(), path); !checked) return checked.error();
  return fd;
}

std::string weakness_of_folder(const std::string& path, uid_t owner) {
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  struct stat found {};
  if (stat(folder.c_str(), &found) != 0) return {};  // create_fifo() says it better
  if (found.st_uid != 0 && found.st_uid != geteuid() && found.st_uid != owner)
    return folder + " belongs to user " + std::to_string(found.st_uid) + ", who can put another pipe there";
  if ((found.st_mode & S_IWOTH) != 0 && (found.st_mode & S_ISVTX) == 0)
    return "everybody may write to " + folder + " and put another pipe there; chmod o-w or +t it";
  return {};
}

Result<void> remove_fifo(const std::string& path) {
  struct stat found {};
  if (lstat(path.c_str(), &found) != 0) return system_error("cannot examine " + path);
  if (!S_ISFIFO(found.st_mode)) return Error{Errc::exists, path + " exists and is not a FIFO"};
  if (unlink(path.c_str()) != 0) return system_error("cannot remove the FIFO " + path);
  return {};
}

}  // namespace sipwsd::os
