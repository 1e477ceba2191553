#include "src/mi/reply.h"

#include <gtest/gtest.h>

namespace sipwsd::mi {
namespace {

TEST(Reply, IsAStatusLineNodesAndAnEmptyLine) {
  EXPECT_EQ(to_text(Reply::ok(), "\t"), "200 OK\n\n");
  EXPECT_EQ(to_text(Reply::error(400, "Empty connection ID parameter"), "\t"), "400 Empty connection ID parameter\n\n");
  EXPECT_EQ(to_text(Reply{}.line("a value").item("Name", "value").item("Empty", ""), "\t"),
            "200 OK\na value\nName:: value\nEmpty:: \n\n");
}

TEST(Reply, HasTwoSpacesWhereANodeHasAttributesAndNoValue) {
  Reply reply;
  reply.nodes.push_back({"Process", "", {{"ID", "0"}, {"PID", "17"}, {"Type", "attendant"}}, {}});
  EXPECT_EQ(to_text(reply, "\t"), "200 OK\nProcess::  ID=0 PID=17 Type=attendant\n\n");
}

TEST(Reply, IndentsEachLevelAndWritesDepthFirst) {
  Reply reply;
  reply.nodes.push_back({"A", "1", {}, {{"B", "2", {{"x", "y"}}, {{"C", "3", {}, {}}}}, {"D", "4", {}, {}}}});
  reply.line("last");
  EXPECT_EQ(to_text(reply, "\t"), "200 OK\nA:: 1\n\tB:: 2 x=y\n\t\tC:: 3\n\tD:: 4\nlast\n\n");
  EXPECT_EQ(to_text(reply, ""), "200 OK\nA:: 1\nB:: 2 x=y\nC:: 3\nD:: 4\nlast\n\n");
  EXPECT_EQ(to_text(reply, "--"), "200 OK\nA:: 1\n--B:: 2 x=y\n----C:: 3\n--D:: 4\nlast\n\n");
}

TEST(Reply, StopsBeforeALineThatIsTooLong) {
  const std::string longest(8191, 'x'), too_long(8192, 'x');  // and its line end
  EXPECT_EQ(to_text(Reply{}.line(longest).line("b"), "\t"), "200 OK\n" + longest + "\nb\n\n");
  EXPECT_EQ(to_text(Reply{}.line("a").line(too_long).line("b"), "\t"), "200 OK\na\n\n");
  Reply nested;
  nested.nodes.push_back({"A", "1", {}, {{"B", too_long, {}, {}}, {"C", "3", {}, {}}}});
  nested.line("b");
  EXPECT_EQ(to_text(nested, "\t"), "200 OK\nA:: 1\n\n");
}

TEST(Reply, KeepsALineEndInAValueFromMakingALineOfItsOwn) {
  Reply reply;
  reply.nodes.push_back({"User-agent", "x\r\n ws", {{"Type", "a\nb"}}, {}});
  EXPECT_EQ(to_text(reply.line("404 no\n\nway"), "\t"), "200 OK\nUser-agent:: x   ws Type=a b\n404 no  way\n\n");
}

}  // namespace
}  // namespace sipwsd::mi
