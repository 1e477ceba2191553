#include "src/os/memory_use.h"

#include <fcntl.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "src/base/text.h"

namespace sipwsd::os {
namespace {

// "RssAnon:	    1234 kB"; 0 when there is no such line.
std::uint64_t kilobytes(std::string_view status, std::string_view field) {
  const auto at = status.find(field);
  if (at == std::string_view::npos) return 0;
  std::string_view rest = base::trim(status.substr(at + field.size()));
  return base::parse_decimal<std::uint64_t>(rest.substr(0, rest.find(' '))).value_or(0);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

constexpr std::uint64_t no_limit = ~std::uint64_t{0};

// "max" of version 2, and the number near 2^63 of version 1, are no limit.
std::uint64_t limit_in(const std::string& path) {
  const std::string text = read_file(path);
  const auto bytes = base::parse_decimal<std::uint64_t>(base::trim(text));
  return bytes && *bytes < std::uint64_t{1} << 62 ? *bytes : no_limit;
}

// Of a group and of all groups it is in. In a container the path may be one of the host, which is not there: then what
// is mounted is our own group.
std::uint64_t tightest(const std::string& mount, std::string group, const std::string& file) {
  std::uint64_t least = limit_in(mount + "/" + file);
  while (group.size() > 1) {
    least = std::min(least, limit_in(mount + group + "/" + file));
    group.resize(group.rfind('/'));
  }
  return least;
}

std::uint64_t machine_memory() {
  struct sysinfo info {};
  return ::sysinfo(&info) == 0 ? std::uint64_t{info.totalram} * info.mem_unit : no_limit;
}

bool lists_memory(std::string_view controllers) {
  for (const std::string_view one : base::split(controllers, ','))
    if (one == "memory") return true;
  return false;
}

}  // namespace

Result<MemoryUse> MemoryUse::open() {
  Fd status(::open("/proc/self/status", O_RDONLY | O_CLOEXEC));
  if (!status.is_open()) return system_error("cannot open /proc/self/status");
  return MemoryUse(std::move(status));
}

Result<MemoryHeld> MemoryUse::read() const {
  char text[8192];
  const ssize_t n = ::pread(status_.raw(), text, sizeof text, 0);
  if (n <= 0) return system_error("cannot read /proc/self/status");
  const std::string_view status{text, static_cast<std::size_t>(n)};
  return MemoryHeld{.private_bytes = (kilobytes(status, "\nRssAnon:") + kilobytes(status, "\nVmSwap:")) * 1024,
                    .shared_bytes = kilobytes(status, "\nRssShmem:") * 1024};
}

// cgroups(7): lines `0::/group` (version 2) and `7:cpu,memory:/group` (version 1).
std::uint64_t memory_there_is(const std::string& root) {
  std::uint64_t least = machine_memory();
  std::istringstream groups(read_file(root + "/proc/self/cgroup"));
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (group.empty() || group[0] != '/' || group.find("/..") != std::string::npos) continue;
    if (controllers.empty())
      least = std::min(least, tightest(root + "/sys/fs/cgroup", group, "memory.max"));
    else if (lists_memory(controllers))
      least = std::min(least, tightest(root + "/sys/fs/cgroup/memory", group, "memory.limit_in_bytes"));
  }
  return least;
}

}  // namespace sipwsd::os
