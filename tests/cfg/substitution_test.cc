#include "src/cfg/substitution.h"

#include <gtest/gtest.h>

#include <tuple>

namespace sipwsd::cfg {
namespace {

TEST(Substitution, ReplacesOnceOrEverywhereWithOrWithoutCase) {
  const std::tuple<const char*, const char*, const char*> table[] = {
      {"/a/b/", "aaa", "baa"},          {"/a/b/g", "aaa", "bbb"},       {"!A!x!gi", "aAb", "xxb"},
      {"/(a+)(b)/\\2\\1/", "aab", "baa"}, {"/a\\/b/c/", "xa/b", "xc"},  {"|http://x|y|", "http://x/", "y/"},
      {"/a|ab/X/", "ab", "X"},          {"/z/y/g", "abc", "abc"},       {"/a//g", "banana", "bnn"},
  };
  for (const auto& [spec, text, expected] : table) {
    const auto substitution = Substitution::parse(spec);
    ASSERT_TRUE(substitution) << spec << ": " << substitution.error().why;
    std::string result = text;
    EXPECT_EQ(substitution->apply(result), std::string(text) != expected) << spec;
    EXPECT_EQ(result, expected) << spec;
  }
}

TEST(Substitution, SaysWhatIsWrongWithItsText) {
  const std::pair<const char*, const char*> table[] = {
      {"", "nothing to substitute"},
      {"/a/b", "it needs three separators, like /what/by what/flags"},
      {"//b/", "the regular expression is empty"},
      {"/a/b/x", "flag x is not known; flags are g and i"},
      {"/(a/b/", "regular expression: missing ): (a"},
  };
  for (const auto& [spec, why] : table) {
    const auto substitution = Substitution::parse(spec);
    ASSERT_FALSE(substitution) << spec;
    EXPECT_EQ(substitution.error().why, why);
  }
  EXPECT_FALSE(Substitution::parse("/a/\\9/"));
  EXPECT_FALSE(Substitution::parse("/" + std::string(2000, 'a') + "/b/"));
}

}  // namespace
}  // namespace sipwsd::cfg
