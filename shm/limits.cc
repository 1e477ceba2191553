#include "shm/limits.h"

#include <fmt/format.h>

namespace sipwsd::shm {
namespace {

Result<void> in_range(const char* parameter, std::uint64_t value, std::uint64_t lowest, std::uint64_t highest) {
  if (value >= lowest && value <= highest) return {};
  return Error{Errc::out_of_range, fmt::format("{} is {}, must be {} to {}", parameter, value, lowest, highest)};
}

}  // namespace

Result<void> check(const Limits& limits) {
  constexpr std::uint32_t most_entries = 1u << 26;
  if (auto r = in_range("max_connections", limits.max_connections, 1, most_entries); !r) return r;
  if (auto r = in_range("workers", limits.workers, 1, 1024); !r) return r;
  if (auto r = in_range("processes", limits.processes, limits.workers, 1100); !r) return r;
  if (auto r = in_range("max_bindings", limits.bindings(), 1, most_entries); !r) return r;
  if (auto r = in_range("letter_ring_bytes", limits.letter_ring_bytes, 4096, 1u << 30); !r) return r;
  if (auto r = in_range("max_nonces", limits.max_nonces, 1, most_entries); !r) return r;
  return in_range("max_bans", limits.max_bans, 1, most_entries);
}

}  // namespace sipwsd::shm
