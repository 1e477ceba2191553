// The daemon's life as init scripts, service managers and operators see it: start, refusals with their exit codes, pid
// file, background, signals, logs, the end.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/sip_client.h"
#include "tests/support/test_server.h"
#include "tests/support/ws_client.h"

namespace sipwsd::test {
namespace {

namespace fs = std::filesystem;

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Ended sipwsd(std::vector<std::string> flags) {
  flags.insert(flags.begin(), built("sipwsd"));
  return run(flags);
}

// --- what needs no daemon ----------------------------------------------------------------------------------------------

TEST(DaemonLife, TellsItsVersionAndItsFlags) {
  const auto version = sipwsd({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_TRUE(version.standard_output.starts_with("sipwsd ")) << version.standard_output;
  EXPECT_EQ(version.standard_error, "");

  const auto help = sipwsd({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_TRUE(help.standard_output.starts_with("Usage: sipwsd "));
  for (const char* flag : {"--listen PROTO:ADDR:PORT", "--stage NAME[:ARG]", "--keepalive-timeout SECONDS", "--demo", "-F, --foreground"})
    EXPECT_NE(help.standard_output.find(flag), std::string::npos) << flag;
}

TEST(DaemonLife, RefusesToStartWithOneLineThatSaysWhatToWriteAndItsExitCode) {
  const Scratch folder;
  std::ofstream(folder / "broken.cfg") << "loadmodule \"websocket.so\"\nmodparam(\"websocket\", \"keepalive_timeut\", 3)\n";
  const std::string other_abi = folder / "other.so";
  {
    // The version number is the first thing in the descriptor: a copy with another one is a plug-in of another time.
    std::ofstream source(folder / "other.cc");
    source << "extern \"C\" { extern const unsigned sipwsd_plugin[8]; const unsigned sipwsd_plugin[8] = {4711}; }\n";
  }
  ASSERT_EQ(run({"/usr/bin/g++", "-shared", "-fPIC", "-o", other_abi, folder / "other.cc"}, {}).exit_code, 0);
  const struct {
    std::vector<std::string> flags;
    int exit_code;
    std::vector<std::string> words;
  } rows[] = {
      {{"--lisen", "ws:127.0.0.1:0"}, 64, {"unknown flag --lisen", "--listen"}},
      {{"--listen", "ws:127.0.0.1:notaport"}, 64, {"--listen", "notaport"}},
      {{"--workers", "many"}, 64, {"--workers", "write a number"}},
      {{"-f", folder / "missing.cfg"}, 78, {"missing.cfg"}},
      {{"-f", folder / "broken.cfg"}, 78, {"broken.cfg:2:", "keepalive_timeut", "keepalive_timeout"}},
      {{"--stage", "ecko"}, 78, {"no stage is called `ecko`", "echo"}},
      {{"--stage", "echo:x"}, 78, {"takes no argument"}},
      {{"--stage", "plugin:"}, 78, {"plugin:PATH"}},
      {{"--stage", "plugin:" + (folder / "missing.so")}, 78, {"cannot load", "missing.so"}},
      {{"--stage", "plugin:" + other_abi}, 78, {"built for plug-in ABI 4711", "build it again"}},
      {{"--user", "nobody-by-this-name"}, 78, {"nobody-by-this-name"}},
      {{"--pid-file", "/proc/nonexistent/pid"}, 78, {"cannot open the pid file /proc/nonexistent/pid"}},
      {{"--reply-dir", "/proc/nonexistent/", "--fifo", folder / "fifo"}, 69, {"--fifo", "/proc/nonexistent/"}},
  };
  for (const auto& [flags, exit_code, words] : rows) {
    SCOPED_TRACE(flags[0] + " " + flags[1]);
    std::vector<std::string> all{"-F"};
    if (flags[0] != "--listen" && flags[0] != "-f") all.insert(all.end(), {"--listen", "ws:127.0.0.1:0"});
    all.insert(all.end(), flags.begin(), flags.end());

    const auto ended = sipwsd(all);

    EXPECT_EQ(ended.exit_code, exit_code);
    for (const auto& word : words) EXPECT_NE(ended.standard_error.find(word), std::string::npos) << ended.standard_error;
    EXPECT_EQ(ended.standard_output, "");
  }
}

TEST(DaemonLife, ChecksAConfigurationWithoutTouchingAnything) {
  const Scratch folder;
  const std::string fifo = folder / "fifo", pid = folder / "pid";
  std::ofstream(folder / "good.cfg") << "listen=ws:127.0.0.1:0\n";

  const auto good = sipwsd({"-c", "-f", folder / "good.cfg", "--fifo", fifo, "--pid-file", pid});

  EXPECT_EQ(good.exit_code, 0) << good.standard_error;
  EXPECT_FALSE(fs::exists(fifo));
  EXPECT_FALSE(fs::exists(pid));
}

// --- a second one --------------------------------------------------------------------------------------------------------

TEST(DaemonLife, NamesThePortAndTheFlagWhenThePortIsTaken) {
  TestServer first;
  const std::string port = std::to_string(first.port());

  const auto second = sipwsd({"-F", "--listen", "ws:127.0.0.1:" + port});

  EXPECT_EQ(second.exit_code, 69);
  EXPECT_NE(second.standard_error.find("port " + port + " is in use"), std::string::npos) << second.standard_error;
  EXPECT_NE(second.standard_error.find("--listen"), std::string::npos);
  auto client = WsClient::open(first.port());
}

TEST(DaemonLife, NeverRunsTwiceWithOnePidFile) {
  const Scratch folder;
  const std::string pid_file = folder / "pid";
  TestServer first(1, {"--pid-file", pid_file});
  EXPECT_EQ(text_of(pid_file), std::to_string(first.pid()) + "\n");

  const auto second = sipwsd({"-F", "--listen", "ws:127.0.0.1:0", "--pid-file", pid_file});

  EXPECT_EQ(second.exit_code, 69);
  EXPECT_NE(second.standard_error.find("already running with pid " + std::to_string(first.pid())), std::string::npos);
  EXPECT_EQ(text_of(pid_file), std::to_string(first.pid()) + "\n");
  EXPECT_EQ(first.stop(), 0);
  EXPECT_FALSE(fs::exists(pid_file));
}

TEST(DaemonLife, TakesOverAStalePidFile) {
  const Scratch folder;
  const std::string pid_file = folder / "pid";
  std::ofstream(pid_file) << "4194303\n";

  TestServer server(1, {"--pid-file", pid_file});

  EXPECT_EQ(text_of(pid_file), std::to_string(server.pid()) + "\n");
}

// --- background ------------------------------------------------------------------------------------------------------------

TEST(DaemonLife, GoesToTheBackgroundWhenItIsReadyAndAnswersWithItsExitCode) {
  const Scratch folder;
  const std::string pid_file = folder / "pid", log_file = folder / "log";
  // What loses its parent becomes ours, so that its end can be waited for.
  prctl(PR_SET_CHILD_SUBREAPER, 1);

  const auto started = sipwsd({"--listen", "ws:127.0.0.1:0", "--workers", "1", "--max-connections", "100", "--pid-file", pid_file,
                               "--log-file", log_file});

  ASSERT_EQ(started.exit_code, 0) << started.standard_error;
  const pid_t daemon = std::stoi(text_of(pid_file));
  const auto log = text_of(log_file);
  const auto at = log.find("listening on ws:127.0.0.1:");
  ASSERT_NE(at, std::string::npos) << log;
  {
    auto client = WsClient::open(static_cast<std::uint16_t>(std::stoul(log.substr(at + 26))));
    EXPECT_EQ(getsid(daemon) == getsid(0), false);
    const auto again = sipwsd({"--listen", "ws:127.0.0.1:0", "--pid-file", pid_file});
    EXPECT_EQ(again.exit_code, 69) << "from the background too";

    kill(daemon, SIGTERM);
    EXPECT_EQ(client.receive().close_code(), 1001);
  }
  int status = 0;
  wait_until("the daemon has ended", [&] { return waitpid(daemon, &status, WNOHANG) == daemon; });
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_FALSE(fs::exists(pid_file));
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}

// --- the end ---------------------------------------------------------------------------------------------------------------

TEST(DaemonLife, SaysGoodbyeToEveryClientOnSigterm) {
  TestServer server(2, {"--stage", "echo"});
  std::vector<WsClient> clients;
  for (int i = 0; i < 10; ++i) clients.push_back(WsClient::open(server.port()));
  WsClient in_the_middle(server.port());
  in_the_middle.send_raw("GET / HTTP");

  server.signal(SIGTERM);

  for (auto& client : clients) {
    const Frame close = client.receive();
    EXPECT_EQ(close.close_code(), 1001);
    client.send_close(1001);
    EXPECT_FALSE(client.receive_or_end());
    client.disconnect();
  }
  EXPECT_EQ(server.wait_for_end(), 0);
  EXPECT_THROW(WsClient{server.port()}, Disappointed) << "somebody still listens";
  EXPECT_FALSE(fs::exists(server.fifo()));
}

TEST(DaemonLife, EndsInTimeThoughAClientDoesNotAnswer) {
  TestServer server(1, {"--stage", "echo", "--shutdown-timeout", "1", "--close-timeout", "60"});
  auto silent = WsClient::open(server.port());
  const auto start = std::chrono::steady_clock::now();

  EXPECT_EQ(server.stop(), 0);

  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  EXPECT_EQ(silent.receive_close().close_code(), 1001);
}

TEST(DaemonLife, EndsOnSigintAndOnTheKillCommandToo) {
  TestServer by_signal, by_command;

  by_signal.signal(SIGINT);
  EXPECT_EQ(by_signal.wait_for_end(), 0);
  EXPECT_EQ(by_command.mi("kill"), "500 command 'kill' failed\n\n");
  EXPECT_EQ(by_command.wait_for_end(), 0);
}

// --- logs and the service manager ----------------------------------------------------------------------------------------------

void expect_that_sighup_opens_the_log_again(std::vector<std::string> flags) {
  const Scratch folder;
  fs::permissions(folder.path(), fs::perms::owner_all | fs::perms::others_read | fs::perms::others_exec);
  const std::string log = folder / "log", rotated = folder / "log.1";
  flags.insert(flags.end(), {"--log-file", log, "--log-level", "info"});
  TestServer server(1, flags);
  wait_until("the log is written", [&] { return text_of(log).find("ready") != std::string::npos; });
  fs::rename(log, rotated);

  server.signal(SIGHUP);

  wait_until("there is a new log", [&] { return text_of(log).find("logs opened again") != std::string::npos; });
  // The worker's log too: its next line goes to the new file.
  wait_until("the worker writes there", [&] {
    auto client = WsClient::open(server.port());
    client.send_close(1000);
    client.receive_close();
    return text_of(log).find("closed") != std::string::npos;
  });
}

TEST(DaemonLife, OpensItsLogAgainOnSighup) { expect_that_sighup_opens_the_log_again({}); }

TEST(DaemonLife, OpensItsLogAgainAsAnotherUserWhereOnlyRootMayCreateIt) {
  if (getuid() != 0) GTEST_SKIP() << "only root can change the user";
  expect_that_sighup_opens_the_log_again({"--user", "nobody", "--group", "nogroup"});
}

TEST(DaemonLife, EndsWhenAPluginMakesNoStage) {
  TestServer server({.flags = {"--stage", "plugin:" + built("tests/example_stage.so") + ",none"}, .with_fifo = false, .wait_until_ready = false});

  EXPECT_EQ(server.wait_for_end(), 78);
  EXPECT_NE(server.log().find("made no stage of the argument `none`"), std::string::npos);
}

TEST(DaemonLife, TellsTheServiceManagerWhenItIsReadyAndWhenItEnds) {
  const Scratch folder;
  const std::string path = folder / "notify";
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const auto next = [&] {
    pollfd readable{socket, POLLIN, 0};
    if (poll(&readable, 1, 30'000) != 1) throw Disappointed("no datagram");
    char bytes[4096];
    const ssize_t n = recv(socket, bytes, sizeof bytes, 0);
    return std::string(bytes, static_cast<std::size_t>(n > 0 ? n : 0));
  };

  TestServer server({.workers = 1, .environment = {{"NOTIFY_SOCKET", path}}});

  EXPECT_TRUE(next().starts_with("READY=1"));
  server.signal(SIGHUP);
  EXPECT_TRUE(next().starts_with("RELOADING=1"));
  EXPECT_TRUE(next().starts_with("READY=1"));
  EXPECT_EQ(server.stop(), 0);
  EXPECT_TRUE(next().starts_with("STOPPING=1"));
  ::close(socket);
}

TEST(DaemonLife, RunsAPluginStageThatUsesNothingButTheContract) {
  TestServer server(1, {"--stage", "plugin:" + built("tests/example_stage.so")});
  auto client = WsClient::open(server.port(), {.protocol = ""});
  SipClient alice(server.port(), "alice"), bob(server.port(), "bob");

  client.send_text("bye");
  EXPECT_EQ(client.receive().payload, close_payload(4001, "as asked"));
  WsClient http(server.port());
  http.send_raw("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto hello = http.read_reply();
  EXPECT_EQ(hello.status(), 200);
  EXPECT_EQ(hello.body, "hello from a plug-in\n");
  bob.register_contact();
  alice.send(alice.make("MESSAGE", bob.aor()));
  bob.respond(bob.receive_request("MESSAGE"), 200, "OK");
  EXPECT_EQ(alice.receive().status(), 200);
  EXPECT_EQ(alice.ask(alice.make("OPTIONS", "sip:example.org")).status(), 405) << "nobody claims it: the default reply";
}

}  // namespace
}  // namespace sipwsd::test
