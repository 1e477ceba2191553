// What an attacker finds who has taken over a process of the running daemon, or who can crash one at will (S50-S52).
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "src/os/sandbox.h"
#include "tests/support/test_server.h"
#include "tests/support/ws_client.h"

namespace sipwsd::test {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}
std::string status_of(pid_t pid, const std::string& field) {
  const std::string all = read_file("/proc/" + std::to_string(pid) + "/status");
  const auto at = all.find("\n" + field + ":\t");
  if (at == std::string::npos) throw Disappointed("no " + field + " of process " + std::to_string(pid));
  const auto begin = at + field.size() + 3;
  return all.substr(begin, all.find('\n', begin) - begin);
}
// Root's when the process is not dumpable (proc(5)).
uid_t owner_of_memory(pid_t pid) {
  struct stat found {};
  if (stat(("/proc/" + std::to_string(pid) + "/mem").c_str(), &found) != 0) throw Disappointed("no process " + std::to_string(pid));
  return found.st_uid;
}

// By title. Where the daemon runs as another user, it can't reach the test's reply pipes.
std::map<std::string, pid_t> children_of(const TestServer& server) {
  const std::string pid = std::to_string(server.pid());
  std::istringstream pids(read_file("/proc/" + pid + "/task/" + pid + "/children"));
  std::map<std::string, pid_t> all;
  for (pid_t child = 0; pids >> child;) {
    const std::string comm = read_file("/proc/" + std::to_string(child) + "/comm");
    all[comm.substr(0, comm.find('\n'))] = child;
  }
  return all;
}

// --- the sandbox -----------------------------------------------------------------------------------------------------------

class DaemonSandbox : public testing::Test {
 protected:
  void SetUp() override {
    if (!os::sandbox_is_built_in()) GTEST_SKIP() << "sanitizers need system calls of their own: no sandbox in this build";
  }
};

TEST_F(DaemonSandbox, ConfinesEveryRoleAndGivesNobodyNewPrivileges) {
  TestServer server(2, {"--keepalive-processes", "2"});
  for (const auto& [title, pid] : server.processes()) {
    SCOPED_TRACE(title);
    EXPECT_EQ(status_of(pid, "NoNewPrivs"), "1");
    EXPECT_EQ(status_of(pid, "Seccomp"), title == "supervisor" ? "0" : "2");
  }
}

TEST_F(DaemonSandbox, IsLiftedByParameter) {
  TestServer server(1, {"--sandbox", "off"});
  EXPECT_EQ(status_of(server.process("worker 0"), "Seccomp"), "0");
  EXPECT_EQ(status_of(server.process("worker 0"), "NoNewPrivs"), "1");
}

TEST_F(DaemonSandbox, HoldsAReplacementAsItHeldTheFirstProcess) {
  TestServer server(1, {});
  const pid_t first = server.process("worker 0");
  kill(first, SIGKILL);
  const pid_t next = server.process("worker 0", first);
  wait_until("the replacement is held too", [&] { return status_of(next, "Seccomp") == "2"; });
  EXPECT_EQ(server.mi("ws.dump"), "200 OK\n0 WebSocket connections found\n\n");
}

TEST_F(DaemonSandbox, LetsTheLogFileBeOpenedAgainByEveryRole) {
  const Scratch folder;
  const std::string file = folder / "sipwsd.log";
  TestServer server(1, {"--log-file", file, "--log-level", "info"});
  const auto before = server.processes();
  auto client = WsClient::open(server.port());
  std::filesystem::rename(file, file + ".1");

  server.signal(SIGHUP);
  wait_until("the log is there again", [&] { return read_file(file).find("logs opened again") != std::string::npos; });
  // Each does it in its own time, and goes on in the old file until then.
  wait_until("the worker writes to it", [&] {
    WsClient::open(server.port()).disconnect();
    return read_file(file).find("[worker 0]") != std::string::npos;
  });
  wait_until("mi writes to it", [&] { return server.mi("ws.enable") == "200 OK\n\n" && read_file(file).find("[mi]") != std::string::npos; });

  // A folder that is gone is no reason to die.
  std::filesystem::remove_all(folder.path());
  server.signal(SIGHUP);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(server.mi("ws.enable"), "200 OK\n\n");
  client.send_ping("still there?");
  EXPECT_EQ(client.receive().payload, "still there?");
  EXPECT_EQ(server.processes(), before);
}

