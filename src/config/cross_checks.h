#pragma once
// What can only be seen when all parameters are known: values that contradict each other, and values that follow from
// others. Texts in reference/websocket.md 1 are used as they stand.

#include "src/config/settings.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace sipwsd::config {

// What a finding is about, so that it can be shown at its line of the file or with its flag.
struct Finding {
  enum class Severity { warning, error } severity{};
  std::string_view module;
  std::string_view param;
  std::string what;
  std::string hint;
  // Which element of a list, so that it is shown at its own line; without one, at the line that set it last.
  std::optional<std::size_t> element{};
};

// Completes `settings` and reports what does not fit. `modules` are those the file loads.
void cross_check(Settings& settings, const std::set<std::string, std::less<>>& modules,
                 const std::function<void(Finding)>& report);

}  // namespace sipwsd::config
