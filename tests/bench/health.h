#pragma once
// The daemon from outside: descriptors and memory of its processes from /proc, its own counters through the FIFO.

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "tests/bench/fifo_client.h"

namespace sipwsd::bench {

// Statistics by name, without the group.
using Statistics = std::map<std::string, std::uint64_t>;
std::optional<Statistics> ask_statistics(Loop& loop, FifoClient& fifo);
// Pid of the worker in that slot.
std::optional<pid_t> ask_worker(Loop& loop, FifoClient& fifo, unsigned slot);

// Descriptors open in a process and all its descendants.
std::size_t descriptors(pid_t root);

// Empty when the counters agree with each other while nothing is under way; else what does not add up.
std::string contradiction(const Statistics& statistics, std::uint64_t connections);

}  // namespace sipwsd::bench
