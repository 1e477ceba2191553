#pragma once
// How much memory this process holds, and how much there is for all of us: proc(5), cgroups(7).

#include <cstdint>
#include <string>

#include "sipwsd/result.h"
#include "src/os/fd.h"

namespace sipwsd::os {

struct MemoryHeld {
  std::uint64_t private_bytes = 0;  // RssAnon, and what of it was swapped out
  std::uint64_t shared_bytes = 0;   // RssShmem: pages of the segment that this process has touched
};

// Keeps /proc/self/status open, because a sandbox may not allow to open it later. The file is that of the process that
// opened it: make it after the fork.
class MemoryUse {
 public:
  [[nodiscard]] static Result<MemoryUse> open();
  [[nodiscard]] Result<MemoryHeld> read() const;

 private:
  explicit MemoryUse(Fd status) : status_(std::move(status)) {}
  Fd status_;
};

// What the machine has, or the tightest limit among the control groups we are in, whichever is less. `root` is for
// tests: where /proc and /sys are.
[[nodiscard]] std::uint64_t memory_there_is(const std::string& root = {});

}  // namespace sipwsd::os
