#pragma once
// A piece of work in a process of its own, which ends with a text for us: so that what one part of a test costs does
// not delay what another part measures.

#include <sys/types.h>

#include <functional>
#include <string>

#include "tests/bench/loop.h"

namespace sipwsd::bench {

class ChildProcess final : private Loop::Watcher {
 public:
  // Forks. `work` runs in the child, which has none of our descriptors but the first three.
  ChildProcess(Loop& loop, const std::function<std::string()>& work);
  ~ChildProcess();  // ends it if need be
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  bool is_over() const noexcept { return over_; }
  const std::string& text() const noexcept { return text_; }  // whole when it is over

 private:
  void on_ready(std::uint32_t events) override;

  Fd report_;
  pid_t pid_ = -1;
  std::string text_;
  bool over_ = false;
};

}  // namespace sipwsd::bench
