#include "src/config/reload.h"

#include "src/config/param_table.h"

#include <utility>

namespace sipwsd::config {
namespace {

// `core` is what the file calls nothing; every other name needs its module, as `retry_after` is there twice.
std::string full_name(const ParamRow& row) {
  const std::string name(row.param->name);
  return row.group->module == "core" ? name : std::string(row.group->module) + "." + name;
}

Result<void> set(const ParamRow& row, std::string_view value, Settings& settings) {
  // print() says nothing for an empty list, and no reader takes nothing for a value.
  if (value.empty() && is_list(*row.param)) {
    std::get<TextForm>(row.param->field).clear(settings);
    return {};
  }
  return Layer(settings).set(*row.param, {Input::Form::flag, std::string(value), 0});
}

std::string_view take_until(std::string_view& text, char end) {
  const auto at = text.find(end);
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return part;
}

}  // namespace

std::string to_text(const Change& change) {
  const auto shown = [](const std::string& value) { return value.empty() ? std::string("(empty)") : value; };
  return change.parameter + ": " + shown(change.before) + " -> " + shown(change.after);
}

Changes changes_between(const Settings& now, const Settings& wanted) {
  Changes changes;
  for (const ParamRow& row : param_rows()) {
    Change change{full_name(row), print(*row.param, now), print(*row.param, wanted)};
    if (change.before == change.after) continue;
    (row.param->reload == Reload::running ? changes.running : changes.restart).push_back(std::move(change));
  }
  return changes;
}

// module TAB name TAB value; a value holds no line feed (param_table.cc, read_text), but it may be a TAB.
std::string running_text(const Settings& settings) {
  std::string text;
  for (const ParamRow& row : param_rows())
    if (row.param->reload == Reload::running)
      text.append(row.group->module).append("\t").append(row.param->name).append("\t").append(print(*row.param, settings)).append("\n");
  return text;
}

Result<void> apply_running(std::string_view text, Settings& settings) {
  Settings changed = settings;
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    const std::string_view module = take_until(line, '\t');
    const std::string_view name = take_until(line, '\t');
    const auto row = find_param(module, name);
    if (!row || row->param->reload != Reload::running)
      return Error{Errc::malformed, "no parameter that may change: " + std::string(module) + "." + std::string(name)};
    if (print(*row->param, changed) == line) continue;
    if (auto done = set(*row, line, changed); !done) return done;
  }
  settings = std::move(changed);
  return {};
}

}  // namespace sipwsd::config
