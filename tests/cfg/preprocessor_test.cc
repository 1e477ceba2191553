#include <gtest/gtest.h>

#include "tests/cfg/dump.h"

namespace sipwsd::cfg {
namespace {

struct Run {
  Sources sources;
  Diagnostics diagnostics;
  std::string tokens;
  std::string first_error() const { return diagnostics.failed() ? diagnostics.all()[0].what : ""; }
};

Run run(std::string text, const test::Files& files = {}, const std::vector<Definition>& definitions = {}) {
  Run result;
  const auto file = result.sources.add("main.cfg", std::move(text));
  Preprocessor preprocessor(result.sources, result.diagnostics, files.reader());
  for (const auto& definition : definitions) preprocessor.define(definition.name, definition.text);
  result.tokens = test::dump(preprocessor.run(file));
  return result;
}

TEST(Preprocessor, ReadsTheBranchThatIsDefined) {
  const std::pair<const char*, const char*> table[] = {
      {"#!define X\n#!ifdef X\na\n#!else\nb\n#!endif\nc", "a c"},
      {"#!ifdef X\na\n#!else\nb\n#!endif\nc", "b c"},
      {"#!ifndef X\na\n#!endif", "a"},
      {"#!ifdef X\n#!ifdef Y\na\n#!else\nb\n#!endif\n#!else\nc\n#!endif", "c"},
      {"#!ifdef X\n#!define Y\n#!endif\n#!ifdef Y\na\n#!endif", ""},
      {"#!ifdef X # comment\nit's\n#!endif # X\na", "a"},
  };
  for (const auto& [text, tokens] : table) {
    const auto result = run(text);
    EXPECT_EQ(result.tokens, tokens) << text;
    EXPECT_EQ(result.first_error(), "") << text;
  }
}

TEST(Preprocessor, WorksInTheMiddleOfAnExpression) {
  const std::string text = "if ($Rp != 80\n#!ifdef WITH_TLS\n  && $Rp != 443\n#!endif\n) {";
  EXPECT_EQ(run(text).tokens, "if ( $Rp != #80 ) {");
  EXPECT_EQ(run(text, {}, {{"WITH_TLS", ""}}).tokens, "if ( $Rp != #80 && $Rp != #443 ) {");
}

TEST(Preprocessor, PutsDefinesInForWholeWordsOutsideStrings) {
  EXPECT_EQ(run("#!define PORT 5060 # the port\na=PORT PORTS \"PORT\"").tokens, "a = #5060 PORTS \"PORT\"");
  EXPECT_EQ(run("#!define A B 1\n#!define B 2\nA").tokens, "#2 #1");
  EXPECT_EQ(run("#!define FLAG\nFLAG").tokens, "FLAG");
  EXPECT_EQ(run("#!define LONG a + \\\n b\nLONG").tokens, "a + b");
  EXPECT_EQ(run("#!define ADDR tcp:1.2.3.4:80\nlisten=ADDR").tokens, "listen = tcp : #1 . #2 . #3 . #4 : #80");
  EXPECT_EQ(run("x=V", {}, {{"V", "7"}}).tokens, "x = #7");
}

TEST(Preprocessor, DoesNotFollowADefineThatNamesItself) {
  EXPECT_EQ(run("#!define A A b\nA").tokens, "A b");
  EXPECT_EQ(run("#!define A B\n#!define B A\nA").tokens, "A");
}

TEST(Preprocessor, DefinesOnceTriesOrReplaces) {
  EXPECT_EQ(run("#!define A 1\n#!trydef A 2\n#!trydefine B 3\nA B").tokens, "#1 #3");
  EXPECT_EQ(run("#!define A 1\n#!redef A 2\n#!redefine A 3\nA").tokens, "#3");
  EXPECT_EQ(run("#!define A 1\n#!define A 2\nA").first_error(), "\"A\" is defined already");
}

TEST(Preprocessor, SubstitutesInStringsNamesAndVariables) {
  EXPECT_EQ(run("#!subst \"/IP/1.2.3.4/g\"\na=\"x IP y IP\" 'IP' IP $var(IP)").tokens,
            "a = \"x 1.2.3.4 y 1.2.3.4\" '1.2.3.4' #1 . #2 . #3 . #4 $var(1.2.3.4)");
  EXPECT_EQ(run("a=\"IP\"\n#!subst \"/IP/x/\"\nb=\"IP\"").tokens, "a = \"IP\" b = \"x\"");
}

TEST(Preprocessor, BuildsALaterSubstitutionFromAnEarlierOne) {
  const char* text =
      "#!substdef \"!MY_IP!10.0.0.1!g\"\n#!substdef \"!MY_PORT!80!g\"\n#!substdef \"!MY_ADDR!tcp:MY_IP:MY_PORT!g\"\n"
      "listen=MY_ADDR if ($Rp == MY_PORT) x(\"http://MY_IP:MY_PORT/\");";
  EXPECT_EQ(run(text).tokens,
            "listen = tcp : #10 . #0 . #0 . #1 : #80 if ( $Rp == #80 ) x ( \"http://10.0.0.1:80/\" ) ;");
}

TEST(Preprocessor, QuotesTheValueOfSubstdefs) {
  EXPECT_EQ(run("#!substdefs \"!NAME!some text!g\"\na=NAME b=\"NAME\"").tokens, "a = \"some text\" b = \"some text\"");
}

TEST(Preprocessor, IncludesFilesAsGivenOrBesideTheIncludingOne) {
  const test::Files files{{{"conf/a.cfg", "a include_file \"b.cfg\" c"}, {"conf/b.cfg", "b=B"}, {"/etc/d.cfg", "d"}}};
  EXPECT_EQ(run("#!define B 1\nx include_file \"conf/a.cfg\" y", files).tokens, "x a b = #1 c y");
  EXPECT_EQ(run("#!include_file \"/etc/d.cfg\"\ny", files).tokens, "d y");
  EXPECT_EQ(run("#!define D \"/etc/d.cfg\"\ninclude_file D\ny", files).tokens, "d y");
}

TEST(Preprocessor, MindsAMissingIncludeButNotAMissingImport) {
  EXPECT_EQ(run("include_file \"no\"").first_error(), "can't read \"no\": No such file or directory");
  const auto result = run("import_file \"no\" a\n#!import_file \"no\"\nb");
  EXPECT_EQ(result.tokens, "a b");
  EXPECT_FALSE(result.diagnostics.failed());
}

TEST(Preprocessor, EndsCyclesAndDeepChainsOfIncludes) {
  EXPECT_EQ(run("include_file \"a\"", {{{"a", "include_file \"a\""}}}).first_error(), "\"a\" includes itself");
  test::Files chain;
  for (int i = 0; i < 12; ++i) chain.texts["f" + std::to_string(i)] = "include_file \"f" + std::to_string(i + 1) + "\"";
  EXPECT_EQ(run("include_file \"f0\"", chain).first_error(), "files include each other more than 10 deep");
}

TEST(Preprocessor, SaysWhatIsWrongWithADirective) {
  const std::pair<const char*, const char*> table[] = {
      {"#!ifdef X\na", "this condition is open at the end of the file"},
      {"#!endif", "#!endif without an open #!ifdef"},
      {"#!else", "#!else without an open #!ifdef"},
      {"#!ifdef X\n#!else\n#!else\n#!endif", "a second #!else for the same #!ifdef"},
      {"#!ifdef\n#!endif", "#!ifdef needs an identifier"},
      {"#!define 3", "#!define needs an identifier"},
      {"#!defin X", "no directive is called #!defin"},
      {"#!subst x", "#!subst needs a string"},
      {"#!subst \"/a\"", "it needs three separators, like /what/by what/flags"},
      {"#!substdef \"/a b/c/\"", "#!substdef defines an identifier, and \"a b\" is none"},
      {"include_file 3", "a file name is missing"},
      {"a include_file", "a file name is missing"},
      {"#!include_file x", "#!include_file needs a file name"},
  };
  for (const auto& [text, what] : table) EXPECT_EQ(run(text).first_error(), what) << text;
}

TEST(Preprocessor, IgnoresTheNameOfADialect) {
  const auto result = run("#!KAMAILIO\n#!OPENSER\n#!ALL\na");
  EXPECT_EQ(result.tokens, "a");
  EXPECT_FALSE(result.diagnostics.failed());
}

TEST(Preprocessor, StopsWhatGrowsWithoutEnd) {
  std::string doubling;
  for (int i = 0; i < 40; ++i)
    doubling += "#!define A" + std::to_string(i) + " A" + std::to_string(i + 1) + " A" + std::to_string(i + 1) + "\n";
  EXPECT_EQ(run(doubling + "A20").first_error(), "the configuration is more than a million words long");
  EXPECT_EQ(run(doubling + "A0").first_error(), "defines use each other more than 32 deep");

  std::string growing;
  for (int i = 0; i < 20; ++i) growing += "#!subst '/[a]/aa/g'\n";
  EXPECT_EQ(run(growing + "x=\"a\"").first_error(), "a substitution makes this longer than 64 KiB");

  std::string nested;
  for (int i = 0; i < 300; ++i) nested += "#!ifdef X\n";
  EXPECT_EQ(run(nested).first_error(), "conditions are nested more than 256 deep");
}

TEST(Preprocessor, PutsTokensOfADefineWhereItIsUsed) {
  Sources sources;
  Diagnostics diagnostics;
  const auto file = sources.add("main.cfg", "#!define A 1 +\n  x A;");
  const auto tokens = Preprocessor(sources, diagnostics, test::Files{}.reader()).run(file);
  EXPECT_EQ(tokens[1].where, (Position{file, 2, 5}));
  EXPECT_EQ(tokens[2].where, (Position{file, 2, 5}));
}

}  // namespace
}  // namespace sipwsd::cfg
