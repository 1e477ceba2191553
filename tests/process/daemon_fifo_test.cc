// The FIFO of the running daemon (reference/fifo.md, above all its section 8; reference/websocket.md 3; S54). Replies are
// compared byte by byte: operators' scripts parse them.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "tests/support/test_server.h"
#include "tests/support/ws_client.h"

namespace sipwsd::test {
namespace {

class DaemonFifo : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = new TestServer(2, {"--stage", "echo", "--server-header", "Product"}); }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }
  void TearDown() override {
    // Whatever a test did to it, the next client is served.
    EXPECT_EQ(server().mi("ws.enable"), "200 OK\n\n");
    server().wait_for_statistic("ws_current_connections", 0);
  }
  static TestServer& server() { return *server_; }
  static WsClient open(const std::string& protocol = "sip") { return WsClient::open(server().port(), {.protocol = protocol}); }
  // The next client is served, whatever the one before did.
  static void expect_service() { EXPECT_TRUE(server().mi("which").starts_with("200 OK\nuptime\n")); }
  static void write(std::string_view bytes) { write_to_fifo(server().fifo(), bytes); }
  static std::string path(const std::string& name) { return server().scratch() / name; }
  // The id of the connection from this local port.
  static std::string id_of(const WsClient& client) {
    const std::string dump = server().mi("ws.dump");
    const auto at = dump.find(":" + std::to_string(client.local_port()) + " ->");
    if (at == std::string::npos) throw Disappointed("not in ws.dump: " + dump);
    const auto line = dump.rfind('\n', at) + 1;
    return dump.substr(line, dump.find(':', line) - line);
  }
  static std::string without_times(const std::string& dump) { return std::regex_replace(dump, std::regex("used \\d+s"), "used Ns"); }

 private:
  static TestServer* server_;
};
TestServer* DaemonFifo::server_ = nullptr;

// --- ws.dump -------------------------------------------------------------------------------------------------------------

TEST_F(DaemonFifo, DumpsNothingAsOneLine) { EXPECT_EQ(server().mi("ws.dump"), "200 OK\n0 WebSocket connections found\n\n"); }

TEST_F(DaemonFifo, DumpsAConnectionInTheWordsOfTheModule) {
  const auto client = open();
  const std::string id = id_of(client), here = std::to_string(server().port());

  EXPECT_EQ(without_times(server().mi("ws.dump")),
            "200 OK\n" + id + ": ws:127.0.0.1:" + std::to_string(client.local_port()) + " -> ws:127.0.0.1:" + here +
                " (state: OPEN,  last used Ns ago, sub-protocol: sip)\n1 WebSocket connection found\n\n");
}

TEST_F(DaemonFifo, DumpsStatesAndSubProtocols) {
  auto pinged = open(), closing = open(), neither = open("");
  server().mi("ws.ping", {id_of(pinged)});
  server().mi("ws.close", {id_of(closing)});

  const auto dump = server().mi("ws.dump");
  const auto line_of = [&](const WsClient& client) {
    const auto at = dump.find(":" + std::to_string(client.local_port()) + " ->");
    const auto from = dump.find(" (state", at);
    return without_times(dump.substr(from, dump.find('\n', at) - from));
  };

  EXPECT_EQ(line_of(pinged), " (state: OPEN, awaiting Pong,  last used Ns ago, sub-protocol: sip)");
  EXPECT_EQ(line_of(closing), " (state: CLOSING,  last used Ns ago, sub-protocol: sip)");
  EXPECT_EQ(line_of(neither), " (state: OPEN,  last used Ns ago, sub-protocol: **UNKNOWN**)");
  EXPECT_TRUE(dump.ends_with("\n3 WebSocket connections found\n\n"));
}

