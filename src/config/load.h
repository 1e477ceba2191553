#pragma once
// From the command line and the configuration file to Settings: reads the file, applies its globals and modparams,
// then the flags (which win), then the checks that need several parameters at once. Reads files; changes nothing.

#include "src/config/exit_codes.h"
#include "src/config/settings.h"

#include <string>
#include <variant>
#include <vector>

namespace sipwsd::config {

// Read when neither -f nor --demo is given and the file is there.
inline constexpr std::string_view default_config_file = "/etc/sipwsd/sipwsd.cfg";

struct Loaded {
  Settings settings;
  std::vector<std::string> warnings;  // one line each, without a prefix; for the log once it is open
};

// The process should print and end: an error, or --help and its like. Both texts end in a line feed or are empty.
struct Stop {
  ExitCode code = ExitCode::ok;
  std::string standard_output;
  std::string standard_error;
};

// What a hidden listing flag prints about floors above this one.
struct Listings {
  std::string (*commands)() = nullptr;  // --print-commands: `name TAB parameters TAB summary` lines
};

[[nodiscard]] std::variant<Loaded, Stop> load(int argc, const char* const* argv, const Listings& listings = {});

}  // namespace sipwsd::config
