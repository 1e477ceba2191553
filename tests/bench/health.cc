#include "tests/bench/health.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <system_error>

#include "src/base/text.h"
#include "tests/bench/process_cost.h"

namespace sipwsd::bench {
namespace {

using namespace std::chrono_literals;

std::optional<std::string> ask(Loop& loop, FifoClient& fifo, const std::string& command, const std::vector<std::string>& arguments) {
  std::optional<std::string> answer;
  fifo.ask(command, arguments, 5000ms, [&](std::optional<std::string> reply) { answer = std::move(reply); });
  loop.run_until([&] { return !fifo.is_busy(); }, 6s);
  return answer;
}

}  // namespace

std::optional<Statistics> ask_statistics(Loop& loop, FifoClient& fifo) {
  const auto reply = ask(loop, fifo, "get_statistics", {"all"});
  if (!reply || !reply->starts_with("200 ")) return std::nullopt;
  Statistics all;
  for (const auto line : base::split(*reply, '\n')) {
    const auto colon = line.find(':'), equals = line.find(" = ");
    if (colon == std::string_view::npos || equals == std::string_view::npos) continue;
    const auto value = base::parse_decimal<std::uint64_t>(base::trim(line.substr(equals + 3)));
    if (value) all.emplace(line.substr(colon + 1, equals - colon - 1), *value);
  }
  return all;
}

std::optional<pid_t> ask_worker(Loop& loop, FifoClient& fifo, unsigned slot) {
  const auto reply = ask(loop, fifo, "ps", {});
  if (!reply) return std::nullopt;
  for (const auto line : base::split(*reply, '\n')) {
    int id = 0, pid = 0;
    unsigned worker = 0;
    if (std::sscanf(std::string(line).c_str(), "Process:: ID=%d PID=%d Type=worker %u", &id, &pid, &worker) == 3 && worker == slot) return pid;
  }
  return std::nullopt;
}

std::size_t descriptors(pid_t root) {
  std::size_t total = 0;
  for (const auto process : process_tree(root)) {
    std::error_code gone;
    std::filesystem::directory_iterator at(fmt::format("/proc/{}/fd", process), gone);
    for (; !gone && at != std::filesystem::directory_iterator(); at.increment(gone)) ++total;
  }
  return total;
}

std::string contradiction(const Statistics& statistics, std::uint64_t connections) {
  const auto value = [&](const std::string& name) {
    const auto found = statistics.find(name);
    return found == statistics.end() ? 0 : found->second;
  };
  std::string wrong;
  const auto want = [&](std::string_view what, std::uint64_t is, std::uint64_t should) {
    if (is != should) wrong += fmt::format("{}{} is {}, not {}", wrong.empty() ? "" : "; ", what, is, should);
  };
  want("ws_current_connections", value("ws_current_connections"), connections);
  want("closed_events", value("closed_events"), value("ws_successful_handshakes") - value("ws_current_connections"));
  // A letter to a worker that died before it could read it is handled by its replacement.
  want("letters_handled", value("letters_handled"), value("letters_posted"));
  return wrong;
}

}  // namespace sipwsd::bench
