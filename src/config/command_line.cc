#include "src/config/command_line.h"

#include "src/cfg/diagnostic.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <deque>

namespace sipwsd::config {
namespace {

constexpr const char* start_group = "Starting";
constexpr const char* hidden = "";

// CLI11 writes into these; they must not move while it parses.
struct Storage {
  CommandLine line;
  std::string config_file;
  std::vector<std::string> definitions;
  std::deque<std::pair<const Param*, std::vector<std::string>>> values;
};

void add_fixed(CLI::App& app, Storage& storage) {
  CommandLine& line = storage.line;
  app.add_option("-f,--config", storage.config_file, "read this configuration file")
      ->type_name("FILE")->group(start_group);
  app.add_flag("-c,--check", line.check, "say whether the configuration is good, and exit")->group(start_group);
  app.add_flag("-F,--foreground", line.foreground, "stay in the foreground and write the log to standard error")
      ->group(start_group);
  app.add_flag("--demo", line.demo, "serve the built-in phone page, on loopback only; stays in the foreground")
      ->group(start_group);
  app.add_option("-A", storage.definitions, "define ID for the configuration file, as #!define does")
      ->type_name("ID[=TEXT]")->group(start_group)->allow_extra_args(false);
  app.add_flag("-h,--help", line.help, "print this and exit")->group(start_group);
  app.add_flag("-v,--version", line.version, "print the version and exit")->group(start_group);
  app.add_flag("--print-params", line.print_params)->group(hidden);
  app.add_flag("--print-commands", line.print_commands)->group(hidden);
}

void add_params(CLI::App& app, Storage& storage) {
  for (const auto& [group, param] : param_rows()) {
    const std::string flag = flag_of(*param);
    if (flag.empty()) continue;
    auto& [row, values] = storage.values.emplace_back(param, std::vector<std::string>{});
    CLI::Option* option = nullptr;
    if (is_boolean(*param)) {
      const std::string shorter = flag == "log-stderr" ? "-E," : "";
      option = app.add_flag(shorter + "--" + flag + ",!--no-" + flag, values, std::string(param->help));
    } else {
      option = app.add_option("--" + flag, values, std::string(param->help));
      option->type_name(std::string(param->placeholder))->expected(1)->allow_extra_args(false);
    }
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->group(std::string(group->title));
  }
}

// Flags win over their short forms and `no-` twins for a hint, so only the long ones are offered.
std::string unknown_flag(const CLI::App& app, const std::string& given) {
  const std::string name = given.substr(0, given.find('='));
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const auto& known : option->get_lnames()) names.push_back("--" + known);
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  if (!given.starts_with('-'))
    return "unexpected word " + cfg::in_quotes(given) + "; parameters are flags, see --help";
  return "unknown flag " + name + "; " + cfg::did_you_mean(name, candidates, "see --help");
}

struct Layout {
  static constexpr std::size_t column = 34;
  static constexpr std::size_t width = 96;
};

// `text` wrapped behind a column that `out`'s last line may not have reached.
void append_wrapped(std::string& out, std::size_t used, std::string_view text) {
  if (used + 2 > Layout::column) {
    out += "\n";
    used = 0;
  }
  out.append(Layout::column - used, ' ');
  std::size_t at = Layout::column;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    if (at > Layout::column && at + 1 + word.size() > Layout::width) {
      out += "\n" + std::string(Layout::column, ' ');
      at = Layout::column;
    } else if (at > Layout::column) {
      out += ' ';
      ++at;
    }
    out += word;
    at += word.size();
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  out += "\n";
}

std::string flag_names(const CLI::Option& option) {
  std::string names;
  for (const auto& name : option.get_snames()) names += (names.empty() ? "-" : ", -") + name;
  for (const auto& name : option.get_lnames())
    if (!name.starts_with("no-")) names += (names.empty() ? "    --" : ", --") + name;
  if (option.get_items_expected_max() > 0 && !option.get_type_name().empty()) names += " " + option.get_type_name();
  return names;
}

std::string described(const CLI::Option& option, const Storage& storage) {
  for (const auto& [param, values] : storage.values) {
    if (option.get_lnames().empty() || option.get_lnames().front() != flag_of(*param)) continue;
    const std::string value = default_text(*param);
    const std::string range = range_text(*param);
    std::string notes = range.empty() || type_of(*param) != "integer" ? "" : range;
    const bool plain = !value.empty() && value != "\t" && value != product();
    if (plain && !is_boolean(*param)) notes += (notes.empty() ? "default " : ", default ") + value;
    if (is_boolean(*param) && value == "yes") notes = "default; --no-" + flag_of(*param) + " says no";
    return std::string(param->help) + (notes.empty() ? "" : " (" + notes + ")");
  }
  return option.get_description();
}

void configure(CLI::App& app, Storage& storage) {
  app.set_help_flag();
  app.allow_extras();
  add_fixed(app, storage);
  add_params(app, storage);
}

}  // namespace

Result<CommandLine> parse_command_line(int argc, const char* const* argv) {
  CLI::App app;
  Storage storage;
  configure(app, storage);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11's words name the flag: "--listen: 1 required PROTO:ADDR:PORT missing"
    return Error{Errc::malformed, std::string(error.what()) + "; see --help"};
  }
  if (const auto extras = app.remaining(); !extras.empty())
    return Error{Errc::malformed, unknown_flag(app, extras.front())};
  if (app.count("--config") > 0) storage.line.config_file = storage.config_file;
  for (const auto& definition : storage.definitions) {
    const auto equals = definition.find('=');
    if (!cfg::is_identifier(std::string_view(definition).substr(0, equals)))
      return Error{Errc::malformed,
                   "-A " + cfg::in_quotes(definition) + " defines no identifier; write -A ID or -A ID=text"};
    storage.line.definitions.push_back(
        {definition.substr(0, equals), equals == std::string::npos ? "" : definition.substr(equals + 1)});
  }
  for (const auto& [param, values] : storage.values)
    for (const auto& value : values) storage.line.values.push_back({param, value});
  return std::move(storage.line);
}

std::string help_text() {
  CLI::App app;
  Storage storage;
  configure(app, storage);
  std::string out =
      "Usage: sipwsd [-f FILE] [-F] [flags]\n"
      "SIP over WebSocket for phones in browsers. Flags win over the configuration file, sipwsd.cfg(5).\n";
  std::string group;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    if (option->get_group() != group) out += "\n" + (group = option->get_group()) + "\n";
    const std::string names = "  " + flag_names(*option);
    out += names;
    append_wrapped(out, names.size(), described(*option, storage));
  }
  return out;
}

}  // namespace sipwsd::config
