// Death is normal: kill, crash or stop any process of the running daemon, and nobody else notices (S50). The plug-in
// stage writes every connection's end into a journal, so that "exactly once" can be counted.
#include <gtest/gtest.h>

#include <sys/socket.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "shm/kill_point.h"
#include "tests/support/sip_client.h"
#include "tests/support/test_server.h"

namespace sipwsd::test {
namespace {

struct End {
  unsigned id;
  std::string cause;
};

// A daemon with the example stage; connections without sub-protocol echo.
class Mortal {
 public:
  explicit Mortal(unsigned workers, std::vector<std::string> flags = {}, const std::string& binary = "sipwsd")
      : journal_(folder_ / "journal"), server(options(workers, std::move(flags), binary)) {}

  WsClient open() { return WsClient::open(server.port(), {.protocol = ""}); }
  WsClient open_in(pid_t worker) {
    for (int attempt = 0; attempt < 200; ++attempt) {
      auto client = open();
      if (server.owner_of(client.local_port()) == worker) return client;
    }
    throw Disappointed("no connection came to process " + std::to_string(worker));
  }
  static void expect_echo(WsClient& client) {
    client.send_text("still there?");
    EXPECT_EQ(client.receive().payload, "still there?");
  }

  // Ends of the connections from these ports, by port.
  std::multimap<std::uint16_t, End> ends() const {
    std::multimap<std::uint16_t, End> out;
    std::ifstream file(journal_);
    for (std::string line; std::getline(file, line);) {
      std::istringstream fields(line);
      End end{};
      std::uint16_t port = 0;
      fields >> end.id >> port >> std::ws;
      std::getline(fields, end.cause);
      out.emplace(port, end);
    }
    return out;
  }
  End wait_for_the_end_of(std::uint16_t port) const {
    wait_until("the end of the connection from port " + std::to_string(port), [&] { return ends().count(port) != 0; });
    return ends().find(port)->second;
  }

 private:
  Scratch folder_;
  std::string journal_;
  ServerOptions options(unsigned workers, std::vector<std::string> flags, const std::string& binary) const {
    flags.insert(flags.end(), {"--stage", "plugin:" + built("tests/example_stage.so") + "," + journal_, "--restart-burst", "1000"});
    return {.workers = workers, .flags = std::move(flags), .binary = binary};
  }

