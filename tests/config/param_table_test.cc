#include "src/config/param_table.h"

#include "tests/config/run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace sipwsd::config {
namespace {

using test::run_file;
using test::run_flags;

bool is_integer(const Param& param) { return type_of(param) == "integer"; }
// How the file sets a parameter.
std::string line_for(const ParamRow& row, const std::string& value) {
  const std::string module(row.group->module);
  const std::string name(row.param->name);
  if (module == "core") return name + "=" + value + "\n";
  return "loadmodule \"" + module + ".so\"\nmodparam(\"" + module + "\", \"" + name + "\", " + value + ")\n";
}

// db_mode wants one beside it.
const std::string with_database = "loadmodule \"usrloc.so\" modparam(\"usrloc\", \"db_url\", \"sqlite:///x/location.db\")\n";

// Values within the range that are not the default, for rows whose words are their own.
std::string another_value(const Param& param) {
  static const std::map<std::string_view, std::string> words{
      {"listen", "ws:127.0.0.1:1"}, {"alias", "a.example"}, {"auth_mode", "none"}, {"log_level", "debug"},
      {"log_facility", "LOG_LOCAL3"}, {"upstream", "sip:192.0.2.1;transport=tcp"}, {"peers", "10.0.0.0/8"}, {"flow_hold_status", "180"},
      {"dns_servers", "192.0.2.1:53"}, {"service_route", "<sip:a.example;lr>"}, {"server_header", "us"},
      {"auth_algorithms", "SHA-256"}, {"ws_auth", "none"}, {"db_url", "sqlite:///x/other"},
      {"allowed_origins", "https://a.example"}, {"sandbox", "try"}, {"trusted_proxies", "10.0.0.0/8"}, {"limits_exempt", "10.0.0.0/8 ::2"},
      // these must fit the defaults of others
      {"letter_ring_bytes", "131072"}, {"restart_delay", "50"}, {"retr_timer1", "400"}, {"retr_timer2", "5000"},
      {"restart_delay_max", "200"}, {"min_expires", "50"}, {"max_expires", "61"}, {"sub_protocols", "3"},
      {"reply_dir", "/x/"}, {"tls_method", "TLSv1.3"}, {"server_name", "a.example"}, {"config", "/dev/null"},
      {"ticket_lifetime", "100"}};
  if (const auto word = words.find(param.name); word != words.end()) return word->second;
  if (is_boolean(param)) return default_text(param) == "yes" ? "no" : "yes";
  if (is_integer(param)) {
    const auto inner = param.range.most == 0 ? 7 : param.range.most - 1;
    const bool is_default = std::to_string(inner) == default_text(param);
    return std::to_string(is_default ? inner - 1 : inner);
  }
  return "/x/other";
}

TEST(ParamTable, HasOneRowAndOneFlagForEachName) {
  std::set<std::pair<std::string_view, std::string_view>> names;
  std::set<std::string> flags{"config", "check", "foreground", "demo", "help", "version", "print-params",
                              "print-commands"};
  for (const auto& [group, param] : param_rows()) {
    EXPECT_TRUE(names.insert({group->module, param->name}).second) << param->name;
    const std::string flag = flag_of(*param);
    EXPECT_TRUE(flag.empty() || flags.insert(flag).second) << flag;
  }
  EXPECT_GT(names.size(), 60u);
}

TEST(ParamTable, SaysSomethingAboutEachParameterAndHasItsDefaultInRange) {
  const Settings settings;
  for (const auto& [group, param] : param_rows()) {
    EXPECT_FALSE(param->help.empty()) << param->name;
    EXPECT_FALSE(param->help.ends_with('.')) << param->name;
    EXPECT_EQ(param->placeholder.empty(), is_boolean(*param)) << param->name;
    if (!is_integer(*param) || param->range.most == 0) continue;
    const std::int64_t value = std::stoll(default_text(*param), nullptr, 0);
    EXPECT_GE(value, param->range.least) << param->name;
    EXPECT_LE(value, param->range.most) << param->name;
  }
}

TEST(ParamTable, SetsEachParameterFromTheFile) {
  for (const auto& row : param_rows()) {
    const std::string value = another_value(*row.param);
    const bool quote = !is_integer(*row.param) && !is_boolean(*row.param);
    std::string text = line_for(row, quote ? '"' + value + '"' : value);
    if (row.param->name != "fifo_name")
      text = "loadmodule \"mi_fifo\" modparam(\"mi_fifo\", \"fifo_name\", \"/f\")\n" + text;
    if (row.param->name == "db_mode") text += with_database;
    const auto run = run_file(text);
    ASSERT_TRUE(run.loaded) << text << run.errors;
    const std::string expected = row.param->name == "sub_protocols" ? "1" : value;  // no msrp yet
    const std::string printed = print(*row.param, run.settings);
    EXPECT_EQ(row.param->name == "fifo_mode" ? std::to_string(std::stoll(printed, nullptr, 8)) : printed, expected)
        << text;
  }
}

TEST(ParamTable, LetsTheFlagOfEachParameterWinOverTheFile) {
  for (const auto& row : param_rows()) {
    const std::string flag = flag_of(*row.param);
    if (flag.empty() || row.param->name == "sub_protocols") continue;
    const std::string in_file = default_text(*row.param);
    const std::string value = another_value(*row.param);
    const bool quote = !is_integer(*row.param) && !is_boolean(*row.param);
    std::string text;
    if (!in_file.empty()) text = line_for(row, quote ? '"' + in_file + '"' : in_file);
    if (row.group->module == "mi_fifo")
      text = "loadmodule \"mi_fifo\" modparam(\"mi_fifo\", \"fifo_name\", \"/f\")\n" + text;
    if (row.param->name == "db_mode") text += with_database;
    const auto run = run_file(text, {is_boolean(*row.param) ? (value == "yes" ? "--" : "--no-") + flag
                                                            : "--" + flag + "=" + value});
    ASSERT_TRUE(run.loaded) << text << run.errors;
    const std::string printed = print(*row.param, run.settings);
    EXPECT_EQ(row.param->name == "fifo_mode" ? std::to_string(std::stoll(printed, nullptr, 8)) : printed, value)
        << flag;
  }
}

TEST(ParamTable, RefusesOrResetsWhatIsOutOfRange) {
  for (const auto& row : param_rows()) {
    const Param& param = *row.param;
    if (!is_integer(param) || param.range.most == 0) continue;
    for (const std::int64_t outside : {param.range.least - 1, param.range.most + 1}) {
      const auto run = run_flags({"--" + flag_of(param) + "=" + std::to_string(outside)});
      if (param.out_of_range == OutOfRange::use_default) {
        ASSERT_TRUE(run.loaded) << param.name;
        EXPECT_EQ(print(param, run.settings), default_text(param)) << param.name;
        EXPECT_EQ(run.warnings, "") << param.name;
      } else {
        EXPECT_FALSE(run.loaded) << param.name << " " << outside;
        EXPECT_EQ(run.code, ExitCode::usage);
        const std::string why = param.refusal.empty()
                                    ? std::string(param.name) + " is out of range; " + std::to_string(outside) +
                                          " is not in " + range_text(param)
                                    : std::string(param.refusal);
        EXPECT_EQ(run.errors, "sipwsd: --" + flag_of(param) + ": " + why + "\n");
      }
    }
  }
}

TEST(ParamTable, RefusesTheWrongType) {
  for (const auto& row : param_rows()) {
    const Param& param = *row.param;
    if (param.number_as_text) continue;
    const std::string wrong = is_integer(param) || is_boolean(param) ? "\"x\"" : "17";
    const auto run = run_file(line_for(row, wrong));
    EXPECT_FALSE(run.loaded) << param.name;
    EXPECT_EQ(run.code, ExitCode::configuration);
    const std::string what = std::string(param.name) + " takes " + (is_integer(param) ? "an " : "a ") +
                             std::string(type_of(param));
    EXPECT_TRUE(is_list(param) || run.errors.find(what) != std::string::npos) << run.errors;
  }
}

TEST(ParamTable, TakesTextOfTheRightLengthOnly) {
  const std::string longest(125, 'p');
  EXPECT_EQ(run_flags({"--ping-application-data=" + longest}).settings.ping_application_data, longest);
  EXPECT_EQ(run_flags({"--ping-application-data=" + longest + "p"}).settings.ping_application_data, product());
  EXPECT_EQ(run_flags({"--ping-application-data", ""}).settings.ping_application_data, product());
  EXPECT_EQ(run_flags({"--log-name", ""}).errors,
            "sipwsd: --log-name: log_name has the wrong length; write 1..64 bytes\n");
  EXPECT_EQ(run_flags({"--stage", "a\nb"}).errors,
            "sipwsd: --stage: stage must not hold control characters; remove them\n");
}

TEST(ParamTable, ReadsTheWordsOfABoolean) {
  for (const char* yes : {"yes", "on", "true", "enable", "1"}) EXPECT_EQ(parse_boolean(yes), true) << yes;
  for (const char* no : {"no", "off", "false", "disable", "0"}) EXPECT_EQ(parse_boolean(no), false) << no;
  for (const char* neither : {"", "maybe", "2", "YES"}) EXPECT_EQ(parse_boolean(neither), std::nullopt) << neither;
}

TEST(ParamTable, ReadsModesInOctalAndNumbersInAnyBase) {
  EXPECT_EQ(run_flags({"--fifo-mode", "0620"}).settings.fifo_mode, 0620u);
  EXPECT_EQ(run_flags({"--workers", "0x10"}).settings.workers, 16u);
  EXPECT_EQ(run_flags({"--fifo-mode", "01000"}).errors,
            "sipwsd: --fifo-mode: fifo_mode is out of range; 512 is not in 0..0777\n");
}

TEST(ParamTable, ListsElevenColumnsARow) {
  const std::string listing = param_listing();
  std::size_t lines = 0;
  for (std::size_t at = 0; at < listing.size(); ++lines) {
    const auto end = listing.find('\n', at);
    const std::string line = listing.substr(at, end - at);
    EXPECT_EQ(std::count(line.begin(), line.end(), '\t'), 10) << line;
    at = end + 1;
  }
  EXPECT_EQ(lines, param_rows().size());
  EXPECT_NE(listing.find("websocket\tWebSocket\tkeepalive_timeout\tkeepalive-timeout\tSECONDS\tinteger\t180\t1..3600\t"
                         "default\trunning\tidle time before"),
            std::string::npos);
}

}  // namespace
}  // namespace sipwsd::config
