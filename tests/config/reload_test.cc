#include "src/config/reload.h"

#include "src/config/param_table.h"
#include "tests/config/run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

namespace sipwsd::config {
namespace {

using test::run_file;
using test::run_flags;

// A value that is not the default, for rows whose words are their own.
std::string another_value(const Param& param) {
  static const std::map<std::string_view, std::string> words{
      {"alias", "a.example b.example:5060"}, {"log_level", "debug"}, {"server_header", "us"},
      {"allowed_origins", "https://a.example https://*.b.example"}, {"tls_method", "TLSv1.3"},
      {"server_name", "a.example"}, {"certificate", "a.pem,b.pem"}, {"private_key", "a.key,b.key"},
      {"ocsp_response", "a.der"}, {"upstream", "sip:192.0.2.1;transport=tcp sip:a.example"}, {"flow_hold_status", "180"},
      {"dns_servers", "192.0.2.1 [2001:db8::1]:54"}, {"service_route", "<sip:a.example;lr>"}, {"auth_algorithms", "MD5,SHA-512-256"}, {"jwt_key", "a=a.pem,b.pem"}, {"reply_indent", "  \t"}, {"trusted_proxies", "10.0.0.0/8 2001:db8::/32"}, {"limits_exempt", "192.0.2.0/24"}};
  if (const auto word = words.find(param.name); word != words.end()) return word->second;
  if (is_boolean(param)) return default_text(param) == "yes" ? "no" : "yes";
  if (type_of(param) != "integer") return "a word";
  const std::string least = std::to_string(param.range.least), next = std::to_string(param.range.least + 1);
  return default_text(param) == next ? least : next;
}

std::string full_name(const ParamRow& row) {
  return std::string(row.group->module) + "." + std::string(row.param->name);
}

Settings with(const ParamRow& row, const std::string& value) {
  Settings settings;
  const auto set = Layer(settings).set(*row.param, {Input::Form::flag, value, 0});
  EXPECT_TRUE(set) << full_name(row) << ": " << (set ? "" : set.error().why);
  return settings;
}

TEST(Reload, CarriesEveryParameterThatMayChangeFromOneProcessToTheOthers) {
  int rows = 0;
  for (const ParamRow& row : param_rows()) {
    if (row.param->reload != Reload::running) continue;
    ++rows;
    const Settings wanted = with(row, another_value(*row.param));
    Settings there;

    const auto applied = apply_running(running_text(wanted), there);

    ASSERT_TRUE(applied) << full_name(row) << ": " << applied.error().why;
    EXPECT_EQ(print(*row.param, there), print(*row.param, wanted)) << full_name(row);
    EXPECT_NE(print(*row.param, there), default_text(*row.param)) << full_name(row);
    // And back again, also where there is nothing to print.
    ASSERT_TRUE(apply_running(running_text(Settings{}), there)) << full_name(row);
    EXPECT_EQ(print(*row.param, there), default_text(*row.param)) << full_name(row);
  }
  EXPECT_GT(rows, 40);
}

TEST(Reload, LeavesAloneWhatNeedsARestart) {
  Settings wanted;
  wanted.workers = 7;
  wanted.keepalive_timeout = std::chrono::seconds{60};
  Settings there;
  there.workers = 2;

  ASSERT_TRUE(apply_running(running_text(wanted), there));

  EXPECT_EQ(there.workers, 2u);
  EXPECT_EQ(there.keepalive_timeout, std::chrono::seconds{60});
}

TEST(Reload, ChangesNothingWhenTheTextIsBroken) {
  for (const std::string text : {"websocket\tkeepalive_timeout\t60\ncore\tworkers\t7\n", "websocket\tkeepalive_timeout\t60\nwebsocket\tclose_timeout\tsoon\n",
                                 "websocket\tkeepalive_timeout\t60\nwhat\never\t1\n", "websocket\tkeepalive_timeout\t60\ngarbage", "keepalive_timeout"}) {
    Settings there;
    EXPECT_FALSE(apply_running(text, there)) << text;
    EXPECT_EQ(there.keepalive_timeout, Settings{}.keepalive_timeout) << text;
  }
}

TEST(Reload, TellsWhatChangesAndWhatWouldNeedARestart) {
  const Settings now;
  Settings wanted;
  wanted.keepalive_timeout = std::chrono::seconds{60};
  wanted.registrar_retry_after = std::chrono::seconds{9};
  wanted.alias = {"example.org"};
  wanted.workers = 4;

  const Changes changes = changes_between(now, wanted);

  std::string running;
  for (const Change& change : changes.running) running += to_text(change) + "\n";
  EXPECT_EQ(running, "alias: (empty) -> example.org\nwebsocket.keepalive_timeout: 180 -> 60\nregistrar.retry_after: 0 -> 9\n");
  ASSERT_EQ(changes.restart.size(), 1u);
  EXPECT_EQ(to_text(changes.restart[0]), "workers: 0 -> 4");
}

TEST(Reload, SeesNoChangeInWhatIsWrittenDifferently) {
  const auto plain = run_file("alias=a.example b.example\nlisten=ws:127.0.0.1:5060\ntcp_max_connections=99\n");
  const auto other = run_file("alias=a.example\nalias=b.example\nlisten=ws:127.0.0.1:5060\nmax_connections=99\n");
  ASSERT_TRUE(plain.loaded && other.loaded) << plain.errors << other.errors;

  const Changes changes = changes_between(plain.settings, other.settings);

  EXPECT_TRUE(changes.running.empty());
  EXPECT_TRUE(changes.restart.empty());
}

TEST(Reload, SeesANewSocketAndANewAdvertisedAddress) {
  const auto before = run_file("listen=ws:127.0.0.1:5060\n");
  for (const char* after : {"listen=ws:127.0.0.1:5061\n", "listen=ws:127.0.0.1:5060 advertise sip.example.org:443\n"}) {
    const auto changed = run_file(after);
    ASSERT_TRUE(changed.loaded) << changed.errors;
    EXPECT_EQ(changes_between(before.settings, changed.settings).restart.size(), 1u) << after;
  }
}

TEST(Reload, TakesWhatFollowsFromAnotherParameter) {
  const auto before = run_file("server_header=\"one\"\n"), after = run_file("server_header=\"two\"\n");
  ASSERT_TRUE(before.loaded && after.loaded);
  Settings there = before.settings;

  ASSERT_TRUE(apply_running(running_text(after.settings), there));

  EXPECT_EQ(there.server_header, "two");
  EXPECT_EQ(there.ping_application_data, "two");
}

}  // namespace
}  // namespace sipwsd::config
