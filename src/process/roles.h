#pragma once
// THE table of roles: what kinds of processes there are, how many of each, what they run. The supervisor forks from it;
// titles come from it. To add a role: a file with its run function and a row in roles.cc.
// The order of the rows is the order of the process slots: workers first, so that a WorkerSlot is a ProcessSlot.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shm/limits.h"
#include "shm/process_slot.h"
#include "src/config/settings.h"
#include "src/os/sandbox.h"

namespace sipwsd::process {

struct Inherited;

enum class Sockets : std::uint8_t { none, of_its_slot };
enum class Privileges : std::uint8_t {
  dropped_before_run,
  dropped_by_role,  // it makes something first that only root can
};

struct Role {
  std::string_view name;  // "worker"; the title is "worker 3", or the name alone when there can only be one
  std::uint16_t (*how_many)(const config::Settings& settings);
  int (*run)(Inherited& inherited);  // the exit code: 0 when it was asked to leave
  Sockets sockets = Sockets::none;
  Privileges privileges = Privileges::dropped_before_run;
  os::Sandbox sandbox = os::Sandbox::none;  // entered when the privileges are dropped
};

std::span<const Role> roles() noexcept;
// Whom bindings are sent to be stored; none unless db_mode wants that.
shm::ProcessSlot mirror_slot(const config::Settings& settings);

// One process to be.
struct Post {
  const Role* role = nullptr;  // never null
  shm::ProcessSlot slot = shm::ProcessSlot::none;
  std::uint16_t index = 0;
  std::string title;
};
std::vector<Post> posts(std::span<const Role> roles, const config::Settings& settings);

// settings.workers, or the number of cores this process may run on.
std::uint16_t worker_count(const config::Settings& settings) noexcept;
shm::Limits limits_for(const config::Settings& settings, std::span<const Role> roles);

}  // namespace sipwsd::process
