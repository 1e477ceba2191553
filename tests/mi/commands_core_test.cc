#include <unistd.h>

#include <ctime>
#include <set>

#include "tests/mi/mi_fixture.h"

namespace sipwsd::mi {
namespace {

using Core = MiTest;

TEST_F(Core, TellsHowLongTheDaemonRuns) {
  clock.advance(std::chrono::seconds{90});  // FakeClock's calendar began at 1 700 000 000
  const auto calendar = [](std::time_t at) {
    std::string text = std::ctime(&at);
    return text.substr(0, text.size() - 1);
  };
  EXPECT_EQ(run("uptime"), "200 OK\nNow:: " + calendar(1'700'010'090) + "\nUp since:: " + calendar(1'700'000'000) +
                               "\nUp time:: 10090 [sec]\n\n");
}

TEST_F(Core, TellsItsVersionAsTheServerHeaderDoes) {
  settings.server_header = "sipwsd (9.9.9 (x86_64/linux))";
  const auto text = run("version");
  EXPECT_TRUE(text.starts_with("200 OK\nServer:: sipwsd (9.9.9 (x86_64/linux))\nBuild:: ")) << text;
  EXPECT_NE(text.find("\nFlags:: "), std::string::npos);
  EXPECT_NE(text.find("\nGIT:: "), std::string::npos);
}

TEST_F(Core, TellsWhereAndHowItWasStarted) {
  char here[4096];
  ASSERT_NE(getcwd(here, sizeof here), nullptr);
  settings.arguments = {"sipwsd", "-f", "a file"};
  EXPECT_EQ(run("pwd"), std::string("200 OK\nWD:: ") + here + "\n\n");
  EXPECT_EQ(run("arg"), "200 OK\nsipwsd\n-f\na file\n\n");
}

TEST_F(Core, ListsEveryCommandOnceAndFindsItByThatName) {
  const auto text = run("which", {"input is", "ignored"});
  std::string expected = "200 OK\n";
  std::set<std::string_view> seen;
  for (const auto name : command_names()) {
    expected.append(name).append("\n");
    EXPECT_TRUE(seen.insert(name).second) << name << " is there twice";
    ASSERT_NE(find_command(name), nullptr);
    EXPECT_EQ(find_command(name)->name, name);
  }
  EXPECT_EQ(text, expected + "\n");
  for (const auto* wanted : {"ws.dump", "ws.close", "ws.ping", "ws.pong", "ws.disable", "ws.enable", "which", "uptime", "ps", "get_statistics"})
    EXPECT_TRUE(seen.contains(wanted)) << wanted;
  EXPECT_EQ(find_command("WS.DUMP"), nullptr) << "names are case-sensitive";
  EXPECT_EQ(find_command(""), nullptr);
}

TEST_F(Core, ShowsTheSupervisorAndEveryProcessThatIsThere) {
  segment->processes.begin(shm::ProcessSlot{0}, "worker 0", clock.now(), 1);
  segment->processes.set_pid(shm::ProcessSlot{0}, 4711);
  segment->processes.begin(shm::ProcessSlot{1}, "worker 1", clock.now(), 1);  // not forked yet
  segment->processes.begin(shm::ProcessSlot{3}, "mi", clock.now(), 1);
  segment->processes.set_pid(shm::ProcessSlot{3}, 4713);
  EXPECT_EQ(run("ps"), "200 OK\nProcess::  ID=0 PID=" + std::to_string(getppid()) +
                           " Type=supervisor\nProcess::  ID=1 PID=4711 Type=worker 0\nProcess::  ID=4 PID=4713 Type=mi\n\n");
}

TEST_F(Core, ShowsAndSetsTheLogLevel) {
  EXPECT_EQ(run("debug"), "200 OK\nDEBUG:: 3\n\n");
  EXPECT_EQ(run("debug", {"5"}), "200 OK\nDEBUG:: 5\n\n");
  EXPECT_EQ(segment->switches->log_level(), 5);
  for (const auto* wrong : {"", "6", "-1", "loud", "99999999999"}) EXPECT_EQ(run("debug", {wrong}), "400 Bad parameter\n\n") << wrong;
  EXPECT_EQ(run("debug", {"1", "2"}), "400 Too few or too many arguments\n\n");
  EXPECT_EQ(segment->switches->log_level(), 5);
}

}  // namespace
}  // namespace sipwsd::mi
