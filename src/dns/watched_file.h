#pragma once
// Whether a file is another one than at the last look, by what stat(2) says of it: it may have been written to, replaced,
// made or removed.

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace sipwsd::dns {

class WatchedFile {
 public:
  explicit WatchedFile(std::string path) : path_(std::move(path)), seen_(look()) {}

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  // True once for each change.
  [[nodiscard]] bool has_changed() noexcept;

 private:
  struct Look {
    ino_t inode = 0;
    off_t size = -1;  // -1: there is none
    std::int64_t modified = 0;
    friend bool operator==(const Look&, const Look&) = default;
  };
  [[nodiscard]] Look look() const noexcept;

  std::string path_;
  Look seen_;
};

}  // namespace sipwsd::dns