 public:
  TestServer server;
};

bool is_gone(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(stat, line)) return true;
  return line.substr(line.rfind(')') + 2, 1) == "Z";  // dead, and nobody has asked yet
}

// --- workers -------------------------------------------------------------------------------------------------------------

class DaemonWorkerDeath : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(By, DaemonWorkerDeath, testing::Values(SIGKILL, SIGSEGV, SIGSTOP),
                         [](const auto& p) { return std::string(sigabbrev_np(p.param)); });

TEST_P(DaemonWorkerDeath, EndsItsOwnConnectionsAndNobodyElses) {
  Mortal mortal(2, {"--worker-stall-timeout", "1"});
  const pid_t victim = mortal.server.process("worker 0"), survivor = mortal.server.process("worker 1");
  std::vector<WsClient> lost, kept;
  std::vector<std::uint16_t> lost_ports;
  for (int i = 0; i < 3; ++i) {
    lost.push_back(mortal.open_in(victim));
    lost_ports.push_back(lost.back().local_port());
    kept.push_back(mortal.open_in(survivor));
  }

  kill(victim, GetParam());

  // The others work on, all the while.
  for (auto& client : kept) Mortal::expect_echo(client);
  for (auto& client : lost) EXPECT_FALSE(client.receive_or_end());
  for (auto& client : kept) Mortal::expect_echo(client);
  // The slot has a new process that accepts.
  const pid_t heir = mortal.server.process("worker 0", victim);
  EXPECT_EQ(mortal.server.process("worker 1"), survivor);
  auto next = mortal.open_in(heir);
  Mortal::expect_echo(next);
  // One event each, none for the living.
  for (const auto port : lost_ports) EXPECT_EQ(mortal.wait_for_the_end_of(port).cause, "worker died");
  const auto ends = mortal.ends();
  for (const auto port : lost_ports) EXPECT_EQ(ends.count(port), 1u);
  for (const auto& client : kept) EXPECT_EQ(ends.count(client.local_port()), 0u);
  EXPECT_EQ(mortal.server.statistic("worker_deaths"), 1u);
  EXPECT_EQ(mortal.server.statistic("worker_stalls"), GetParam() == SIGSTOP ? 1u : 0u);
}

TEST(DaemonDeath, GivesTheNextProcessTheConnectionsThatWaitInTheAcceptQueue) {
  Mortal mortal(1);
  const pid_t victim = mortal.server.process("worker 0");
  kill(victim, SIGSTOP);
  std::vector<WsClient> waiting;
  for (int i = 0; i < 10; ++i) {
    waiting.emplace_back(mortal.server.port());
    waiting.back().send_raw(WsClient::request(mortal.server.port(), {.protocol = ""}));
  }

  kill(victim, SIGKILL);

  for (auto& client : waiting) {
    EXPECT_EQ(client.read_reply().status(), 101);
    Mortal::expect_echo(client);
  }
}

TEST(DaemonDeath, NeverGivesAnIdTwiceAndCountsOnThroughDeaths) {
  Mortal mortal(2);
  std::vector<std::uint16_t> ports;
  for (int round = 0; round < 3; ++round) {
    const pid_t victim = mortal.server.process(round % 2 == 0 ? "worker 0" : "worker 1");
    std::vector<WsClient> clients;
    for (int i = 0; i < 5; ++i) {
      clients.push_back(mortal.open());
      ports.push_back(clients.back().local_port());
    }
    kill(victim, SIGKILL);
    mortal.server.process(round % 2 == 0 ? "worker 0" : "worker 1", victim);
  }
  std::set<unsigned> ids;
  for (const auto port : ports) ids.insert(mortal.wait_for_the_end_of(port).id);

  EXPECT_EQ(ids.size(), ports.size());
  EXPECT_EQ(mortal.ends().size(), ports.size());
  auto last = mortal.open();
  const auto dump = mortal.server.mi("ws.dump");
  EXPECT_GT(std::stoul(dump.substr(7)), *ids.rbegin());
  mortal.server.wait_for_statistic("ws_current_connections", 1);
}

TEST(DaemonDeath, IsNotTheEndWhenAStageCrashesOnAMessage) {
  Mortal mortal(1);
  auto culprit = mortal.open();
  const auto port = culprit.local_port();

  culprit.send_text("crash");

  EXPECT_FALSE(culprit.receive_or_end());
  EXPECT_EQ(mortal.wait_for_the_end_of(port).cause, "worker died");
  auto next = mortal.open();
  Mortal::expect_echo(next);
}

TEST(DaemonDeath, IsNotWhatAnExceptionOfAStageBrings) {
  Mortal mortal(1);
  auto culprit = mortal.open(), bystander = mortal.open();

  culprit.send_text("throw");

  EXPECT_EQ(culprit.receive().close_code(), 1011);
  Mortal::expect_echo(bystander);
  EXPECT_EQ(mortal.server.statistic("process_deaths"), 0u);
}

TEST(DaemonDeath, TakesTheBindingsOfTheDeadWorkersConnectionsAndNoOthers) {
  TestServer server(2, {"--flow-grace", "0"});
  const pid_t victim = server.process("worker 0"), survivor = server.process("worker 1");
  auto lost = SipClient::in_worker(server, victim, "lost"), kept = SipClient::in_worker(server, survivor, "kept"),
       caller = SipClient::in_worker(server, survivor, "caller");
  lost.register_contact();
  kept.register_contact();

  kill(victim, SIGKILL);
  server.wait_for_statistic("location-contacts", 1);

  EXPECT_EQ(caller.ask(caller.make("MESSAGE", lost.aor())).status(), 480);
  caller.send(caller.make("MESSAGE", kept.aor()));
  kept.respond(kept.receive_request("MESSAGE"), 200, "OK");
  EXPECT_EQ(caller.receive().status(), 200);
  // Whoever was lost comes back.
  SipClient again(server.port(), "lost");
  again.register_contact();
  caller.send(caller.make("MESSAGE", again.aor()));
  again.receive_request("MESSAGE");
}

TEST(DaemonDeath, AnswersACallerAtOnceWhenTheRingingPhonesWorkerDies) {
  TestServer server(2, {"--flow-grace", "0"});  // nobody is expected back
  const pid_t victim = server.process("worker 0"), survivor = server.process("worker 1");
  auto callee = SipClient::in_worker(server, victim, "callee"), caller = SipClient::in_worker(server, survivor, "caller");
  callee.register_contact();
  caller.send(caller.invite(callee.aor()));
  caller.receive_response(100);
  callee.respond(callee.receive_request("INVITE"), 180, "Ringing");
  caller.receive_response(180);

  kill(victim, SIGKILL);

  EXPECT_EQ(caller.receive().status(), 480);
}

TEST(DaemonDeath, LetsACallOfSurvivorsGoOnWhateverWorkerMadeIt) {
  TestServer server(3, {});
  const pid_t victim = server.process("worker 0");
  auto alice = SipClient::in_worker(server, server.process("worker 1"), "alice"),
       bob = SipClient::in_worker(server, server.process("worker 2"), "bob");
  bob.register_contact();
  const auto sent = alice.invite(bob.aor());
  alice.send(sent);
  alice.receive_response(100);
  const auto invite = bob.receive_request("INVITE");

  kill(victim, SIGKILL);
  server.process("worker 0", victim);

  bob.respond(invite, 200, "OK");
  auto dialog = SipClient::dialog_of(sent, alice.receive_response(200));
  alice.send(alice.within(dialog, "ACK"));
  bob.receive_request("ACK");
  alice.send(alice.within(dialog, "BYE"));
  bob.respond(bob.receive_request("BYE"), 200, "OK");
  alice.receive_response(200);
}

// --- the other roles -----------------------------------------------------------------------------------------------------

class DaemonRoleDeath : public testing::TestWithParam<std::tuple<const char*, int>> {};
INSTANTIATE_TEST_SUITE_P(By, DaemonRoleDeath,
                         testing::Combine(testing::Values("keepalive", "mi"), testing::Values(SIGKILL, SIGSEGV, SIGSTOP)),
                         [](const auto& p) {
                           return std::string(std::get<0>(p.param)) + "By" + sigabbrev_np(std::get<1>(p.param));
                         });

TEST_P(DaemonRoleDeath, IsNoticedByNoConnectionAndTheFifoAnswersAgain) {
  const auto& [role, signal] = GetParam();
  TestServer server(1, {"--stage", "echo", "--worker-stall-timeout", "1"});
  auto client = WsClient::open(server.port());
  const pid_t victim = server.process(role), worker = server.process("worker 0");

  kill(victim, signal);

  client.send_text("meanwhile");
  EXPECT_EQ(client.receive().payload, "meanwhile");
  EXPECT_NE(server.process(role, victim), victim);
  EXPECT_EQ(server.process("worker 0"), worker);
  EXPECT_EQ(server.mi("ws.ping", {"1"}), "200 OK\n\n");
  EXPECT_TRUE(client.receive().is_ping());
  EXPECT_EQ(server.statistic("process_deaths"), 1u);
}

TEST(DaemonDeath, AnswersTheFifoWhileTheWorkerThatIsAskedDies) {
  TestServer server(1, {"--stage", "echo"});
  auto client = WsClient::open(server.port());
  const pid_t victim = server.process("worker 0");
  kill(victim, SIGSTOP);
  MiReplyPipe reply(server.scratch() / "asked");
  write_to_fifo(server.fifo(), ":ws.ping:asked\n1\n\n");

  kill(victim, SIGKILL);

  // Which of the two depends on whether mi had asked before the reaper was through; an answer there is in any case.
  const std::string answer = reply.read_all().value_or("nothing");
  EXPECT_TRUE(answer == "500 Error sending frame\n\n" || answer == "400 Bad connection ID parameter\n\n") << answer;
}

TEST(DaemonDeath, LeavesNoProcessAndNoPortWhenTheSupervisorIsKilled) {
  TestServer server(2, {});
  const auto processes = server.processes();
  ASSERT_GE(processes.size(), 5u);
  auto client = WsClient::open(server.port());

  server.signal(SIGKILL);

  EXPECT_EQ(server.wait_for_end(), 128 + SIGKILL);
  EXPECT_FALSE(client.receive_or_end());
  for (const auto& [title, pid] : processes) {
    SCOPED_TRACE(title);
    wait_until(title + " is gone", [pid = pid] { return is_gone(pid); });
  }
  TestServer same(1, {"--listen", "ws:127.0.0.1:" + std::to_string(server.port())});
  EXPECT_EQ(same.stop(), 0);
}

// --- at numbered points, under traffic -------------------------------------------------------------------------------------

using shm::KillPoint;

// What a worker passes while clients come, register, talk, are closed and leave. What only a reaper, an adopter or a
// repair passes is killed in tests/shm, where the order of events can be arranged.
constexpr KillPoint points[] = {
    KillPoint::insert_claimed, KillPoint::insert_filled, KillPoint::insert_locked, KillPoint::insert_is_truth,
    KillPoint::insert_next_set, KillPoint::insert_linked, KillPoint::insert_counted, KillPoint::state_locked,
    KillPoint::state_changed, KillPoint::retire_locked, KillPoint::retire_unlinked, KillPoint::retire_uncounted,
    KillPoint::retire_freed, KillPoint::retire_unmarked, KillPoint::find_locked, KillPoint::ring_written,
    KillPoint::ring_published, KillPoint::ring_taken, KillPoint::ring_released, KillPoint::wake_decided,
    KillPoint::wake_written, KillPoint::block_reserved, KillPoint::block_freed, KillPoint::commit_entry_claimed,
    KillPoint::commit_block_reserved, KillPoint::commit_texts_written, KillPoint::commit_prepared,
    KillPoint::commit_locked, KillPoint::commit_half_noted, KillPoint::commit_noted, KillPoint::commit_added,
    KillPoint::commit_removed, KillPoint::commit_linked, KillPoint::commit_done, KillPoint::commit_unlocked,
    KillPoint::commit_block_released, KillPoint::drop_locked,
};

// A client that does everything once. Its worker may die at any point of it; says how far it came.
std::string live_in(TestServer& server, pid_t worker, SipClient& bob) try {
  auto alice = SipClient::in_worker(server, worker, "alice");
  alice.register_contact();
  alice.register_contact(";+sip.ice");
  alice.send(alice.make("MESSAGE", bob.aor()));
  while (!bob.ws.has_something_within(std::chrono::milliseconds(5)))
    if (alice.ws.has_something_within(std::chrono::milliseconds(0))) return "alice has ended";  // nothing will come to bob
  bob.respond(bob.receive_request("MESSAGE"), 200, "OK");
  alice.receive_response(200);
  const auto dump = server.mi("ws.dump", {"used_asc"});
  const auto port = ":" + std::to_string(alice.ws.local_port()) + " ->";
  const auto line = dump.rfind('\n', dump.find(port)) + 1;
  server.mi("ws.close", {dump.substr(line, dump.find(':', line) - line)});
  alice.ws.receive_close();
  alice.ws.send_close(1000);
  alice.ws.receive_or_end();
  return "all done";
} catch (const Disappointed& end) {
  return end.what();
}

class DaemonDeathAtAPoint : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Share, DaemonDeathAtAPoint, testing::Range(0, 4));

