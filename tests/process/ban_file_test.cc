#include "src/process/ban_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "src/base/network.h"
#include "tests/support/addresses.h"
#include "tests/support/test_server.h"
#include "tests/support/ws_client.h"

namespace sipwsd::process {
namespace {

using shm::BanReason;
using test::at;

constexpr Now then{.monotonic = 5'000, .unix_seconds = 1'700'000'000};
// The machine was started again meanwhile: another monotonic clock, a hundred seconds later.
constexpr Now later{.monotonic = 20, .unix_seconds = 1'700'000'100};

std::vector<shm::Ban> two_bans() {
  return {{base::subject_of(at("203.0.113.9", 1)), BanReason::ping_flood, 12, 4'990, 5'590},
          {base::subject_of(at("2001:db8:0:1::9", 1)), BanReason::by_operator, 0, 5'000, 5'060}};
}

TEST(BanFile, HasALineForEachBanInCalendarTime) {
  EXPECT_EQ(to_text(two_bans(), then),
            "203.0.113.9 ping-flood 12 1699999990 1700000590\n"
            "2001:db8:0:1::/64 operator 0 1700000000 1700000060\n");
}

TEST(BanFile, IsReadByAnotherClockWithoutWhatHasExpired) {
  const auto read = parse_bans(to_text(two_bans(), then), later);
  EXPECT_EQ(read.skipped, 0u);
  ASSERT_EQ(read.bans.size(), 1u);
  EXPECT_EQ(base::subject_text(read.bans[0].subject), "203.0.113.9");
  EXPECT_EQ(read.bans[0].reason, BanReason::ping_flood);
  EXPECT_EQ(read.bans[0].strikes, 12u);
  EXPECT_EQ(read.bans[0].since, 20 - 110);
  EXPECT_EQ(read.bans[0].until, 20 + 490);
}

TEST(BanFile, SkipsWhatIsNoneOfOurs) {
  const auto read = parse_bans(
      "203.0.113.9 whim 12 1699999990 1700000590\n"
      "203.0.113.9 flood many 1699999990 1700000590\n"
      "203.0.113.9 flood 1 1699999990\n"
      "nobody flood 1 1699999990 1700000590\n"
      "203.0.113.9 flood 1 -5 1700000590\n"
      "\n"
      "203.0.113.9  flood 1 1699999990 1700000590\n"
      "203.0.113.7 flood 1 1699999990 1700000590",
      then);
  EXPECT_EQ(read.skipped, 6u);
  ASSERT_EQ(read.bans.size(), 1u);
}

TEST(BanFile, IsReplacedAsAWholeAndOnlyForItsOwner) {
  const test::Scratch scratch;
  const std::string path = scratch / "bans";
  EXPECT_TRUE(read_bans(path, then)->bans.empty()) << "no file is no bans";
  std::ofstream(path + ".new") << "left over";
  ASSERT_TRUE(write_bans(path, two_bans(), then));
  EXPECT_EQ(read_bans(path, then)->bans.size(), 2u);
  ASSERT_TRUE(write_bans(path, {}, then));
  EXPECT_TRUE(read_bans(path, then)->bans.empty());
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST(BanFile, SaysWhyItCanNotBeReadOrWritten) {
  const test::Scratch scratch;
  EXPECT_FALSE(read_bans(scratch.path(), then)) << "a directory";
  EXPECT_FALSE(write_bans(scratch / "no/such/place", {}, then));
  const std::string link = scratch / "link";
  ASSERT_EQ(::symlink("/etc/passwd", link.c_str()), 0);
  EXPECT_FALSE(read_bans(link, then)) << "nobody sends us elsewhere";
}

TEST(DaemonBans, OutliveARestart) {
  const test::Scratch scratch;
  const std::vector<std::string> flags{"--ban-file", scratch / "bans"};
  {
    test::TestServer server(1, flags);
    server.mi("ban.add", {"203.0.113.9", "3600"});
    EXPECT_EQ(server.stop(), 0);
  }
  test::TestServer server(1, flags);
  EXPECT_NE(server.mi("ban.list").find("203.0.113.9: operator"), std::string::npos);
  server.wait_for_log("1 ban is still in force");
}

}  // namespace
}  // namespace sipwsd::process
