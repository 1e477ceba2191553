#pragma once
// What a reload may change, and how it travels: the rows marked Reload::running, as lines of text that the supervisor
// writes and every other process reads. Everything else is as it was at the start, until a restart.

#include "sipwsd/result.h"

#include "src/config/settings.h"

#include <string>
#include <string_view>
#include <vector>

namespace sipwsd::config {

struct Change {
  std::string parameter;  // as the manual names it: `keepalive_timeout`, `registrar.retry_after`
  std::string before, after;
};
std::string to_text(const Change& change);  // keepalive_timeout: 180 -> 60

struct Changes {
  std::vector<Change> running;
  std::vector<Change> restart;  // one of these refuses the reload
};
Changes changes_between(const Settings& now, const Settings& wanted);

// The values of all Reload::running rows, a line each.
std::string running_text(const Settings& settings);
// Puts them into `settings`, all or (an Error, a broken text) none.
Result<void> apply_running(std::string_view text, Settings& settings);

}  // namespace sipwsd::config
