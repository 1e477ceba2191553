#include "src/process/roles.h"

#include <array>

#include "src/process/keepalive.h"
#include "src/process/mi_listener.h"
#include "src/process/mirror.h"
#include "src/process/worker.h"

namespace sipwsd::process {
namespace {

std::uint16_t keepalive_count(const config::Settings& settings) {
  return settings.keepalive_mechanism == 0 ? 0 : static_cast<std::uint16_t>(settings.keepalive_processes);
}

std::uint16_t mi_count(const config::Settings& settings) { return settings.fifo.empty() ? 0 : 1; }

std::uint16_t mirror_count(const config::Settings& settings) { return settings.db_mode == 0 ? 0 : 1; }

constexpr auto table = std::to_array<Role>({
    {"worker", worker_count, run_worker, Sockets::of_its_slot, Privileges::dropped_before_run, os::Sandbox::worker},
    {"keepalive", keepalive_count, run_keepalive, Sockets::none, Privileges::dropped_before_run, os::Sandbox::keepalive},
    {"mi", mi_count, run_mi_listener, Sockets::none, Privileges::dropped_by_role, os::Sandbox::mi},
    {"mirror", mirror_count, run_mirror, Sockets::none, Privileges::dropped_before_run, os::Sandbox::mirror},
});

}  // namespace

std::span<const Role> roles() noexcept { return table; }

shm::ProcessSlot mirror_slot(const config::Settings& settings) {
  for (const Post& post : posts(table, settings))
    if (post.role->run == run_mirror) return post.slot;
  return shm::ProcessSlot::none;
}

}  // namespace sipwsd::process