TEST_P(DaemonDeathAtAPoint, LeavesEverythingSoundForTheOthers) {
  Mortal mortal(2, {"--flow-grace", "0"}, "sipwsd-killable");
  TestServer& server = mortal.server;
  const pid_t survivor = server.process("worker 1");
  auto bob = SipClient::in_worker(server, survivor, "bob");
  bob.register_contact();
  for (std::size_t i = static_cast<std::size_t>(GetParam()); i < std::size(points); i += 4) {
    SCOPED_TRACE("kill point " + std::to_string(static_cast<int>(points[i])));
    const pid_t victim = server.process("worker 0");
    auto trigger = mortal.open_in(victim);
    trigger.send_text("arm " + std::to_string(static_cast<int>(points[i])) + " 1");
    trigger.receive();

    std::string lives;
    // Some are passed only when a receiver happens to sleep.
    for (int round = 0; round < 30 && !is_gone(victim); ++round) lives += live_in(server, victim, bob) + "; ";

    ASSERT_TRUE(is_gone(victim)) << "the point was never passed: " << lives;
    ASSERT_FALSE(trigger.receive_or_end());
    const pid_t heir = server.process("worker 0", victim);
    // Nothing is left of the dead: bob and his binding are all there is; a call over both workers works.
    server.wait_for_statistic("ws_current_connections", 1);
    server.wait_for_statistic("location-contacts", 1);
    auto carol = SipClient::in_worker(server, heir, "carol");
    carol.register_contact();
    // A message of the dead one's may still be on its way to bob.
    carol.send(carol.make("MESSAGE", bob.aor()));
    SipMessage received;
    do {
      received = bob.receive_request("MESSAGE");
      bob.respond(received, 200, "OK");
    } while (!received.header("From").starts_with("<" + carol.aor()));
    ASSERT_EQ(carol.receive().status(), 200);
    bob.send(bob.make("MESSAGE", carol.aor()));
    carol.respond(carol.receive_request("MESSAGE"), 200, "OK");
    ASSERT_EQ(bob.receive().status(), 200);
    carol.ws.send_close(1000);
    carol.ws.receive_close();
    server.wait_for_statistic("ws_current_connections", 1);
  }
  EXPECT_EQ(server.process("worker 1"), survivor);
  // Never twice, whatever the moment.
  std::map<unsigned, int> times;
  for (const auto& [port, end] : mortal.ends()) ++times[end.id];
  for (const auto& [id, count] : times) EXPECT_EQ(count, 1) << "connection " << id;
  EXPECT_EQ(server.stop(), 0);
}

}  // namespace
}  // namespace sipwsd::test