TEST_F(DaemonFifo, ListsFiftyAtMostAndSaysSo) {
  std::vector<WsClient> clients;
  for (int i = 0; i < 50; ++i) clients.push_back(open());
  EXPECT_TRUE(server().mi("ws.dump").ends_with("\n50 WebSocket connections found\n\n"));

  clients.push_back(open());

  const auto dump = server().mi("ws.dump");
  EXPECT_TRUE(dump.ends_with("\n50 WebSocket connections found(truncated)\n\n"));
  EXPECT_EQ(std::count(dump.begin(), dump.end(), '\n'), 53);
}

TEST_F(DaemonFifo, DumpsInTheOrderThatIsAskedFor) {
  std::vector<WsClient> clients;
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(open());
    ids.push_back(id_of(clients.back()));
  }
  const auto order = [&](const std::string& dump) {
    std::vector<std::string> found;
    std::istringstream lines(dump);
    for (std::string line; std::getline(lines, line);)
      if (line.find(": ws:") != std::string::npos) found.push_back(line.substr(0, line.find(':')));
    return found;
  };
  const std::vector<std::string> rising = ids, falling(ids.rbegin(), ids.rend());

  // Within a second all are equally idle: then the ids decide.
  EXPECT_EQ(order(server().mi("ws.dump")), rising);
  EXPECT_EQ(order(server().mi("ws.dump", {"id_hash"})), rising);
  EXPECT_EQ(order(server().mi("ws.dump", {"USED_DESC"})), rising);
  EXPECT_EQ(order(server().mi("ws.dump", {"used_asc"})), falling);
  EXPECT_EQ(order(server().mi("ws.dump", {"order:: used_asc"})), falling);
}

TEST_F(DaemonFifo, SortsByIdleTimeWhenThereIsADifference) {
  auto first = open(), second = open();
  const auto a = id_of(first), b = id_of(second);
  const auto position = [&](const std::string& order, const std::string& id) { return server().mi("ws.dump", {order}).find("\n" + id + ": "); };
  // A second must pass between the two uses: the clock is what we wait for.
  wait_until("the older one is used last", [&] {
    first.send_text("x");
    first.receive();
    return position("used_asc", a) < position("used_asc", b);
  });

  EXPECT_LT(position("used_desc", b), position("used_desc", a));
  EXPECT_LT(position("id_hash", a), position("id_hash", b));
}

// --- errors, word for word ---------------------------------------------------------------------------------------------

TEST_F(DaemonFifo, AnswersMistakesWithTheModulesWords) {
  const struct {
    const char* command;
    std::vector<std::string> arguments;
    std::string reply;
  } rows[] = {
      {"ws.dump", {"order::"}, "400 Empty display order parameter\n\n"},
      {"ws.dump", {"by_name"}, "400 Bad display order parameter\n\n"},
      {"ws.dump", {"id_hashXYZ"}, "400 Bad display order parameter\n\n"},
      {"ws.dump", {"by_name", "more"}, "400 Bad display order parameter\n\n"},
      {"ws.dump", {"id_hash", "more"}, "400 Too many parameters\n\n"},
      {"ws.close", {}, "400 Empty connection ID parameter\n\n"},
      {"ws.ping", {"id::"}, "400 Empty connection ID parameter\n\n"},
      {"ws.pong", {}, "400 Empty connection ID parameter\n\n"},
      {"ws.close", {"+1"}, "400 Error converting string to int\n\n"},
      {"ws.close", {"-1"}, "400 Error converting string to int\n\n"},
      {"ws.close", {"0x1"}, "400 Error converting string to int\n\n"},
      {"ws.close", {"1a"}, "400 Error converting string to int\n\n"},
      {"ws.close", {"99999999999"}, "400 Error converting string to int\n\n"},
      {"ws.close", {"x", "2"}, "400 Error converting string to int\n\n"},
      {"ws.close", {"4000000000", "2"}, "400 Too many parameters\n\n"},
      {"ws.close", {"4000000000"}, "400 Bad connection ID parameter\n\n"},
      {"ws.ping", {"0"}, "400 Bad connection ID parameter\n\n"},
      {"ws.pong", {" 4000000000 "}, "400 Bad connection ID parameter\n\n"},
      {"ws.pong", {"id:: 4000000000"}, "400 Bad connection ID parameter\n\n"},
      {"ws.dump", {"\"unclosed"}, "400 parse error in command 'ws.dump'\n"},
      {"ws.dump", {"a\"b"}, "400 parse error in command 'ws.dump'\n"},
      {"ws.dump", {"\"used_asc\" more"}, "400 parse error in command 'ws.dump'\n"},
      {"ws.dump", {"::"}, "400 parse error in command 'ws.dump'\n"},
      {"ws.dump", {"\"\""}, "400 parse error in command 'ws.dump'\n"},
      {"foo", {}, "500 command 'foo' not available\n"},
      {"WS.DUMP", {}, "500 command 'WS.DUMP' not available\n"},
      {"get_statistics", {}, "400 Too few or too many arguments\n\n"},
      {"get_statistics", {"no_such"}, "404 Statistics Not Found\n\n"},
  };
  for (const auto& [command, arguments, reply] : rows) {
    SCOPED_TRACE(std::string(command) + " " + (arguments.empty() ? "" : arguments[0]));
    EXPECT_EQ(server().mi(command, arguments), reply);
  }
}

