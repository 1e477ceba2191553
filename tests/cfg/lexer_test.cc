#include <gtest/gtest.h>

#include "tests/cfg/dump.h"

namespace sipwsd::cfg {
namespace {

struct Lexed {
  std::vector<Token> tokens;
  Diagnostics diagnostics;
};

Lexed lex(std::string_view text) {
  Lexed result;
  Lexer lexer(text, {0, 1, 1}, result.diagnostics);
  do result.tokens.push_back(lexer.next());
  while (!result.tokens.back().is(TokenKind::end));
  return result;
}

std::string dumped(std::string_view text) { return test::dump(lex(text).tokens); }

TEST(Lexer, TellsTheKindsOfTokensApart) {
  const std::pair<const char*, const char*> table[] = {
      {"debug=3", "debug = #3"},
      {"a==b=~c!=d!~e", "a == b =~ c != d !~ e"},
      {"<=<<<>>>=", "<= << < >> >="},
      {"x+=1;y", "x += #1 ; y"},
      {"0x1F 017 101b 0", "#31 #15 #5 #0"},
      {"10.0.0.1", "#10 . #0 . #0 . #1"},
      {"[2001:db8::1]", "[ #2001 : db8 : : #1 ]"},
      {"0db8 10abc", "?0db8 ?10abc"},
      {"'a\\n' \"b\"", "'a\\n' \"b\""},
      {"case /^a\\/b/i:", "case /^a/b/i :"},
      {"a /b/ c", "a / b / c"},
      {"_x1 X_2", "_x1 X_2"},
      {"@to.tag", "@ to . tag"},
  };
  for (const auto& [text, tokens] : table) EXPECT_EQ(dumped(text), tokens) << text;
}

TEST(Lexer, TakesAVariableWholeWithItsParentheses) {
  const std::pair<const char*, const char*> table[] = {
      {"$ru==1", "$ru == #1"},
      {"$hdr(User-Agent)", "$hdr(User-Agent)"},
      {"$(hdr(Via)[1]{s.len}) + 1", "$(hdr(Via)[1]{s.len}) + #1"},
      {"$sht(a=>$var(b)::c);", "$sht(a=>$var(b)::c) ;"},
      {"$from.user $?", "$from.user $?"},
      {"$rU.", "$rU ."},
  };
  for (const auto& [text, tokens] : table) EXPECT_EQ(dumped(text), tokens) << text;
}

TEST(Lexer, DropsCommentsOfAllThreeKinds) {
  EXPECT_EQ(dumped("a # b\nc // d\ne /* f /* g */ h */ i ## j"), "a c e i");
  EXPECT_EQ(dumped("\"# no // comment /* here\""), "\"# no // comment /* here\"");
  EXPECT_EQ(dumped("##!define X\na"), "a");
}

TEST(Lexer, DoesTheEscapesOfTheLanguageAndKeepsUnknownOnes) {
  const std::pair<const char*, std::string> table[] = {
      {R"("a\n\r\t\a\\\"b")", "a\n\r\t\a\\\"b"}, {R"("\x41\x4a\xa")", "AJ\n"}, {R"("\101\60\0601")", "A001"},
      {R"("\.\d+\1\8")", "\\.\\d+\\1\\8"},       {"\"a\\\nb\"", "ab"},         {"\"a\nb\"", "a\nb"},
      {R"("\400")", " 0"},                       {R"('\n\x41')", "\\n\\x41"},
  };
  for (const auto& [text, value] : table) EXPECT_EQ(lex(text).tokens[0].text, value) << text;
}

TEST(Lexer, ReadsNumbersOf32BitsAndNoLargerOnes) {
  const std::pair<const char*, std::optional<std::int64_t>> table[] = {
      {"0", 0},          {"2147483648", 2147483648}, {"2147483649", std::nullopt}, {"0xffffffff", 4294967295},
      {"0x100000000", std::nullopt}, {"0660", 432},  {"08", std::nullopt},         {"11111111b", 255},
      {"0x", std::nullopt}, {"", std::nullopt},      {"12b", std::nullopt},        {"1 ", std::nullopt},
  };
  for (const auto& [text, value] : table) EXPECT_EQ(parse_integer(text), value) << text;
}

TEST(Lexer, FindsDirectivesOnlyAtTheStartOfALine) {
  EXPECT_EQ(dumped("a\n  #!define X 1\nb"), "a #!define<X 1> b");
  EXPECT_EQ(dumped("a #!define X 1\nb"), "a b");
  EXPECT_EQ(dumped("!!ifdef X\n!!x"), "#!ifdef<X> ! ! x");
  EXPECT_EQ(dumped("#!define A 1 \\\n  2  \r\nb"), "#!define<A 1 \n  2> b");
  EXPECT_EQ(dumped("#!/usr/sbin/sipwsd -f\nb"), "b");
}

TEST(Lexer, KeepsPlacesAndSpaces) {
  const auto tokens = lex("ab\n\tc d:e").tokens;
  EXPECT_EQ(tokens[0].where, (Position{0, 1, 1}));
  EXPECT_EQ(tokens[1].where, (Position{0, 2, 2}));
  EXPECT_EQ(tokens[2].where, (Position{0, 2, 4}));
  EXPECT_TRUE(tokens[2].space_before);
  EXPECT_FALSE(tokens[3].space_before);
  EXPECT_FALSE(tokens[4].space_before);
}

TEST(Lexer, ReportsWhatIsNotClosedWhereItBegan) {
  const std::tuple<const char*, int, const char*> table[] = {
      {"a \"b", 3, "this string is not closed"},
      {"a 'b", 3, "this string is not closed"},
      {"a /* b /* */", 3, "this comment is not closed"},
      {"a $(b(c)", 3, "the parentheses of this variable are not closed"},
      {"case /x", 6, "this regular expression is not closed"},
      {"a $ b", 3, "a $ with no variable name behind it"},
      {"a \x01 b", 3, "\"\\x01\" means nothing here"},
  };
  for (const auto& [text, column, what] : table) {
    const auto lexed = lex(text);
    ASSERT_EQ(lexed.diagnostics.errors(), 1u) << text;
    EXPECT_EQ(lexed.diagnostics.all()[0].what, what);
    EXPECT_EQ(lexed.diagnostics.all()[0].where.column, static_cast<std::uint32_t>(column)) << text;
  }
}

TEST(Lexer, LooksAtNothingButDirectivesInABranchThatIsNotTaken) {
  Diagnostics diagnostics;
  Lexer lexer("it's \"not /* even\n  text $( \n#!else x", {0, 1, 1}, diagnostics);
  const Token token = lexer.next_directive();
  EXPECT_EQ(token.text, "else");
  EXPECT_EQ(token.where.line, 3u);
  EXPECT_TRUE(lexer.next_directive().is(TokenKind::end));
  EXPECT_FALSE(diagnostics.failed());
}

}  // namespace
}  // namespace sipwsd::cfg
