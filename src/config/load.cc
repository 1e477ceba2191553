#include "src/config/load.h"

#include "src/config/command_line.h"
#include "src/config/cross_checks.h"
#include "src/config/file_settings.h"
#include "src/config/param_table.h"
#include "src/config/tls_profiles.h"

#include "src/cfg/parser.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

namespace sipwsd::config {
namespace {

constexpr std::size_t largest_file = 16U << 20;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

Result<std::string> read_file(const std::string& path) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "re"));
  if (!file) return Error{errno == ENOENT ? Errc::not_found : Errc::system, std::strerror(errno)};
  struct stat status {};
  if (::fstat(::fileno(file.get()), &status) == 0 && S_ISDIR(status.st_mode))
    return Error{Errc::system, "it is a directory"};
  std::string text;
  char buffer[16'384];
  while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, file.get())) {
    text.append(buffer, count);
    if (text.size() > largest_file) return Error{Errc::too_large, "it is larger than 16 MiB"};
  }
  if (std::ferror(file.get())) return Error{Errc::system, std::strerror(errno)};
  return text;
}

Stop stop(ExitCode code, std::string text) { return {code, {}, "sipwsd: " + std::move(text) + "\n"}; }

// One run of load(): what is known so far.
class Loading {
 public:
  Loading(CommandLine line, int argc, const char* const* argv) : line_(std::move(line)) {
    loaded_.settings.arguments.assign(argv, argv + argc);
  }
  std::variant<Loaded, Stop> run();

 private:
  std::optional<Stop> read_configuration();
  std::optional<Stop> apply_flags();
  void check();
  void report(Finding finding);
  std::string errors_text() const;

  CommandLine line_;
  Loaded loaded_;
  cfg::Sources sources_;
  cfg::Diagnostics diagnostics_;
  FileFacts facts_;
  std::set<const Param*> flags_given_;
  std::string other_errors_;  // of flags and defaults: they have no line in a file
  std::size_t other_count_ = 0;
};

std::optional<Stop> Loading::read_configuration() {
  const bool asked = line_.config_file.has_value();
  // The demo is the same on every machine, whatever is installed there.
  if (!asked && line_.demo) return std::nullopt;
  const std::string path = asked ? *line_.config_file : std::string(default_config_file);
  auto text = read_file(path);
  if (text.is(Errc::not_found) && !asked) return std::nullopt;
  if (!text) return stop(ExitCode::configuration, "can't read " + path + ": " + text.error().why);
  loaded_.settings.config_file = path;
  const auto file = sources_.add(path, *std::move(text));
  const auto program = cfg::parse(sources_, file, line_.definitions, read_file, diagnostics_);
  facts_ = apply_file(program, loaded_.settings, diagnostics_);
  return std::nullopt;
}

std::optional<Stop> Loading::apply_flags() {
  Layer layer(loaded_.settings);
  for (const auto& [param, value] : line_.values) {
    flags_given_.insert(param);
    if (auto set = layer.set(*param, {Input::Form::flag, value, 0}); !set)
      return stop(ExitCode::usage, "--" + flag_of(*param) + ": " + set.error().why);
  }
  Settings& settings = loaded_.settings;
  settings.check = line_.check;
  settings.demo = line_.demo;
  if (line_.foreground || line_.demo) {
    settings.daemonize = false;
    if (settings.log_file.empty()) settings.log_stderr = true;
  }
  return std::nullopt;
}

// Shown at the line that set the parameter last, or with its flag.
void Loading::report(Finding finding) {
  const bool is_error = finding.severity == Finding::Severity::error;
  const auto row = find_param(finding.module, finding.param);
  const auto set_at = facts_.set_at.find(row->param);
  if (set_at != facts_.set_at.end() && !flags_given_.contains(row->param)) {
    const bool is_listed = finding.element && *finding.element < facts_.listen_at.size();
    const cfg::Position where = is_listed ? facts_.listen_at[*finding.element] : set_at->second;
    if (is_error) return diagnostics_.error(where, std::move(finding.what), std::move(finding.hint));
    return diagnostics_.warning(where, std::move(finding.what), std::move(finding.hint));
  }
  std::string text = flags_given_.contains(row->param) ? "--" + flag_of(*row->param) + ": " : "";
  text += finding.what + (finding.hint.empty() ? "" : "; " + finding.hint);
  if (!is_error) return loaded_.warnings.push_back(std::move(text));
  other_errors_ += "sipwsd: " + text + "\n";
  ++other_count_;
}

void Loading::check() {
  make_tls_profiles(loaded_.settings, sources_, read_file, diagnostics_,
                    [&](Finding finding) { report(std::move(finding)); });
  cross_check(loaded_.settings, facts_.modules, [&](Finding finding) { report(std::move(finding)); });
}

std::string Loading::errors_text() const {
  std::string text;
  auto diagnostics = diagnostics_.all();
  std::stable_sort(diagnostics.begin(), diagnostics.end(), [](const auto& a, const auto& b) {
    return std::tie(a.where.file, a.where.line, a.where.column) < std::tie(b.where.file, b.where.line, b.where.column);
  });
  for (const auto& diagnostic : diagnostics) text += cfg::render(diagnostic, sources_) + "\n";
  text += other_errors_;
  const std::size_t count = diagnostics_.errors() + other_count_;
  if (count > 1) text += "sipwsd: " + std::to_string(count) + " errors in the configuration\n";
  return text;
}

std::variant<Loaded, Stop> Loading::run() {
  if (auto stopped = read_configuration()) return std::move(*stopped);
  if (auto stopped = apply_flags()) return std::move(*stopped);
  check();
  if (diagnostics_.failed() || other_count_ > 0) return Stop{ExitCode::configuration, {}, errors_text()};
  std::vector<std::string> warnings;
  for (const auto& diagnostic : diagnostics_.all()) {
    auto plain = diagnostic;
    plain.severity = cfg::Severity::error;  // the log says that it is a warning
    warnings.push_back(cfg::summary(plain, sources_));
  }
  loaded_.warnings.insert(loaded_.warnings.begin(), warnings.begin(), warnings.end());
  return std::move(loaded_);
}

}  // namespace

std::variant<Loaded, Stop> load(int argc, const char* const* argv, const Listings& listings) {
  auto line = parse_command_line(argc, argv);
  if (!line) return stop(ExitCode::usage, line.error().why);
  if (line->help) return Stop{ExitCode::ok, help_text(), {}};
  if (line->version) return Stop{ExitCode::ok, std::string(product()) + "\n", {}};
  if (line->print_params) return Stop{ExitCode::ok, param_listing(), {}};
  if (line->print_commands)
    return Stop{ExitCode::ok, listings.commands != nullptr ? listings.commands() : std::string(), {}};
  return Loading(*std::move(line), argc, argv).run();
}

}  // namespace sipwsd::config
