#pragma once
// Waiting in tests: for an event, never for a time. A deadline only bounds how long a failing test takes, so it is far
// beyond what a loaded machine needs.

#include <poll.h>

#include <chrono>
#include <stdexcept>
#include <string>

namespace sipwsd::test {

inline constexpr std::chrono::seconds patience{30};

// Thrown by the support classes when what a test waits for does not come; GoogleTest reports it as the failure.
struct Disappointed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Deadline {
 public:
  explicit Deadline(std::chrono::milliseconds after = patience) : at_(std::chrono::steady_clock::now() + after) {}
  [[nodiscard]] bool is_over() const { return std::chrono::steady_clock::now() >= at_; }
  // For poll(2): rounded up, so that it never spins.
  [[nodiscard]] int left_ms() const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(at_ - std::chrono::steady_clock::now()).count();
    return left > 0 ? static_cast<int>(left) : 0;
  }

 private:
  std::chrono::steady_clock::time_point at_;
};

// What has no event to wait for (a number in shared memory, a process that is gone) is asked again and again.
template <typename Condition>
void wait_until(const std::string& what, Condition condition) {
  const Deadline deadline;
  while (!condition()) {
    if (deadline.is_over()) throw Disappointed("waited in vain until " + what);
    poll(nullptr, 0, 5);
  }
}

}  // namespace sipwsd::test
