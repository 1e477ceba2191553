#pragma once
// load() as a test sees it: a file's text and flags in, settings or words out.

#include "src/config/load.h"

#include <cstdlib>
#include <fstream>
#include <string>
#include <unistd.h>
#include <variant>
#include <vector>

namespace sipwsd::config::test {

class ConfigFile {
 public:
  explicit ConfigFile(const std::string& text) {
    char path[] = "/tmp/sipwsd-config-XXXXXX";
    const int descriptor = ::mkstemp(path);
    path_ = path;
    if (descriptor >= 0) ::close(descriptor);
    std::ofstream(path_) << text;
  }
  ~ConfigFile() { ::unlink(path_.c_str()); }
  ConfigFile(const ConfigFile&) = delete;
  ConfigFile& operator=(const ConfigFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Run {
  Settings settings;
  std::string warnings;  // one a line, "FILE" for the file's name
  std::string output;
  std::string errors;    // standard error, likewise
  ExitCode code = ExitCode::ok;
  bool loaded = false;
};

inline std::string with_name(std::string text, const std::string& path) {
  for (auto at = text.find(path); at != std::string::npos; at = text.find(path, at))
    text.replace(at, path.size(), "FILE");
  return text;
}

inline Run run_flags(std::vector<std::string> flags, const std::string& path = "/dev/null") {
  flags.insert(flags.begin(), {"sipwsd", "-f", path});
  std::vector<const char*> argv;
  for (const auto& flag : flags) argv.push_back(flag.c_str());
  auto result = load(static_cast<int>(argv.size()), argv.data(), {[] { return std::string("commands\n"); }});
  Run run;
  if (auto* stop = std::get_if<Stop>(&result)) {
    run.output = stop->standard_output;
    run.errors = with_name(stop->standard_error, path);
    run.code = stop->code;
    return run;
  }
  auto& loaded = std::get<Loaded>(result);
  run.loaded = true;
  run.settings = std::move(loaded.settings);
  for (const auto& warning : loaded.warnings)
    run.warnings += (run.warnings.empty() ? "" : "\n") + with_name(warning, path);
  return run;
}

inline Run run_file(const std::string& text, std::vector<std::string> flags = {}) {
  const ConfigFile file(text);
  return run_flags(std::move(flags), file.path());
}

// The first line of standard error.
inline std::string first_error(const Run& run) { return run.errors.substr(0, run.errors.find('\n')); }

}  // namespace sipwsd::config::test
