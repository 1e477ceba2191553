#pragma once
// All parameter rows: find, set, print. A value is checked against the row's type and range here and nowhere else.

#include "src/config/param.h"

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sipwsd::config {

std::span<const ParamGroup> param_groups();

struct ParamRow {
  const ParamGroup* group = nullptr;
  const Param* param = nullptr;
};
std::vector<ParamRow> param_rows();  // in the order of the manual
std::optional<ParamRow> find_param(std::string_view module, std::string_view name);
std::vector<std::string_view> param_names(std::string_view module);

// `keepalive-timeout`; empty when the parameter has no flag.
std::string flag_of(const Param& param);
bool is_list(const Param& param) noexcept;
bool is_boolean(const Param& param) noexcept;
std::string_view type_of(const Param& param) noexcept;     // integer, boolean, string, list
std::string range_text(const Param& param);                // `1..3600`; empty when there is none
std::string print(const Param& param, const Settings& settings);  // as the file would have it, without quotes
std::string default_text(const Param& param);

// A value as the file or a flag gave it.
struct Input {
  enum class Form : std::uint8_t {
    number,   // 30
    quoted,   // "text"
    word,     // yes, LOG_DAEMON: bare text of a global
    flag,     // from the command line: whatever the type wants
  } form{};
  std::string text;
  std::int64_t number = 0;
};

// One layer of settings over another: the file over the defaults, the flags over the file. The first value a layer
// gives a list replaces what is below; later ones are added.
class Layer {
 public:
  explicit Layer(Settings& settings) : settings_(settings) {}
  Result<void> set(const Param& param, const Input& input);

 private:
  Settings& settings_;
  std::set<const Param*> given_;
};

// yes on true enable 1 / no off false disable 0
std::optional<bool> parse_boolean(std::string_view word) noexcept;

// For scripts/gen-man: one line a row, tab separated: module, title, name, flag, placeholder, type, default, range,
// policy, reload, help.
std::string param_listing();

}  // namespace sipwsd::config
