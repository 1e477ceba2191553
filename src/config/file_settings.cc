#include "src/config/file_settings.h"

#include "src/base/overload.h"
#include "src/base/text.h"
#include "src/config/compatibility.h"

#include <utility>
#include <vector>

namespace sipwsd::config {
namespace {

Input input_of(const cfg::Value& value) {
  switch (value.kind) {
    case cfg::Value::Kind::integer: return {Input::Form::number, value.text, value.number};
    case cfg::Value::Kind::string: return {Input::Form::quoted, value.text, 0};
    case cfg::Value::Kind::word: return {Input::Form::word, value.text, 0};
  }
  return {};
}

// An Error says "what; what to write instead" in one text.
void report(cfg::Diagnostics& diagnostics, cfg::Position where, const Error& error) {
  const auto semicolon = error.why.find("; ");
  if (semicolon == std::string::npos) return diagnostics.error(where, error.why);
  diagnostics.error(where, error.why.substr(0, semicolon), error.why.substr(semicolon + 2));
}

std::string as_modparam(const ParamRow& row) {
  return "modparam(\"" + std::string(row.group->module) + "\", \"" + std::string(row.param->name) + "\", value)";
}

// For a global nobody knows: perhaps it belongs to a module.
std::string hint_for_global(std::string_view name) {
  std::vector<std::string_view> of_modules;
  for (const auto& row : param_rows()) {
    if (row.param->name == name) return "write " + as_modparam(row);
    of_modules.push_back(row.param->name);
  }
  std::string hint = cfg::did_you_mean(name, global_names());
  if (!hint.empty()) return hint;
  if (const auto near = cfg::nearest(name, of_modules))
    for (const auto& row : param_rows())
      if (row.param->name == *near) return "did you mean " + as_modparam(row) + "?";
  return "see sipwsd.cfg(5)";
}

class FileReader {
 public:
  FileReader(Settings& settings, cfg::Diagnostics& diagnostics)
      : settings_(settings), layer_(settings), diagnostics_(diagnostics) {}

  void read(const cfg::Global& global);
  void read(const cfg::LoadModule& load);
  void read(const cfg::ModParam& param);
  void read(const cfg::FlagName&) {}  // route blocks use them
  void read(const cfg::RouteBlock& block);
  FileFacts facts() && { return std::move(facts_); }

 private:
  void set(const Param& param, const Input& input, cfg::Position where);
  void set_debug(const cfg::Global& global);
  void set_list(const Param& param, const cfg::Global& global);
  void set_in_module(std::string_view module, const cfg::ModParam& param);
  std::string modules_named(const cfg::ModParam& param, std::vector<std::string_view>& loaded);

