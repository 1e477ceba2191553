#pragma once
// An owning file descriptor. Every descriptor of the daemon is close-on-exec and has exactly one Fd; code that
// only uses a descriptor during a call takes the plain number.

#include <string_view>
#include <utility>

#include "sipwsd/result.h"

namespace sipwsd::os {

class Fd {
 public:
  Fd() noexcept = default;
  explicit Fd(int raw) noexcept : raw_(raw) {}
  Fd(Fd&& other) noexcept : raw_(std::exchange(other.raw_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      close();
      raw_ = std::exchange(other.raw_, -1);
    }
    return *this;
  }
  ~Fd() { close(); }

  void close() noexcept;  // keeps errno
  [[nodiscard]] int release() noexcept { return std::exchange(raw_, -1); }

  [[nodiscard]] int raw() const noexcept { return raw_; }
  [[nodiscard]] bool is_open() const noexcept { return raw_ >= 0; }

 private:
  int raw_ = -1;
};

// errno in words: "cannot bind 127.0.0.1:80: Permission denied".
[[nodiscard]] Error system_error(std::string_view what);
[[nodiscard]] Error system_error(std::string_view what, int error_number);

Result<void> set_nonblocking(int fd);
Result<Fd> duplicate(int fd);  // close-on-exec, same open file description

struct Pipe {
  Fd reader;
  Fd writer;
};
enum class Blocking { yes, no };
Result<Pipe> make_pipe(Blocking blocking = Blocking::yes);

}  // namespace sipwsd::os
