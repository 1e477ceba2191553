#include "src/dns/watched_file.h"

#include <sys/stat.h>

namespace sipwsd::dns {

bool WatchedFile::has_changed() noexcept {
  const Look now = look();
  if (now == seen_) return false;
  seen_ = now;
  return true;
}

WatchedFile::Look WatchedFile::look() const noexcept {
  struct stat status {};
  if (path_.empty() || stat(path_.c_str(), &status) != 0) return {};
  constexpr std::int64_t second = 1'000'000'000;
  return {status.st_ino, status.st_size, status.st_mtim.tv_sec * second + status.st_mtim.tv_nsec};
}

}  // namespace sipwsd::dns