TEST_F(DaemonSandbox, IsNamedInTheLogWhenSomebodyRunsIntoIt) {
  TestServer server(1, {"--stage", "plugin:" + built("tests/example_stage.so") + ","});
  const pid_t worker = server.process("worker 0");
  WsClient::open(server.port(), {.protocol = ""}).send_text("exec");

  server.process("worker 0", worker);

  server.wait_for_log("was killed by SIGSYS");
  server.wait_for_log(": it made a system call its sandbox forbids");
}

// --- cores -----------------------------------------------------------------------------------------------------------------

TEST(DaemonCore, OfNoProcessIsWrittenAndNobodyButRootLooksInside) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to change the user";
  TestServer server({.flags = {"--user", "nobody"}, .with_fifo = false});
  const auto children = children_of(server);
  ASSERT_EQ(children.size(), 2u);
  for (const auto& [title, pid] : children) {
    SCOPED_TRACE(title);
    EXPECT_NE(status_of(pid, "Uid").substr(0, 2), "0\t");
    EXPECT_EQ(owner_of_memory(pid), 0u) << "not dumpable";
    const std::string limits = read_file("/proc/" + std::to_string(pid) + "/limits");
    const auto core = limits.find("Max core file size");
    ASSERT_NE(core, std::string::npos);
    EXPECT_LE(std::stoi(limits.substr(core + 18)), 1);
  }
}

TEST(DaemonCore, IsWrittenWhenTheOperatorWantsItButWithoutSharedMemory) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to change the user";
  TestServer server({.flags = {"--user", "nobody", "--core-dump"}, .with_fifo = false});
  const pid_t worker = children_of(server).at("worker 0");
  EXPECT_NE(owner_of_memory(worker), 0u) << "dumpable";

  // The segment is the large shared anonymous mapping; "dd" is MADV_DONTDUMP (proc(5)).
  std::istringstream maps(read_file("/proc/" + std::to_string(worker) + "/smaps"));
  bool is_shared = false, found = false;
  for (std::string line; std::getline(maps, line);) {
    if (line.find("/dev/zero (deleted)") != std::string::npos) is_shared = true;
    if (!is_shared || !line.starts_with("VmFlags:")) continue;
    found = true;
    EXPECT_NE(line.find(" dd"), std::string::npos) << line;
    is_shared = false;
  }
  EXPECT_TRUE(found);
}

// --- the FIFO --------------------------------------------------------------------------------------------------------------

TEST(DaemonFifoSafety, SaysWhenOthersCouldPutTheirOwnPipeThere) {
  const Scratch folder;
  ASSERT_EQ(chmod(folder.path().c_str(), 0777), 0);
  TestServer server({.flags = {"--fifo", folder / "pipe"}, .with_fifo = false});
  server.wait_for_log("security: --fifo " + folder / "pipe");
  EXPECT_NE(server.log().find("everybody may write to " + folder.path()), std::string::npos) << server.log();
}

TEST(DaemonFifoSafety, SaysNothingOfAFolderThatIsClosedOrSticky) {
  const Scratch folder;
  for (const mode_t mode : {0755, 01777}) {
    ASSERT_EQ(chmod(folder.path().c_str(), mode), 0);
    TestServer server({.flags = {"--fifo", folder / "pipe"}, .with_fifo = false});
    EXPECT_EQ(server.stop(), 0);
    EXPECT_EQ(server.log().find("security:"), std::string::npos) << server.log();
    EXPECT_FALSE(std::filesystem::exists(folder / "pipe")) << "it leaves no pipe behind";
  }
}