// --- connections -----------------------------------------------------------------------------------------------------------

TEST_F(DaemonFifo, PingsPongsAndClosesTheConnectionThatIsMeant) {
  auto client = open(), other = open();
  const auto id = id_of(client);

  EXPECT_EQ(server().mi("ws.ping", {id}), "200 OK\n\n");
  const Frame ping = client.receive();
  EXPECT_TRUE(ping.is_ping());
  EXPECT_EQ(ping.payload, "Product");
  EXPECT_NE(server().mi("ws.dump").find("awaiting Pong"), std::string::npos);
  client.send_raw(frame(op::pong, ping.payload));
  wait_until("the pong is seen", [&] { return server().mi("ws.dump").find("awaiting Pong") == std::string::npos; });

  EXPECT_EQ(server().mi("ws.pong", {id}), "200 OK\n\n");
  EXPECT_TRUE(client.receive().is_pong());
  EXPECT_EQ(server().mi("ws.dump").find("awaiting Pong"), std::string::npos);

  EXPECT_EQ(server().mi("ws.close", {"id:: " + id}), "200 OK\n\n");
  EXPECT_EQ(client.receive().payload, close_payload(1000, "Normal closure"));
  EXPECT_EQ(server().mi("ws.ping", {id}), "500 Error sending frame\n\n");
  EXPECT_EQ(server().mi("ws.pong", {id}), "500 Error sending frame\n\n");

  EXPECT_EQ(server().mi("ws.close", {" " + id + " "}), "200 OK\n\n") << "the second time it is meant";
  EXPECT_FALSE(client.receive_or_end());
  EXPECT_EQ(server().mi("ws.close", {id}), "400 Bad connection ID parameter\n\n");
  other.send_text("not me");
  EXPECT_EQ(other.receive().payload, "not me");
}

TEST_F(DaemonFifo, DisablesForAllWorkersAtOnce) {
  EXPECT_EQ(server().mi("ws.disable", {"ignored"}), "200 OK\n\n");
  for (int i = 0; i < 8; ++i) {
    WsClient client(server().port());
    EXPECT_EQ(client.handshake().status(), 503);
  }
}

// --- framing of requests ---------------------------------------------------------------------------------------------------

TEST_F(DaemonFifo, TakesTwoRequestsInOneWriteAndOneInSeveral) {
  MiReplyPipe first(path("first")), second(path("second")), third(path("third"));

  write(":which:first\n\n:ws.dump:second\nused_asc\n\n:ws.d");
  write("ump:thi");
  write("rd\n");
  write("\n");

  EXPECT_TRUE(first.read_all()->starts_with("200 OK\nuptime\n"));
  EXPECT_EQ(second.read_all(), "200 OK\n0 WebSocket connections found\n\n");
  EXPECT_EQ(third.read_all(), "200 OK\n0 WebSocket connections found\n\n");
}

