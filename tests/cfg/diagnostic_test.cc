#include "src/cfg/diagnostic.h"

#include <gtest/gtest.h>

#include <array>

namespace sipwsd::cfg {
namespace {

constexpr auto words = std::to_array<std::string_view>({"keepalive_timeout", "keepalive_interval", "cors_mode", "tm"});

TEST(Diagnostic, ShowsTheLineAndTheColumn) {
  Sources sources;
  const auto file = sources.add("a.cfg", "first\n\tsecond line\r\nthird");
  EXPECT_EQ(render({Severity::error, {file, 2, 9}, "what", "hint"}, sources),
            "a.cfg:2:9: what; hint\n    \tsecond line\n    \t       ^");
  EXPECT_EQ(render({Severity::warning, {file, 3, 1}, "what", ""}, sources),
            "a.cfg:3:1: warning: what\n    third\n    ^");
  EXPECT_EQ(render({Severity::error, {file, 0, 0}, "what", ""}, sources), "a.cfg: what");
  EXPECT_EQ(summary({Severity::error, {file, 2, 9}, "what", "hint"}, sources), "a.cfg:2:9: what; hint");
}

TEST(Diagnostic, PrintsNoControlCharacterOfTheFile) {
  Sources sources;
  const auto file = sources.add("a\x1b.cfg", "x\x1b[31m");
  EXPECT_EQ(render({Severity::error, {file, 1, 1}, "what", ""}, sources), "a\\x1b.cfg:1:1: what\n    x?[31m\n    ^");
  EXPECT_EQ(in_quotes("a\nb\"\x01"), "\"a\\nb\"\\x01\"");
  EXPECT_EQ(in_quotes(std::string(100, 'x')).size(), 65u);
}

TEST(Diagnostic, ShowsAWindowOfAVeryLongLine) {
  Sources sources;
  const auto file = sources.add("a.cfg", std::string(10'000, 'x'));
  const std::string text = render({Severity::error, {file, 1, 5000}, "what", ""}, sources);
  EXPECT_LT(text.size(), 400u);
  EXPECT_EQ(text.substr(text.rfind('\n') + 1), std::string(44, ' ') + "^");
}

TEST(Diagnostic, ProposesTheNearestWordOnlyWhenItIsNear) {
  const std::pair<const char*, std::optional<std::string_view>> table[] = {
      {"keepalive_timeut", "keepalive_timeout"}, {"keepalive_itnerval", "keepalive_interval"},
      {"cros_mode", "cors_mode"},                {"mt", "tm"},
      {"listen", std::nullopt},                  {"xy", std::nullopt},
      {"", std::nullopt},
  };
  for (const auto& [word, expected] : table) EXPECT_EQ(nearest(word, words), expected) << word;
  EXPECT_EQ(nearest(std::string(1000, 'a'), words), std::nullopt);
  EXPECT_EQ(did_you_mean("cormode", words), "did you mean \"cors_mode\"?");
  EXPECT_EQ(did_you_mean("qqqqqq", words, "see"), "see");
}

TEST(Diagnostics, CountsBeyondItsLimitAndKeepsWarningsApart) {
  Diagnostics diagnostics;
  diagnostics.warning({}, "w");
  EXPECT_FALSE(diagnostics.failed());
  for (int i = 0; i < 25; ++i) diagnostics.error({}, "e");
  EXPECT_EQ(diagnostics.errors(), 25u);
  EXPECT_EQ(diagnostics.all().size(), Diagnostics::limit + 1);
  EXPECT_TRUE(diagnostics.exhausted());
}

}  // namespace
}  // namespace sipwsd::cfg