  const Settings& settings_;
  Layer layer_;
  cfg::Diagnostics& diagnostics_;
  FileFacts facts_;
  bool route_blocks_seen_ = false;
};

void FileReader::set(const Param& param, const Input& input, cfg::Position where) {
  facts_.set_at[&param] = where;
  if (auto set = layer_.set(param, input); !set) report(diagnostics_, where, set.error());
  facts_.listen_at.resize(settings_.listen.size(), where);  // one value may be several sockets
}

void FileReader::set_debug(const cfg::Global& global) {
  const cfg::Value& value = global.values.front();
  if (value.kind != cfg::Value::Kind::integer)
    return diagnostics_.error(value.where, "debug takes a number", "write debug=2, or log_level=info");
  const auto row = find_param("core", "log_level");
  set(*row->param, {Input::Form::word, std::string(level_of_debug(value.number)), 0}, value.where);
}

// `listen=A advertise B`, `alias=a b c`: every value stands alone, but for what follows `advertise`.
void FileReader::set_list(const Param& param, const cfg::Global& global) {
  for (std::size_t i = 0; i < global.values.size(); ++i) {
    const cfg::Value& value = global.values[i];
    Input input = input_of(value);
    input.form = Input::Form::word;
    if (i + 1 < global.values.size() && global.values[i + 1].text == "advertise") {
      if (i + 2 >= global.values.size())
        return diagnostics_.error(global.values[i + 1].where, "advertise needs an address",
                                  "write listen=PROTO:ADDRESS:PORT advertise ADDRESS:PORT");
      input.text += " advertise " + global.values[i + 2].text;
      i += 2;
    }
    set(param, input, value.where);
  }
}

void FileReader::read(const cfg::Global& global) {
  if (global.name.find('.') != std::string::npos)
    return diagnostics_.warning(global.where, cfg::in_quotes(global.name) + " is ignored",
                                "variables of this kind are for route blocks");
  if (global.name == "debug") return set_debug(global);
  std::string_view name = global.name;
  for (const auto& other : other_names())
    if (name == other.name) name = other.ours;
  const auto row = find_param("core", name);
  if (!row) {
    if (is_ignored_global(global.name))
      return diagnostics_.warning(global.where, global.name + " is ignored", "it has no effect here");
    return diagnostics_.error(global.where, "no parameter is called " + cfg::in_quotes(global.name),
                              hint_for_global(global.name));
  }
  const Param& param = *row->param;
  if (is_list(param)) return set_list(param, global);
  Input input = input_of(global.values.front());
  for (std::size_t i = 1; i < global.values.size(); ++i) {
    const cfg::Value& value = global.values[i];
    if (input.form != Input::Form::quoted || value.kind != cfg::Value::Kind::string)
      return diagnostics_.error(value.where, global.name + " takes one value", "remove the others");
    input.text += value.text;  // "a" "b" is one string
  }
  set(param, input, global.values.front().where);
}

void FileReader::read(const cfg::LoadModule& load) {
  std::string_view name = load.name;
  if (const auto slash = name.rfind('/'); slash != std::string_view::npos) name.remove_prefix(slash + 1);
  if (name.ends_with(".so")) name.remove_suffix(3);
  if (!is_module(name))
    return diagnostics_.error(load.where, "no module is called " + cfg::in_quotes(load.name),
                              cfg::did_you_mean(name, module_names(), "remove the line"));
  facts_.modules.emplace(name);
}

void FileReader::set_in_module(std::string_view module, const cfg::ModParam& param) {
  if (const auto row = find_param(module, param.name.text)) {
    Input input = input_of(param.value);
    // A module parameter is a number or a quoted string; lists and words come quoted too.
    if (input.form == Input::Form::quoted && is_boolean(*row->param)) input.form = Input::Form::word;
    return set(*row->param, input, param.value.where);
  }
  const std::string what = "module " + std::string(module) + " has no parameter " + cfg::in_quotes(param.name.text);
  if (is_ignored_param(module, param.name.text))
    return diagnostics_.warning(param.name.where, std::string(module) + "." + param.name.text + " is ignored",
                                "it has no effect here");
  diagnostics_.error(param.name.where, what,
                     cfg::did_you_mean(param.name.text, module_param_names(module), "see sipwsd.cfg(5)"));
}

// The loaded ones among "a|b"; the text is what is wrong with the others when none is.
std::string FileReader::modules_named(const cfg::ModParam& param, std::vector<std::string_view>& loaded) {
  std::string unknown;
  for (const std::string_view name : base::split(param.modules.text, '|')) {
    if (facts_.modules.contains(name))
      loaded.push_back(name);
    else if (!is_module(name))
      unknown = name;
  }
  return unknown;
}

void FileReader::read(const cfg::ModParam& param) {
  std::vector<std::string_view> loaded;
  const std::string unknown = modules_named(param, loaded);
  if (loaded.empty() && !unknown.empty())
    return diagnostics_.error(param.where, "no module is called " + cfg::in_quotes(unknown),
                              cfg::did_you_mean(unknown, module_names(), "globals are set as name=value"));
  if (loaded.empty())
    return diagnostics_.error(param.where, "module " + param.modules.text + " is not loaded yet",
                              "write loadmodule \"" + param.modules.text + ".so\" in a line before this one");
  for (const std::string_view module : loaded) set_in_module(module, param);
}

void FileReader::read(const cfg::RouteBlock& block) {
  if (std::exchange(route_blocks_seen_, true)) return;
  diagnostics_.error(block.where, "route blocks are not supported yet by this version",
                     "remove them to use the built-in edge stage");
}

}  // namespace

FileFacts apply_file(const cfg::Program& program, Settings& settings, cfg::Diagnostics& diagnostics) {
  FileReader reader(settings, diagnostics);
  for (const auto& item : program.items) std::visit([&](const auto& node) { reader.read(node); }, item);
  return std::move(reader).facts();
}

}  // namespace sipwsd::config
