// From the table of roles to the processes of one start. Apart from roles.cc, so that a test with roles of its own
// links none of the real ones.
#include <sched.h>

#include <algorithm>
#include <bit>

#include "src/process/roles.h"

namespace sipwsd::process {

std::vector<Post> posts(std::span<const Role> roles, const config::Settings& settings) {
  std::vector<Post> out;
  for (const Role& role : roles) {
    const std::uint16_t count = role.how_many(settings);
    for (std::uint16_t index = 0; index < count; ++index) {
      std::string title{role.name};
      if (count > 1 || role.sockets == Sockets::of_its_slot) title += " " + std::to_string(index);
      out.push_back({&role, static_cast<shm::ProcessSlot>(out.size()), index, std::move(title)});
    }
  }
  return out;
}

std::uint16_t worker_count(const config::Settings& settings) noexcept {
  if (settings.workers != 0) return static_cast<std::uint16_t>(std::min<std::uint32_t>(settings.workers, 256));
  cpu_set_t cores;
  CPU_ZERO(&cores);
  const int count = sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;
  return static_cast<std::uint16_t>(std::clamp(count, 1, 256));
}

shm::Limits limits_for(const config::Settings& settings, std::span<const Role> roles) {
  shm::Limits limits;
  const auto all = posts(roles, settings);
  limits.processes = static_cast<std::uint16_t>(all.size());
  limits.workers = static_cast<std::uint16_t>(
      std::count_if(all.begin(), all.end(), [](const Post& post) { return post.role->sockets == Sockets::of_its_slot; }));
  limits.max_connections = static_cast<std::uint32_t>(settings.max_connections);
  limits.max_bindings = static_cast<std::uint32_t>(settings.max_bindings);
  // A letter may fill half a ring, and the largest message must fit one with its addresses.
  constexpr std::size_t letter_overhead = 4096;
  const std::size_t needed = std::bit_ceil(2 * (settings.max_message_size + letter_overhead));
  limits.letter_ring_bytes = static_cast<std::uint32_t>(std::max(std::bit_ceil(settings.letter_ring_bytes), needed));
  return limits;
}

}  // namespace sipwsd::process
