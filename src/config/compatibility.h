#pragma once
// What a Kamailio configuration may hold that has no row of its own: other names of our parameters, modules that are
// built in, and globals and module parameters that are accepted without any effect (each said once, as a warning).

#include "src/config/param_table.h"

#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace sipwsd::config {

// Globals that are another name of ours: children, tcp_max_connections, uid, ...
struct OtherName {
  std::string_view name;
  std::string_view ours;
};
std::span<const OtherName> other_names() noexcept;
// `debug=N`: Kamailio's -5..3, more is more, as our level's name.
std::string_view level_of_debug(std::int64_t debug) noexcept;

bool is_ignored_global(std::string_view name) noexcept;
bool is_module(std::string_view name) noexcept;
bool is_ignored_param(std::string_view module, std::string_view name) noexcept;

// For did-you-mean.
std::vector<std::string_view> global_names();
std::vector<std::string_view> module_names();
std::vector<std::string_view> module_param_names(std::string_view module);

}  // namespace sipwsd::config
