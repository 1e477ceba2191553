#include "src/http/header_list.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sipwsd::http {
namespace {

TEST(HeaderList, ComparesTokensAndNotSubstrings) {
  struct Row {
    std::vector<std::string_view> connection_lines;
    bool upgrade;
  };
  const Row table[] = {
      {{"Upgrade"}, true},
      {{"upgrade"}, true},
      {{"keep-alive, Upgrade"}, true},
      {{"keep-alive,Upgrade"}, true},
      {{"Upgrade\t,keep-alive"}, true},
      {{",, ,Upgrade,"}, true},
      {{"keep-alive", "Upgrade"}, true},
      {{"xupgrade"}, false},
      {{"upgradex"}, false},
      {{"up grade"}, false},
      {{"keep-alive upgrade"}, false},
      {{"\"upgrade\""}, false},
      {{""}, false},
      {{}, false},
      {{","}, false},
  };
  for (const auto& row : table) {
    HeaderList headers;
    headers.add({"Host", "upgrade"});
    for (const auto line : row.connection_lines) headers.add({"Connection", line});
    EXPECT_EQ(headers.has_token("CONNECTION", "upgrade"), row.upgrade)
        << (row.connection_lines.empty() ? "" : row.connection_lines[0]);
  }
}

TEST(HeaderList, GoesThroughTheElementsOfAllLinesInOrder) {
  HeaderList headers;
  headers.add({"A", "1, 2"});
  headers.add({"B", "x"});
  headers.add({"a", " 3 ,,4"});
  std::string seen;

  const bool found = headers.any_element_of("a", [&](std::string_view element) {
    seen.append(element).append(";");
    return element == "3";
  });

  EXPECT_TRUE(found);
  EXPECT_EQ(seen, "1;2;3;");
}

}  // namespace
}  // namespace sipwsd::http
