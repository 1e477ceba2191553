#include "src/mi/fifo_request.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "src/base/random.h"

namespace sipwsd::mi {
namespace {

constexpr std::size_t reply_dir_size = 5;  // "/tmp/"

// "ws.dump>r1 [used_asc]", "x>r1 [id=1] BAD", "refused: command too short".
std::string shown(const std::variant<FifoRequest, FifoRefusal>& outcome) {
  if (const auto* refusal = std::get_if<FifoRefusal>(&outcome)) return "refused: " + refusal->why;
  const auto& request = std::get<FifoRequest>(outcome);
  std::string text = request.request.command + ">" + request.reply_name;
  if (request.arguments_are_bad) return text + " BAD";
  for (const auto& argument : request.request.arguments)
    text += " [" + (argument.name.empty() ? "" : argument.name + "=") + argument.value + "]";
  return text;
}

std::vector<std::string> read(std::string_view bytes, const std::function<std::size_t()>& piece) {
  FifoReader reader(reply_dir_size);
  std::vector<std::string> all;
  while (!bytes.empty()) {
    const std::size_t n = std::min(bytes.size(), piece());
    reader.feed(bytes.substr(0, n));
    bytes.remove_prefix(n);
    while (auto next = reader.next()) all.push_back(shown(*next));
  }
  return all;
}

struct Row {
  const char* what;
  std::string bytes;
  std::vector<std::string> outcomes;
};

void expect_rows(const std::vector<Row>& rows) {
  base::FixedRandom random;
  for (const Row& row : rows) {
    EXPECT_EQ(read(row.bytes, [] { return std::size_t{1} << 20; }), row.outcomes) << row.what;
    EXPECT_EQ(read(row.bytes, [] { return std::size_t{1}; }), row.outcomes) << row.what << ", byte by byte";
    for (int round = 0; round < 8; ++round)
      EXPECT_EQ(read(row.bytes, [&] { return random.below(9) + 1; }), row.outcomes) << row.what << ", in pieces";
  }
}

std::string lines(std::size_t count, std::size_t length) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += std::string(length, 'x') + "\n";
  return text;
}

TEST(FifoReader, ReadsTheFirstLine) {
  expect_rows({
      {"no arguments", ":which:r1\n\n", {"which>r1"}},
      {"one argument", ":ws.dump:r1\nused_asc\n\n", {"ws.dump>r1 [used_asc]"}},
      {"no reply wanted", ":ws.disable:\n\n", {"ws.disable>"}},
      {"blanks behind it", ":which:r1 \t\r\n\n", {"which>r1"}},
      {"a command with a blank in it is another command", ":w x:r1\n\n", {"w x>r1"}},
      {"empty lines before it", "\n \t\n\r\n:which:r1\n\n", {"which>r1"}},
      {"no empty line yet", ":ws.dump:r1\nused_asc\n", {}},
      {"two requests in one write", ":which:r1\n\n:ws.close:r2\n7\n\n", {"which>r1", "ws.close>r2 [7]"}},
      {"CR LF everywhere", ":ws.dump:r1\r\nused_asc\r\n\r\n:which:r2\r\n\r\n", {"ws.dump>r1 [used_asc]", "which>r2"}},
      {"a client that forgot its empty line swallows the next request", ":ws.dump:r1\n:which:r2\n\n", {"ws.dump>r1 [:which:r2]"}},
  });
}

TEST(FifoReader, RefusesABadFirstLineAndDropsEverythingUpToTheEmptyLine) {
  const std::string rest = "argument\n:ws.close:r8\n7\n\n:which:r9\n\n";
  const auto refused = [](const char* why) { return std::vector<std::string>{std::string("refused: ") + why, "which>r9"}; };
  expect_rows({
      {"too short", ":a\n" + rest, refused("command too short")},
      {"no colon", "ws.dump:r1\n" + rest, refused("command must begin with ':'")},
      {"a blank before the colon", " :ws.dump:r1\n" + rest, refused("command must begin with ':'")},
      {"no second colon", ":ws.dump\n" + rest, refused("second ':' is missing")},
      {"no command", "::r1\n" + rest, refused("empty command")},
      {"a path", ":ws.dump:a/b\n" + rest, refused("forbidden reply name")},
      {"an absolute path", ":ws.dump:/etc/x\n" + rest, refused("forbidden reply name")},
      {"the directory above", ":ws.dump:..\n" + rest, refused("forbidden reply name")},
      {"a dot", ":ws.dump:r.1\n" + rest, refused("forbidden reply name")},
      {"a backslash", ":ws.dump:a\\b\n" + rest, refused("forbidden reply name")},
      {"a blank in it", ":ws.dump:a b\n" + rest, refused("forbidden reply name")},
      {"what a shell would run", ":ws.dump:$(x)\n" + rest, refused("forbidden reply name")},
      {"an escape sequence", ":ws.dump:a\x1b[2J\n" + rest, refused("forbidden reply name")},
      {"a NUL", std::string(":ws.dump:a\0b\n", 13) + rest, refused("forbidden reply name")},
      {"dropping ends at CR LF too", ":a\nx\n\r\n:which:r9\n\n", refused("command too short")},
  });
}

TEST(FifoReader, HoldsToItsLengths) {
  const auto name = [](std::size_t n) { return std::string(n, 'n'); };
  const std::string next = "\n\n:which:r9\n\n";
  const std::string command_of_1022 = ":" + std::string(1022 - 4, 'c') + ":r1";
  expect_rows({
      {"the longest reply path", ":x1:" + name(127 - reply_dir_size) + "\n\n", {"x1>" + name(127 - reply_dir_size)}},
      {"one more", ":x1:" + name(128 - reply_dir_size) + next, {"refused: reply name too long", "which>r9"}},
      {"the longest line", command_of_1022 + "\n\n", {std::string(1018, 'c') + ">r1"}},
      {"one more", "x" + command_of_1022 + next, {"refused: request line too long", "which>r9"}},
      {"a line without an end in sight", std::string(5000, 'x') + next, {"refused: request line too long", "which>r9"}},
      {"an argument line too long", ":x1:r1\n" + std::string(1023, 'x') + next, {"x1>r1 BAD", "which>r9"}},
      {"arguments too long together", ":x1:r1\n" + lines(9, 1000) + "\n:which:r9\n\n", {"x1>r1 BAD", "which>r9"}},
  });
  const auto most = read(":x1:r1\n" + lines(8, 1000) + lines(1, 183) + "\n", [] { return std::size_t{4096}; });
  ASSERT_EQ(most.size(), 1u);
  EXPECT_FALSE(most[0].ends_with("BAD")) << "8192 bytes of arguments are allowed";
}

TEST(FifoReader, ReadsUnquotedArguments) {
  const auto one = [](const char* what, const std::string& argument, const char* shown) {
    return Row{what, ":x1:r1\n" + argument + "\n\n", {std::string("x1>r1") + shown}};
  };
  expect_rows({
      one("blanks around", "  \t1 ", " [1]"),
      one("named", "id:: 1", " [id=1]"),
      one("named, blanks everywhere", " id  ::   1  ", " [id=1]"),
      one("only the first :: separates", "a::b::c", " [a=b::c]"),
      one("an empty name", "::1", " [1]"),
      one("an empty value", "id::", " [id=]"),
      one("neither", "::", " BAD"),
      one("one colon is part of the value", "sip:a@b", " [sip:a@b]"),
      one("blank lines are nothing", "1\n   \n\t\n2", " [1] [2]"),
      one("a quote inside a value", "a\"b", " BAD"),
      one("a quote inside a name", "na\"me:: x", " BAD"),
      one("a quote inside a named value", "id:: a\"b", " BAD"),
      one("after a bad one nothing is right", "a\"b\n1", " BAD"),
  });
}

TEST(FifoReader, ReadsQuotedArguments) {
  const auto one = [](const char* what, const std::string& argument, const char* shown) {
    return Row{what, ":x1:r1\n" + argument + "\n\n:which:r9\n\n", {std::string("x1>r1") + shown, "which>r9"}};
  };
  expect_rows({
      one("plain", R"("a b")", " [a b]"),
      one("named", R"(id:: "a b")", " [id=a b]"),
      one("blanks inside stay", R"("  a  ")", " [  a  ]"),
      one("blanks behind it", "\"a\" \t", " [a]"),
      one("anything behind it", R"("a" b)", " BAD"),
      one("another one behind it", R"("a" "b")", " BAD"),
      one("an escaped quote", R"("a\"b")", " [a\"b]"),
      one("no other escape", R"("a\nb\\")", " BAD"),  // the second backslash takes the quote, so it never ends
      one("backslashes stay", R"("a\nb\\c")", " [a\\nb\\\\c]"),
      one(":: inside is text", R"("a::b")", " [a::b]"),
      one("empty, with a name", R"(id::"")", " [id=]"),
      one("empty, without", R"("")", " BAD"),
      one("over several lines", "\"a\n  b\nc\"", " [a\n  b\nc]"),
      one("and blanks at the end of the first of them stay", "\"a  \nb\"", " [a  \nb]"),
      one("one that begins with a line end", "\"\nb\"", " [\nb]"),
  });
  expect_rows({{"an empty line in it ends the request", ":x1:r1\n\"a\n\n:which:r9\n\n", {"x1>r1 BAD", "which>r9"}}});
}

}  // namespace
}  // namespace sipwsd::mi
