#pragma once
// What a server has used, read from /proc: the process named and all its descendants, every thread of each.
//
// CPU is the first field of /proc/PID/task/TID/schedstat: nanoseconds on a processor, user and system together, exact
// to the last context switch (utime+stime of /proc/PID/stat are counted in ticks, with errors of some percent).
// Limits:
//  - Read while the server is asleep, before and after a run; a task that runs at that moment may lack up to one
//    tick (4 ms), nothing against the seconds a run takes.
//  - On loopback the kernel delivers a segment inside the sender's send(): the server pays for what it sends up to
//    the client's socket buffer, the client pays for the other direction. The same for every server.
//  - Work a server puts off (freeing finished transactions on a timer) counts only as far as it falls into the run.
//    That favours the server that puts it off.
//  - CPU of descendants that ended in the meantime is missing; nobody ends in a benchmark that went well.
//  - Two servers' figures are comparable only in the same run on the same machine: caches, frequency and neighbours
//    move all of them by tens of percent, so runs alternate and medians are compared.
//
// Memory is PSS of /proc/PID/smaps_rollup: pages shared by several processes (the segment, program text) are counted
// once in the sum. Socket buffers and page tables live in the kernel and are not in it.

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace sipwsd::bench {

// The root and its descendants that live now.
std::vector<pid_t> process_tree(pid_t root);

struct ProcessCost {
  std::uint64_t cpu_ns = 0;
  std::uint64_t switches = 0;  // voluntary context switches: how often the server went to sleep
  std::size_t processes = 0;
};
ProcessCost process_cost(const std::vector<pid_t>& roots);

std::uint64_t pss_bytes(const std::vector<pid_t>& roots);
// Without the pages of files (program text): their share changes with every other process that runs the same program.
struct OwnMemory {
  std::uint64_t private_bytes = 0, shared_bytes = 0;  // heaps and stacks; the segment
  std::uint64_t total() const noexcept { return private_bytes + shared_bytes; }
};
OwnMemory own_memory(const std::vector<pid_t>& roots);

}  // namespace sipwsd::bench
