#include "src/auth/user_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "src/auth/credentials_file.h"

namespace sipwsd::auth {
namespace {

constexpr mode_t rights = 0640;

Error system_error(const std::string& what) { return {Errc::system, what + ": " + std::strerror(errno)}; }

bool is_of(std::string_view line, std::string_view user, std::string_view realm) {
  const auto parsed = CredentialsLine::parse(line);
  return parsed && *parsed && (*parsed)->user == user && (*parsed)->realm == realm;
}

// Calls `use` with each line, without its line feed.
template <typename Use>
void each_line(std::string_view text, Use&& use) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    use(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

Result<std::string> read_all(int file, const std::string& path) {
  std::string text;
  char buffer[16'384];
  for (;;) {
    const ssize_t n = ::read(file, buffer, sizeof buffer);
    if (n < 0) return system_error("cannot read " + path);
    if (n == 0) return text;
    text.append(buffer, static_cast<std::size_t>(n));
    if (text.size() > max_credentials) return Error{Errc::too_large, path + " is too large for a credentials file"};
  }
}

Result<void> write_all(int file, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t n = ::write(file, text.data(), text.size());
    if (n < 0) return system_error("cannot write " + path);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return ::fsync(file) == 0 ? Result<void>{} : system_error("cannot write " + path);
}

// The name of a new file says so until it is whole.
Result<void> write_new(const std::string& path, std::string_view text, const struct stat& like) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return system_error("cannot make " + path);
  Result<void> done = write_all(file, text, path);
  // Owner first: a change of owner may take rights away.
  if (done && ::fchown(file, like.st_uid, like.st_gid) != 0) done = system_error("cannot give " + path + " the owner of the old file");
  if (done && ::fchmod(file, rights) != 0) done = system_error("cannot set the rights of " + path);
  ::close(file);
  if (!done) ::unlink(path.c_str());
  return done;
}

// A file is there under a new name for good once its folder is written.
void write_folder_of(const std::string& path) {
  const int folder = ::open(path.substr(0, path.rfind('/') + 1).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  static_cast<void>(::fsync(folder));
  ::close(folder);
}

std::string resolved(const std::string& path) {
  char real[PATH_MAX];
  if (::realpath(path.c_str(), real) != nullptr) return real;
  return path.find('/') == std::string::npos ? "./" + path : path;
}

}  // namespace

std::string with_user(std::string_view text, std::string_view user, std::string_view realm, std::span<const std::string> lines) {
  std::string out;
  bool placed = false;
  const auto place = [&] {
    if (!std::exchange(placed, true))
      for (const auto& line : lines) out.append(line).append("\n");
  };
  each_line(text, [&](std::string_view line) {
    if (is_of(line, user, realm)) return place();
    out.append(line).append("\n");
  });
  place();
  return out;
}

bool has_user(std::string_view text, std::string_view user, std::string_view realm) {
  bool found = false;
  each_line(text, [&](std::string_view line) { found |= is_of(line, user, realm); });
  return found;
}

Result<UserFile> UserFile::lock(const std::string& path, Absent absent) {
  for (;;) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | (absent == Absent::is_made ? O_CREAT : 0), rights);
    if (file < 0) return Error{errno == ENOENT ? Errc::not_found : Errc::system, "cannot open " + path + ": " + std::strerror(errno)};
    UserFile locked(resolved(path), file, {});
    if (::flock(file, LOCK_EX) != 0) return system_error("cannot lock " + path);
    // Whoever had the lock may have put another file in its place.
    struct stat ours {}, there {};
    if (::fstat(file, &ours) != 0) return system_error("cannot read " + path);
    if (!S_ISREG(ours.st_mode)) return Error{Errc::refused, path + " is no file"};
    if (::stat(path.c_str(), &there) != 0 || ours.st_ino != there.st_ino || ours.st_dev != there.st_dev) continue;
    auto text = read_all(file, path);
    if (!text) return text.error();
    locked.text_ = *std::move(text);
    return locked;
  }
}

UserFile::UserFile(UserFile&& other) noexcept : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)), text_(std::move(other.text_)) {}

UserFile::~UserFile() {
  if (file_ >= 0) ::close(file_);
}

Result<void> UserFile::replace(std::string_view text) {
  struct stat like {};
  if (::fstat(file_, &like) != 0) return system_error("cannot read " + path_);
  const std::string next = path_ + ".new";
  ::unlink(next.c_str());  // of one who was interrupted: nobody else writes it while we have the lock
  if (auto written = write_new(next, text, like); !written) return written;
  if (::rename(next.c_str(), path_.c_str()) != 0) {
    const auto error = system_error("cannot put the new file at " + path_);
    ::unlink(next.c_str());
    return error;
  }
  write_folder_of(path_);
  return {};
}

}  // namespace sipwsd::auth
