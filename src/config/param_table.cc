#include "src/config/param_table.h"

#include "src/base/overload.h"
#include "src/cfg/diagnostic.h"
#include "src/cfg/lexer.h"

#include <algorithm>
#include <array>

namespace sipwsd::config {
namespace {

const Settings& defaults() {
  static const Settings settings;
  return settings;
}

Error wrong_type(const Param& param, std::string_view example) {
  return {Errc::malformed, std::string(param.name) + " takes " + (type_of(param) == "integer" ? "an " : "a ") +
                               std::string(type_of(param)) + "; write " + std::string(example)};
}

Error out_of_range(const Param& param, std::string_view shown) {
  if (!param.refusal.empty()) return {Errc::out_of_range, std::string(param.refusal)};
  const bool text = std::holds_alternative<std::string Settings::*>(param.field);
  return {Errc::out_of_range, std::string(param.name) + (text ? " has the wrong length" : " is out of range") + "; " +
                                  (text ? "write " + range_text(param) + " bytes"
                                        : std::string(shown) + " is not in " + range_text(param))};
}

bool is_octal(const Param& param) { return param.placeholder == "MODE"; }

std::string number_text(const Param& param, std::int64_t number) {
  if (!is_octal(param)) return std::to_string(number);
  std::string digits;
  for (; number > 0; number /= 8) digits.insert(0, 1, static_cast<char>('0' + number % 8));
  return "0" + digits;
}

bool in_range(const Param& param, std::int64_t value) {
  return (param.range.least == 0 && param.range.most == 0) ||
         (value >= param.range.least && value <= param.range.most);
}

// --- numbers of any unit

Result<std::int64_t> read_number(const Param& param, const Input& input) {
  if (input.form == Input::Form::number) return input.number;
  if (input.form == Input::Form::flag) {
    const bool negative = input.text.starts_with('-');
    if (const auto number = cfg::parse_integer(std::string_view(input.text).substr(negative ? 1 : 0)))
      return negative ? -*number : *number;
    return wrong_type(param, "a number");
  }
  return wrong_type(param, "a number without quotes");
}

template <typename T>
std::int64_t to_number(T value) { return static_cast<std::int64_t>(value); }
template <typename Period>
std::int64_t to_number(std::chrono::duration<std::int64_t, Period> value) { return value.count(); }

template <typename T>
Result<void> set_number(Settings& settings, T Settings::* field, const Param& param, const Input& input) {
  const auto number = read_number(param, input);
  if (!number) return number.error();
  if (!in_range(param, *number)) {
    if (param.out_of_range == OutOfRange::refuse_start) return out_of_range(param, std::to_string(*number));
    settings.*field = defaults().*field;
    return {};
  }
  settings.*field = static_cast<T>(*number);
  return {};
}

// --- the other types

Result<void> set_boolean(Settings& settings, bool Settings::* field, const Param& param, const Input& input) {
  const std::string text = input.form == Input::Form::number ? std::to_string(input.number) : input.text;
  const auto value = input.form == Input::Form::quoted ? std::nullopt : parse_boolean(text);
  if (!value) return wrong_type(param, "yes or no");
  settings.*field = *value;
  return {};
}

Result<std::string> read_text(const Param& param, const Input& input) {
  if (input.form == Input::Form::number && !param.number_as_text)
    return wrong_type(param, "it in double quotes");
  // One value ends up in a header, a log line or a file name: nothing that could end it early.
  for (const char c : input.text)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t')
      return Error{Errc::malformed, std::string(param.name) + " must not hold control characters; remove them"};
  return input.text;
}

Result<void> set_text(Settings& settings, std::string Settings::* field, const Param& param, const Input& input) {
  auto text = read_text(param, input);
  if (!text) return text.error();
  if (!in_range(param, static_cast<std::int64_t>(text->size()))) {
    if (param.out_of_range == OutOfRange::refuse_start) return out_of_range(param, *text);
    settings.*field = defaults().*field;
    return {};
  }
  settings.*field = *std::move(text);
  return {};
}

Result<void> set_form(Settings& settings, const TextForm& form, const Param& param, const Input& input) {
  auto text = read_text(param, input);
  if (!text) return text.error();
  return form.read(settings, *text);
}

}  // namespace

std::span<const ParamGroup> param_groups() {
  static const std::array groups{core_params(),     authentication_params(), log_params(),     tcp_params(),
                                 limits_params(),   edge_params(),           outbound_params(), dns_params(),
                                 tls_params(),      websocket_params(),      mi_fifo_params(), usrloc_params(),
                                 registrar_params(), auth_params(),          auth_db_params(), tm_params(),
                                 maxfwd_params()};
  return groups;
}

std::vector<ParamRow> param_rows() {
  std::vector<ParamRow> rows;
  for (const auto& group : param_groups())
    for (const auto& param : group.rows) rows.push_back({&group, &param});
  return rows;
}

std::optional<ParamRow> find_param(std::string_view module, std::string_view name) {
  for (const auto& group : param_groups())
    if (group.module == module)
      for (const auto& param : group.rows)
        if (param.name == name) return ParamRow{&group, &param};
  return std::nullopt;
}

std::vector<std::string_view> param_names(std::string_view module) {
  std::vector<std::string_view> names;
  for (const auto& row : param_rows())
    if (row.group->module == module) names.push_back(row.param->name);
  return names;
}

std::string flag_of(const Param& param) {
  if (param.flag == "-") return {};
  std::string flag(param.flag.empty() ? param.name : param.flag);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

bool is_list(const Param& param) noexcept {
  const auto* form = std::get_if<TextForm>(&param.field);
  return form != nullptr && form->clear != nullptr;
}

bool is_boolean(const Param& param) noexcept { return std::holds_alternative<bool Settings::*>(param.field); }

std::string_view type_of(const Param& param) noexcept {
  return std::visit(base::Overload{[](bool Settings::*) { return std::string_view("boolean"); },
                             [](std::string Settings::*) { return std::string_view("string"); },
                             [](const TextForm& form) { return std::string_view(form.clear ? "list" : "string"); },
                             [](auto) { return std::string_view("integer"); }},
                    param.field);
}

std::string range_text(const Param& param) {
  if (param.range.least == 0 && param.range.most == 0) return {};
  return number_text(param, param.range.least) + ".." + number_text(param, param.range.most);
}

std::string print(const Param& param, const Settings& settings) {
  return std::visit(
      base::Overload{[&](bool Settings::* field) { return std::string(settings.*field ? "yes" : "no"); },
               [&](std::string Settings::* field) { return settings.*field; },
               [&](const TextForm& form) { return form.write(settings); },
               [&](auto field) { return number_text(param, to_number(settings.*field)); }},
      param.field);
}

std::string default_text(const Param& param) { return print(param, defaults()); }

Result<void> Layer::set(const Param& param, const Input& input) {
  const bool first = given_.insert(&param).second;
  return std::visit(
      base::Overload{[&](bool Settings::* field) { return set_boolean(settings_, field, param, input); },
               [&](std::string Settings::* field) { return set_text(settings_, field, param, input); },
               [&](const TextForm& form) {
                 if (first && form.clear != nullptr) form.clear(settings_);
                 return set_form(settings_, form, param, input);
               },
               [&](auto field) { return set_number(settings_, field, param, input); }},
      param.field);
}

std::optional<bool> parse_boolean(std::string_view word) noexcept {
  for (const std::string_view yes : {"yes", "on", "true", "enable", "enabled", "1"})
    if (word == yes) return true;
  for (const std::string_view no : {"no", "off", "false", "disable", "disabled", "0"})
    if (word == no) return false;
  return std::nullopt;
}

std::string param_listing() {
  std::string out;
  for (const auto& [group, param] : param_rows()) {
    // The manual is the same on every machine and for every version.
    const std::string value = default_text(*param);
    const std::string printed = value == product() ? "product, version and system" : log::escaped(value);
    for (const std::string& column :
         {std::string(group->module), std::string(group->title), std::string(param->name), flag_of(*param),
          std::string(param->placeholder), std::string(type_of(*param)), printed, range_text(*param),
          std::string(param->out_of_range == OutOfRange::use_default ? "default" : "refuse"),
          std::string(param->reload == Reload::running ? "running" : "restart")})
      out += column + "\t";
    out += std::string(param->help) + "\n";
  }
  return out;
}

}  // namespace sipwsd::config