TEST_F(DaemonFifo, WaitsForTheEmptyLineAndLosesTheNextRequestToItsAbsence) {
  MiReplyPipe first(path("one")), second(path("two")), third(path("three"));

  write(":ws.dump:one\nused_asc\n");  // no empty line: what follows is taken for an argument
  write(":which:two\n\n");
  write(":which:three\n\n");

  EXPECT_EQ(first.read_all(), "400 Too many parameters\n\n");
  EXPECT_TRUE(third.read_all()->starts_with("200 OK\n"));
  EXPECT_FALSE(second.read_all(std::chrono::milliseconds(1)));
}

TEST_F(DaemonFifo, TakesCrLfAsWellAndSpacesWhereTheyDoNoHarm) {
  MiReplyPipe reply(path("crlf"));
  write(":ws.dump:crlf \r\n  used_asc \r\n\r\n");
  EXPECT_EQ(reply.read_all(), "200 OK\n0 WebSocket connections found\n\n");
}

TEST_F(DaemonFifo, ReadsAQuotedValueOverSeveralLines) {
  EXPECT_EQ(server().mi("get_statistics", {"\"no\nsuch \\\"statistic\\\"\""}), "404 Statistics Not Found\n\n");
  EXPECT_EQ(server().mi("ws.close", {"id::\"1\n2\""}), "400 Error converting string to int\n\n");
  EXPECT_EQ(server().mi("ws.dump", {"\"used_asc\""}), "200 OK\n0 WebSocket connections found\n\n");
}

TEST_F(DaemonFifo, DropsABrokenRequestUpToItsEmptyLineAndGoesOn) {
  for (const std::string& broken :
       {std::string("no colon\nws.disable\n\n"), std::string(":\n\n"), std::string("::x\n:ws.disable:\n\n"),
        std::string(":ws.disable\n\n"), ":ws.disable:" + std::string(1100, 'x') + "\n\n", std::string(2000, ':') + "\n\n"}) {
    SCOPED_TRACE(broken.substr(0, 30));
    write(broken);
    expect_service();
    const auto client = open();  // nothing was disabled
  }
}

TEST_F(DaemonFifo, RunsACommandWithoutAReplyName) {
  write(":ws.disable:\n\n");
  expect_service();
  WsClient client(server().port());
  EXPECT_EQ(client.handshake().status(), 503);
}

TEST_F(DaemonFifo, S54RunsNothingForAForbiddenReplyName) {
  std::ofstream(path("regular")) << "untouched";
  ASSERT_EQ(mkfifo(path("target").c_str(), 0600), 0);
  ASSERT_EQ(symlink(path("target").c_str(), path("symlink").c_str()), 0);
  ASSERT_EQ(link(path("target").c_str(), path("hardlink").c_str()), 0);
  const int reader = ::open(path("target").c_str(), O_RDONLY | O_NONBLOCK);
  for (const std::string& name : {std::string("../x"), std::string("/etc/passwd"), std::string(".hidden"), std::string("a\\b"),
                                  std::string("regular"), std::string("symlink"), std::string("hardlink"), std::string(120, 'n')}) {
    SCOPED_TRACE(name);
    write(":ws.disable:" + name + "\n\n");
    expect_service();
    const auto client = open();  // it was not run
  }
  std::array<char, 16> bytes;
  EXPECT_EQ(::read(reader, bytes.data(), bytes.size()), 0) << "a link was written to";
  ::close(reader);
  std::ifstream file(path("regular"));
  std::string text;
  EXPECT_TRUE(std::getline(file, text));
  EXPECT_EQ(text, "untouched");
}

