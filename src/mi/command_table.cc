#include "src/mi/command_table.h"

#include <array>

namespace sipwsd::mi {
namespace {

std::array<std::span<const Command>, 8> all_commands() noexcept {
  return {core_commands(), process_commands(), statistics_commands(), websocket_commands(), location_commands(),
          ban_commands(), tls_commands(), upstream_commands()};
}

}  // namespace

const Command* find_command(std::string_view name) noexcept {
  for (const auto group : all_commands())
    for (const Command& command : group)
      if (command.name == name) return &command;
  return nullptr;
}

std::vector<std::string_view> command_names() {
  std::vector<std::string_view> names;
  for (const auto group : all_commands())
    for (const Command& command : group) names.push_back(command.name);
  return names;
}

std::string command_listing() {
  std::string out;
  for (const auto group : all_commands())
    for (const Command& command : group)
      out.append(command.name).append("\t").append(command.arguments).append("\t").append(command.summary).append("\n");
  return out;
}

}  // namespace sipwsd::mi
