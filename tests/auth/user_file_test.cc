#include "src/auth/user_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/support/test_server.h"

namespace sipwsd::auth {
namespace {

const std::string md5(32, 'a'), sha256(64, 'b');
const std::string alice = "alice:example.org:" + md5, alice_sha = "alice:example.org:" + sha256, bob = "bob:example.org:" + md5;

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST(UserLines, TakeThePlaceOfTheOldOnesAndLeaveTheRest) {
  const std::array<std::string, 2> lines{alice, alice_sha};
  struct Row {
    std::string before, after;
  };
  for (const Row& row : {
           Row{"", alice + "\n" + alice_sha + "\n"},
           Row{"# us\n\n" + bob + "\n", "# us\n\n" + bob + "\n" + alice + "\n" + alice_sha + "\n"},
           Row{bob, bob + "\n" + alice + "\n" + alice_sha + "\n"},
           Row{" alice:example.org:" + std::string(32, 'c') + "\r\n" + bob + "\nalice:example.org:" + std::string(64, 'd') + "\n# end",
               alice + "\n" + alice_sha + "\n" + bob + "\n# end\n"},
           Row{"alice:example.com:" + md5 + "\n", "alice:example.com:" + md5 + "\n" + alice + "\n" + alice_sha + "\n"},
           Row{"what is this\n", "what is this\n" + alice + "\n" + alice_sha + "\n"},
       })
    EXPECT_EQ(with_user(row.before, "alice", "example.org", lines), row.after) << row.before;
  EXPECT_EQ(with_user(alice + "\n" + bob + "\n" + alice_sha, "alice", "example.org", {}), bob + "\n");
  EXPECT_TRUE(has_user(bob + "\n" + alice, "alice", "example.org"));
  EXPECT_FALSE(has_user(bob + "\n#" + alice, "alice", "example.org"));
  EXPECT_FALSE(has_user(alice, "alice", "example.com"));
}

TEST(UserFile, IsReplacedAsAWholeAndKeepsItsOwnerForOthersToReadNothing) {
  const test::Scratch folder;
  const auto path = folder / "users";
  std::ofstream(path) << bob << "\n";
  ::chmod(path.c_str(), 0666);
  struct stat before {}, after {};
  ASSERT_EQ(::stat(path.c_str(), &before), 0);
  std::ifstream reader(path);
  {
    auto file = UserFile::lock(path, UserFile::Absent::is_an_error);
    ASSERT_TRUE(file) << file.error().why;
    EXPECT_EQ(file->text(), bob + "\n");
    ASSERT_TRUE(file->replace(alice + "\n"));
  }
  ASSERT_EQ(::stat(path.c_str(), &after), 0);
  EXPECT_EQ(content(path), alice + "\n");
  EXPECT_EQ(after.st_mode & 0777, 0640u);
  EXPECT_EQ(std::pair(after.st_uid, after.st_gid), std::pair(before.st_uid, before.st_gid));
  EXPECT_NE(after.st_ino, before.st_ino);
  std::string line;
  std::getline(reader, line);
  EXPECT_EQ(line, bob) << "who reads the old one reads it whole";
  EXPECT_NE(::access((path + ".new").c_str(), F_OK), 0) << "nothing is left lying about";
}

TEST(UserFile, IsMadeOnlyWhereAskedFor) {
  const test::Scratch folder;
  EXPECT_TRUE(UserFile::lock(folder / "users", UserFile::Absent::is_an_error).is(Errc::not_found));
  auto file = UserFile::lock(folder / "users", UserFile::Absent::is_made);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->text(), "");
  EXPECT_FALSE(UserFile::lock(folder.path(), UserFile::Absent::is_an_error)) << "a folder is none";
  EXPECT_FALSE(UserFile::lock(folder / "no/such/folder", UserFile::Absent::is_made));
}

TEST(UserFile, IsChangedWhereALinkLeadsTo) {
  const test::Scratch folder;
  std::ofstream(folder / "real") << bob << "\n";
  ASSERT_EQ(::symlink((folder / "real").c_str(), (folder / "link").c_str()), 0);
  ASSERT_TRUE(UserFile::lock(folder / "link", UserFile::Absent::is_an_error)->replace(alice));
  EXPECT_EQ(content(folder / "real"), alice);
  struct stat found {};
  ASSERT_EQ(::lstat((folder / "link").c_str(), &found), 0);
  EXPECT_TRUE(S_ISLNK(found.st_mode));
}

TEST(UserFile, LosesNoChangeWhenManyMakeOne) {
  const test::Scratch folder;
  const auto path = folder / "users";
  constexpr int threads = 4, each = 25;
  std::vector<std::thread> editors;
  for (int t = 0; t < threads; ++t)
    editors.emplace_back([&, t] {
      for (int i = 0; i < each; ++i) {
        const auto name = "u" + std::to_string(t) + "-" + std::to_string(i);
        auto file = UserFile::lock(path, UserFile::Absent::is_made);
        const std::array lines{name + ":example.org:" + md5};
        ASSERT_TRUE(file->replace(with_user(file->text(), name, "example.org", lines)));
      }
    });
  for (auto& editor : editors) editor.join();
  const auto text = content(path);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), threads * each);
}

}  // namespace
}  // namespace sipwsd::auth