TEST_F(DaemonFifo, WaitsAThirdOfASecondForAReaderAndNotLonger) {
  const auto name = path("late");
  ASSERT_EQ(mkfifo(name.c_str(), 0600), 0);
  write(":ws.disable:late\n\n");  // nobody reads: given up, not run
  expect_service();
  { const auto client = open(); }

  // A reader that comes while it is tried again gets its reply.
  write(":which:late\n\n");
  poll(nullptr, 0, 20);
  const int reader = ::open(name.c_str(), O_RDONLY | O_NONBLOCK);
  std::string text;
  wait_until("a late reader gets its reply", [&] {
    std::array<char, 4096> bytes;
    const ssize_t n = ::read(reader, bytes.data(), bytes.size());
    if (n > 0) text.append(bytes.data(), static_cast<std::size_t>(n));
    return text.ends_with("\n\n");
  });
  ::close(reader);
  EXPECT_TRUE(text.starts_with("200 OK\n"));
}

TEST_F(DaemonFifo, IsNotHeldUpForEverByAReaderThatDoesNotRead) {
  const auto name = path("stubborn");
  ASSERT_EQ(mkfifo(name.c_str(), 0600), 0);
  const int reader = ::open(name.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_EQ(fcntl(reader, F_SETPIPE_SZ, 4096), 4096);

  write(":get_statistics:stubborn\nall\n\n");  // more than a page

  expect_service();
  ::close(reader);
}

TEST_F(DaemonFifo, SurvivesAReaderThatLeavesInTheMiddleOfItsReply) {
  const auto name = path("leaver");
  ASSERT_EQ(mkfifo(name.c_str(), 0600), 0);
  const int reader = ::open(name.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_EQ(fcntl(reader, F_SETPIPE_SZ, 4096), 4096);
  write(":get_statistics:leaver\nall\n\n");
  pollfd readable{reader, POLLIN, 0};
  ASSERT_EQ(poll(&readable, 1, 30'000), 1);

  ::close(reader);

  expect_service();
}

// --- the other commands ------------------------------------------------------------------------------------------------------

TEST_F(DaemonFifo, ListsItsCommands) {
  const auto text = server().mi("which");
  for (const char* name : {"uptime", "version", "pwd", "arg", "which", "ps", "kill", "debug", "get_statistics", "reset_statistics",
                           "ws.dump", "ws.close", "ws.ping", "ws.pong", "ws.enable", "ws.disable", "ul_dump"})
    EXPECT_NE(text.find("\n" + std::string(name) + "\n"), std::string::npos) << name;
  EXPECT_TRUE(text.ends_with("\n\n"));
}

TEST_F(DaemonFifo, ListsItsProcesses) {
  EXPECT_TRUE(std::regex_match(server().mi("ps"), std::regex("200 OK\n"
                                                             "Process::  ID=0 PID=" + std::to_string(server().pid()) + " Type=supervisor\n"
                                                             "Process::  ID=1 PID=\\d+ Type=worker 0\n"
                                                             "Process::  ID=2 PID=\\d+ Type=worker 1\n"
                                                             "Process::  ID=3 PID=\\d+ Type=keepalive\n"
                                                             "Process::  ID=4 PID=\\d+ Type=mi\n\n")))
      << server().mi("ps");
}

TEST_F(DaemonFifo, TellsItsUptimeVersionAndArguments) {
  EXPECT_TRUE(std::regex_match(server().mi("uptime"), std::regex("200 OK\nNow:: .+\nUp since:: .+\nUp time:: \\d+ \\[sec\\]\n\n")));
  EXPECT_TRUE(server().mi("version").starts_with("200 OK\nServer:: Product\n"));
  EXPECT_NE(server().mi("arg").find("\n--server-header\nProduct\n"), std::string::npos);
  EXPECT_TRUE(server().mi("pwd").starts_with("200 OK\nWD:: /"));
}

TEST_F(DaemonFifo, ShowsStatisticsByNameGroupAndAll) {
  EXPECT_EQ(server().mi("get_statistics", {"ws_current_connections"}), "200 OK\nwebsocket:ws_current_connections = 0\n\n");
  EXPECT_EQ(server().mi("get_statistics", {"no_such", "ws_current_connections"}), "200 OK\nwebsocket:ws_current_connections = 0\n\n");
  const auto group = server().mi("get_statistics", {"websocket:"});
  EXPECT_EQ(std::count(group.begin(), group.end(), '\n'), 25 + 2) << group;
  const auto all = server().mi("get_statistics", {"all"});
  EXPECT_NE(all.find("core:rcv_requests = "), std::string::npos);
  EXPECT_GT(all.size(), group.size());
}

TEST_F(DaemonFifo, SetsStatisticsBack) {
  { const auto client = open(); }
  ASSERT_GE(server().statistic("ws_successful_handshakes"), 1u);

  EXPECT_EQ(server().mi("reset_statistics", {"ws_successful_handshakes"}), "200 OK\n\n");
  EXPECT_EQ(server().statistic("ws_successful_handshakes"), 0u);
  { const auto client = open(); }
  EXPECT_EQ(server().mi("clear_statistics", {"ws_successful_handshakes"}), "200 OK\nwebsocket:ws_successful_handshakes = 0 (1)\n\n");
}

// --- the file itself, and sipwsctl ---------------------------------------------------------------------------------------------

TEST_F(DaemonFifo, IsAPipeWithTheModeThatWasAskedFor) {
  struct stat found{};
  ASSERT_EQ(stat(server().fifo().c_str(), &found), 0);
  EXPECT_TRUE(S_ISFIFO(found.st_mode));
  EXPECT_EQ(found.st_mode & 07777u, 0660u);
}

TEST(DaemonFifoFile, IsRemovedAtTheEndAndReplacesAStaleOneAtTheStartButNoOtherFile) {
  const Scratch folder;
  const std::string fifo = folder / "pipe", file = folder / "file";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  std::ofstream(file) << "precious";

  TestServer replaces(1, {"--fifo", fifo, "--fifo-mode", "0600"});
  struct stat found{};
  ASSERT_EQ(stat(fifo.c_str(), &found), 0);
  EXPECT_EQ(replaces.stop(), 0);
  EXPECT_NE(stat(fifo.c_str(), &found), 0);

  TestServer refuses({.workers = 1, .flags = {"--fifo", file}, .wait_until_ready = false});
  EXPECT_NE(refuses.wait_for_end(), 0);
  EXPECT_EQ(std::filesystem::file_size(file), 8u);
}

TEST_F(DaemonFifo, IsAskedBySipwsctl) {
  const auto client = open();
  const auto ask = [&](std::vector<std::string> words) {
    std::vector<std::string> command{built("sipwsctl"), "--fifo", server().fifo(), "--reply-dir", server().scratch().path()};
    command.insert(command.end(), words.begin(), words.end());
    return run(command);
  };

  const auto dump = ask({"ws.dump", "used_asc"});
  EXPECT_EQ(dump.exit_code, 0);
  EXPECT_EQ(without_times(dump.standard_output), without_times(server().mi("ws.dump", {"used_asc"})));
  const auto wrong = ask({"ws.close", "x"});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_EQ(wrong.standard_output, "400 Error converting string to int\n\n");
  EXPECT_EQ(ask({"foo"}).standard_output, "500 command 'foo' not available\n");
  EXPECT_EQ(ask({"ws.dump", ""}).standard_output, "400 Empty display order parameter\n\n");
  EXPECT_EQ(ask({"get_statistics", "a \"quoted\"\nvalue"}).standard_output, "404 Statistics Not Found\n\n");
  const auto nobody = run({built("sipwsctl"), "--fifo", path("nothing"), "which"});
  EXPECT_EQ(nobody.exit_code, 2);
  EXPECT_TRUE(nobody.standard_error.starts_with("sipwsctl: cannot open")) << nobody.standard_error;
}

}  // namespace
}  // namespace sipwsd::test
