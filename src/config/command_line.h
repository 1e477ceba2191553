#pragma once
// argv to values: the fixed flags and one long flag a parameter row. The only file that includes CLI11.

#include "src/config/param_table.h"

#include "src/cfg/parser.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sipwsd::config {

struct FlagValue {
  const Param* param = nullptr;
  std::string value;
};

struct CommandLine {
  std::optional<std::string> config_file;
  bool check = false;
  bool foreground = false;
  bool demo = false;
  bool help = false;
  bool version = false;
  bool print_params = false;
  bool print_commands = false;
  std::vector<cfg::Definition> definitions;
  std::vector<FlagValue> values;
};

// An Error's text names the flag and what to write.
Result<CommandLine> parse_command_line(int argc, const char* const* argv);
std::string help_text();

}  // namespace sipwsd::config
