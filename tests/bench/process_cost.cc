#include "tests/bench/process_cost.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace sipwsd::bench {
namespace {

// The threads of a process; empty when it has just ended.
std::vector<std::string> task_folders(pid_t process) {
  std::vector<std::string> folders;
  std::error_code error;
  std::filesystem::directory_iterator at(fmt::format("/proc/{}/task", process), error);
  for (; !error && at != std::filesystem::directory_iterator(); at.increment(error)) folders.push_back(at->path());
  return folders;
}

// The number behind `key` in a file of "key: number ..." lines; 0 when there is none.
std::uint64_t number_after(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string word; file >> word;) {
    std::uint64_t value = 0;
    if (word == key && file >> value) return value;
  }
  return 0;
}

}  // namespace

std::vector<pid_t> process_tree(pid_t root) {
  std::vector<pid_t> tree{root};
  for (std::size_t i = 0; i < tree.size(); ++i) {
    for (const auto& task : task_folders(tree[i])) {
      std::ifstream children(task + "/children");
      for (pid_t child = 0; children >> child;) tree.push_back(child);
    }
  }
  return tree;
}

ProcessCost process_cost(const std::vector<pid_t>& roots) {
  ProcessCost cost;
  for (const auto root : roots) {
    for (const auto process : process_tree(root)) {
      ++cost.processes;
      for (const auto& task : task_folders(process)) {
        std::ifstream schedstat(task + "/schedstat");
        std::uint64_t on_cpu = 0;
        schedstat >> on_cpu;
        cost.cpu_ns += on_cpu;
        cost.switches += number_after(task + "/status", "voluntary_ctxt_switches:");
      }
    }
  }
  return cost;
}

std::uint64_t pss_bytes(const std::vector<pid_t>& roots) {
  std::uint64_t total = 0;
  for (const auto root : roots)
    for (const auto process : process_tree(root))
      total += 1024 * number_after(fmt::format("/proc/{}/smaps_rollup", process), "Pss:");
  return total;
}

OwnMemory own_memory(const std::vector<pid_t>& roots) {
  OwnMemory memory;
  for (const auto root : roots) {
    for (const auto process : process_tree(root)) {
      const auto rollup = fmt::format("/proc/{}/smaps_rollup", process);
      memory.private_bytes += 1024 * number_after(rollup, "Pss_Anon:");
      memory.shared_bytes += 1024 * number_after(rollup, "Pss_Shmem:");
    }
  }
  return memory;
}

}  // namespace sipwsd::bench
