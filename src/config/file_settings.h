#pragma once
// The items of a parsed file onto Settings: globals, loadmodule, modparam. What is wrong goes to the diagnostics with
// its place in the file.

#include "src/config/param_table.h"

#include "src/cfg/ast.h"
#include "src/cfg/diagnostic.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace sipwsd::config {

// Where the file set a parameter last, for checks that look at several; and which modules it loaded.
struct FileFacts {
  std::map<const Param*, cfg::Position> set_at;
  std::vector<cfg::Position> listen_at;  // one for each of Settings::listen
  std::set<std::string, std::less<>> modules;
};

FileFacts apply_file(const cfg::Program& program, Settings& settings, cfg::Diagnostics& diagnostics);

}  // namespace sipwsd::config
