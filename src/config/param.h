#pragma once
// One row a parameter. The row names the field of Settings, which holds the default; everything an operator sees of a
// parameter (flag, modparam, range, help, manual) is made from the row.

#include "sipwsd/result.h"

#include "src/config/settings.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace sipwsd::config {

// Fields whose text is more than a number or a string bring their own reader and writer.
struct TextForm {
  Result<void> (*read)(Settings&, std::string_view text);  // for a list: appends
  std::string (*write)(const Settings&);
  void (*clear)(Settings&);  // lists: before the first value of a layer; others: null
};

using Field = std::variant<int Settings::*, std::uint32_t Settings::*, std::size_t Settings::*,
                           std::chrono::seconds Settings::*, std::chrono::milliseconds Settings::*, bool Settings::*,
                           std::string Settings::*, TextForm>;

// Of a number its value, of a string its length. {0, 0} is no limit.
struct Range {
  std::int64_t least = 0;
  std::int64_t most = 0;
};

enum class OutOfRange : std::uint8_t {
  use_default,   // silently, where reference/websocket.md 1 says so
  refuse_start,
};

enum class Reload : std::uint8_t {
  restart,  // read at start only
  running,  // an MI command may change it
};

struct Param {
  std::string_view name;        // in the file; the flag is the same with dashes
  Field field;
  Range range;
  OutOfRange out_of_range = OutOfRange::refuse_start;
  std::string_view placeholder;  // what stands for the value in --help: SECONDS, PATH; the unit
  std::string_view help;         // one sentence, lower case, no full stop
  std::string_view flag = {};    // another name for the flag; "-" for none
  std::string_view refusal = {};  // the exact text of a refusal, where one is laid down
  Reload reload = Reload::restart;
  bool number_as_text = false;   // a string that may also be written as a number: fifo_user
};

// The parameters of one module; `core` are the globals of the file.
struct ParamGroup {
  std::string_view module;
  std::string_view title;  // heading in --help and in the manual
  std::span<const Param> rows;
};

ParamGroup core_params() noexcept;
ParamGroup authentication_params() noexcept;
ParamGroup auth_params() noexcept;
ParamGroup auth_db_params() noexcept;
ParamGroup log_params() noexcept;
ParamGroup tcp_params() noexcept;
ParamGroup limits_params() noexcept;
ParamGroup edge_params() noexcept;
ParamGroup outbound_params() noexcept;
ParamGroup dns_params() noexcept;
ParamGroup tls_params() noexcept;
ParamGroup websocket_params() noexcept;
ParamGroup mi_fifo_params() noexcept;
ParamGroup usrloc_params() noexcept;
ParamGroup registrar_params() noexcept;
ParamGroup tm_params() noexcept;
ParamGroup maxfwd_params() noexcept;

}  // namespace sipwsd::config
