#pragma once
// Bans over a restart (S44, ban_file): written when the daemon ends, read before it serves again. A line each:
//
//   203.0.113.9 ping-flood 12 1700000000 1700000600      address, reason, strikes, since, until (Unix seconds)
//
// What has expired meanwhile is left out; a line that is none of ours is skipped and counted.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shm/ban_table.h"
#include "sipwsd/result.h"
#include "src/base/clock.h"

namespace sipwsd::process {

// The clock of the bans and the calendar, at the same moment.
struct Now {
  std::int64_t monotonic = 0;
  std::int64_t unix_seconds = 0;
};
[[nodiscard]] Now now_of(const base::Clock& clock) noexcept;

struct BansRead {
  std::vector<shm::Ban> bans;
  std::size_t skipped = 0;
};
[[nodiscard]] BansRead parse_bans(std::string_view text, Now now);
[[nodiscard]] std::string to_text(const std::vector<shm::Ban>& bans, Now now);

// No file is no bans. The file is replaced as a whole, never half.
[[nodiscard]] Result<BansRead> read_bans(const std::string& path, Now now);
[[nodiscard]] Result<void> write_bans(const std::string& path, const std::vector<shm::Ban>& bans, Now now);

}  // namespace sipwsd::process