TEST(DaemonFifoSafety, WritesDownWhatChangesSomethingWithItsArguments) {
  TestServer server(1, {"--stage", "echo"});
  server.mi("ws.dump", {"used_asc"});
  server.mi("ws.close", {"id:: 77"});
  server.mi("ws.disable");
  server.wait_for_log("notice: [mi] mi: ws.disable\n");
  const std::string log = server.log();
  EXPECT_NE(log.find("notice: [mi] mi: ws.close id::\"77\"\n"), std::string::npos) << log;
  EXPECT_EQ(log.find("ws.dump"), std::string::npos) << "what only reads is no news";
}

// --- poison ----------------------------------------------------------------------------------------------------------------

// A client at another address of the loopback network.
class Neighbour {
 public:
  Neighbour(const char* address, std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in from{}, to{};
    from.sin_family = to.sin_family = AF_INET;
    from.sin_addr.s_addr = inet_addr(address);
    to.sin_addr.s_addr = inet_addr("127.0.0.1");
    to.sin_port = htons(port);
    const timeval limit{30, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (bind(fd_, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0 ||
        connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
      throw Disappointed(std::string("cannot connect from ") + address);
    send(WsClient::request(port, {.protocol = ""}));
  }
  ~Neighbour() { close(fd_); }
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;

  void send(const std::string& bytes) const { static_cast<void>(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL)); }
  // What comes next; nothing at the end.
  std::string receive() const {
    char bytes[4096];
    const ssize_t n = recv(fd_, bytes, sizeof bytes, 0);
    return {bytes, static_cast<std::size_t>(n > 0 ? n : 0)};
  }
  bool is_accepted() const { return receive().starts_with("HTTP/1.1 101 "); }

 private:
  int fd_;
};

TEST(DaemonPoison, BansTheAddressWhoseMessageKillsTwiceAndNobodyElse) {
  TestServer server(2, {"--stage", "plugin:" + built("tests/example_stage.so") + ",", "--restart-burst", "1000", "--limits-exempt",
                        "192.0.2.1"});
  for (int kills = 1; kills <= 2; ++kills) {
    const Neighbour culprit("127.0.0.66", server.port());
    ASSERT_TRUE(culprit.is_accepted()) << "kill " << kills;
    culprit.send(frame(op::text, "crash"));
    EXPECT_EQ(culprit.receive(), "");
    server.wait_for_statistic("worker_deaths", static_cast<std::uint64_t>(kills));
  }
  server.wait_for_statistic("poison_messages", 1);

  EXPECT_FALSE(Neighbour("127.0.0.66", server.port()).is_accepted());

  EXPECT_TRUE(Neighbour("127.0.0.67", server.port()).is_accepted());
  server.wait_for_log("127.0.0.66 is banned for ");
  EXPECT_NE(server.mi("ban.list").find("poison"), std::string::npos);
  server.mi("ban.remove", {"127.0.0.66"});
  EXPECT_TRUE(Neighbour("127.0.0.66", server.port()).is_accepted());
}

TEST(DaemonPoison, BansNobodyForTheDeathOfAWorkerThatWasAtWorkOnNothing) {
  TestServer server(1, {"--stage", "echo", "--restart-burst", "1000", "--limits-exempt", "192.0.2.1"});
  pid_t worker = server.process("worker 0");
  for (int i = 0; i < 3; ++i) {
    const Neighbour client("127.0.0.66", server.port());
    ASSERT_TRUE(client.is_accepted());
    client.send(frame(op::text, "hello"));
    ASSERT_NE(client.receive(), "");
    kill(worker, SIGKILL);
    worker = server.process("worker 0", worker);
  }
  EXPECT_EQ(server.statistic("poison_messages"), 0u);
  EXPECT_EQ(server.statistic("strikes"), 0u);
  EXPECT_TRUE(Neighbour("127.0.0.66", server.port()).is_accepted());
}

}  // namespace
}  // namespace sipwsd::test
