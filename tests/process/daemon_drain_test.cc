// Drain in the running daemon: nobody new, idle clients leave with 1012 spread over time, calls may end, then the rest, then
// the daemon. What an operator takes back, what he repeats, and what dies meanwhile.
#include <gtest/gtest.h>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/support/sip_client.h"
#include "tests/support/test_server.h"
#include "tests/support/ws_client.h"

namespace sipwsd::test {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

class DaemonDrain : public testing::Test {
 protected:
  TestServer& start(std::vector<std::string> flags, unsigned workers = 2) {
    server = std::make_unique<TestServer>(workers, std::move(flags));
    return *server;
  }
  bool is_refused() {
    try {
      const WsClient client(server->port());
      return false;
    } catch (const Disappointed&) {
      return true;
    }
  }
  void wait_until_refused() {
    wait_until("new connections are refused", [this] { return is_refused(); });
  }
  std::string state() {
    const auto reply = server->mi("core.status");
    const auto from = reply.find("State:: ") + 8;
    return reply.substr(from, reply.find('\n', from) - from);
  }

  // alice calls bob, both registered.
  struct Call {
    SipClient alice, bob;
    SipDialog alices, bobs;
  };
  Call call(pid_t alices_worker = 0, pid_t bobs_worker = 0) {
    const auto client = [this](const std::string& user, pid_t worker) {
      return worker == 0 ? SipClient(server->port(), user) : SipClient::in_worker(*server, worker, user);
    };
    Call made{client("alice", alices_worker), client("bob", bobs_worker), {}, {}};
    made.alice.register_contact();
    made.bob.register_contact();
    const auto invite = made.alice.invite(made.bob.aor());
    made.alice.send(invite);
    made.alice.receive_response(100);
    const auto at_bob = made.bob.receive_request("INVITE");
    made.bob.respond(at_bob, 200, "OK", {"Content-Type: application/sdp"}, "v=0\r\n");
    made.alices = SipClient::dialog_of(invite, made.alice.receive_response(200));
    made.bobs = made.bob.dialog_of(at_bob);
    made.alice.send(made.alice.within(made.alices, "ACK"));
    made.bob.receive_request("ACK");
    return made;
  }
  static void talk(Call& call) {
    call.bob.send(call.bob.within(call.bobs, "INFO"));
    call.alice.respond(call.alice.receive_request("INFO"), 200, "OK");
    call.bob.receive_response(200);
  }
  static void hang_up(Call& call) {
    call.alice.send(call.alice.within(call.alices, "BYE"));
    call.bob.respond(call.bob.receive_request("BYE"), 200, "OK");
    call.alice.receive_response(200);
  }
  static int close_code(WsClient& client) {
    const int code = client.receive_close().close_code();
    client.send_close(code);
    return code;
  }

  std::unique_ptr<TestServer> server;
};

// --- SIGTERM ---------------------------------------------------------------------------------------------------------------

TEST_F(DaemonDrain, ClosesIdleConnectionsWith1012EvenlyWithinTheSpread) {
  start({"--stage", "echo", "--drain-timeout", "60", "--drain-spread", "2"});
  std::vector<WsClient> clients;
  for (int i = 0; i < 60; ++i) clients.push_back(WsClient::open(server->port()));

  const auto asked = Clock::now();
  server->signal(SIGTERM);

  // When each Close came: one poll over all.
  std::vector<Clock::duration> ends;
  std::vector<pollfd> waiting;
  for (const auto& client : clients) waiting.push_back({client.fd(), POLLIN, 0});
  while (ends.size() < clients.size()) {
    ASSERT_GT(poll(waiting.data(), waiting.size(), 30'000), 0);
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (waiting[i].revents == 0) continue;
      waiting[i].fd = -1;
      waiting[i].revents = 0;
      const auto close = clients[i].receive();
      EXPECT_EQ(close.close_code(), 1012);
      EXPECT_EQ(close.close_reason(), "Service restart");
      clients[i].send_close(1012);
      ends.push_back(Clock::now() - asked);
    }
  }
  EXPECT_EQ(server->wait_for_end(), 0);
  EXPECT_GT(ends.back(), 1500ms) << "spread over two seconds";
  const auto in_first_half = std::count_if(ends.begin(), ends.end(), [](auto at) { return at < 1s; });
  EXPECT_LT(in_first_half, 45) << "not all at its beginning";
}

TEST_F(DaemonDrain, LetsACallEndBeforeItEnds) {
  start({"--drain-timeout", "600", "--drain-spread", "0"});
  auto call = this->call();
  SipClient carol(server->port(), "carol");
  carol.register_contact();

  server->signal(SIGTERM);

  EXPECT_EQ(close_code(carol.ws), 1012) << "she has no call";
  wait_until_refused();
  talk(call);
  EXPECT_EQ(state(), "draining");
  hang_up(call);
  EXPECT_EQ(close_code(call.alice.ws), 1012);
  EXPECT_EQ(close_code(call.bob.ws), 1012);
  EXPECT_EQ(server->wait_for_end(), 0);
}

TEST_F(DaemonDrain, LetsAPhoneRing) {
  start({"--drain-timeout", "600", "--drain-spread", "0"});
  SipClient alice(server->port(), "alice"), bob(server->port(), "bob");
  alice.register_contact();
  bob.register_contact();
  const auto invite = alice.invite(bob.aor());
  alice.send(invite);
  alice.receive_response(100);
  const auto at_bob = bob.receive_request("INVITE");
  bob.respond(at_bob, 180, "Ringing");
  alice.receive_response(180);

  server->signal(SIGTERM);
  wait_until_refused();

  EXPECT_FALSE(alice.ws.has_something_within(2500ms)) << "longer than anybody is left alone for being quiet";
  bob.respond(at_bob, 486, "Busy Here");
  bob.receive_request("ACK");
  auto dialog = SipClient::dialog_of(invite, alice.receive_response(486));
  auto ack = alice.within(dialog, "ACK");
  ack.branch = invite.branch;
  ack.uri = invite.uri;
  alice.send(ack);
  EXPECT_EQ(close_code(alice.ws), 1012);
  EXPECT_EQ(close_code(bob.ws), 1012);
  EXPECT_EQ(server->wait_for_end(), 0);
}

TEST_F(DaemonDrain, EndsCallsWith1001WhenTimeIsOver) {
  start({"--drain-timeout", "1", "--drain-spread", "0"});
  auto call = this->call();

  server->signal(SIGTERM);

  EXPECT_EQ(close_code(call.alice.ws), 1001);
  EXPECT_EQ(close_code(call.bob.ws), 1001);
  EXPECT_EQ(server->wait_for_end(), 0);
}

TEST_F(DaemonDrain, LosesPatienceAtTheSecondSigterm) {
  start({"--drain-timeout", "600"});
  auto call = this->call();
  server->signal(SIGTERM);
  wait_until_refused();

  server->signal(SIGTERM);

  EXPECT_EQ(close_code(call.alice.ws), 1001);
  EXPECT_EQ(close_code(call.bob.ws), 1001);
  EXPECT_EQ(server->wait_for_end(), 0);
}

TEST_F(DaemonDrain, DoesNotDrainOnSigintNorWithoutATimeout) {
  for (const auto& [signal, timeout] : {std::pair(SIGINT, "600"), std::pair(SIGTERM, "0")}) {
    start({"--stage", "echo", "--drain-timeout", timeout});
    auto client = WsClient::open(server->port());
    server->signal(signal);
    EXPECT_EQ(close_code(client), 1001);
    EXPECT_EQ(server->wait_for_end(), 0);
  }
}

TEST_F(DaemonDrain, EndsAtOnceWhenNobodyIsThere) {
  start({"--drain-timeout", "600", "--drain-spread", "600"});
  const auto asked = Clock::now();
  server->signal(SIGTERM);
  EXPECT_EQ(server->wait_for_end(), 0);
  EXPECT_LT(Clock::now() - asked, 10s);
}

// --- the operator's wish ---------------------------------------------------------------------------------------------------

TEST_F(DaemonDrain, TakesTheDaemonOutOfServiceAndBackAgain) {
  start({"--drain-spread", "0"});
  auto call = this->call();

  EXPECT_EQ(server->mi("core.drain"), "200 OK\nState:: draining\nConnections:: 2\n\n");
  wait_until_refused();
  EXPECT_EQ(state(), "draining");
  EXPECT_EQ(server->mi("core.undrain"), "200 OK\nState:: serving\nConnections:: 2\n\n");

  EXPECT_EQ(state(), "serving");
  std::set<pid_t> workers;
  for (int i = 0; i < 50 && workers.size() < 2; ++i) {
    auto client = WsClient::open(server->port());
    workers.insert(server->owner_of(client.local_port()));
  }
  EXPECT_EQ(workers.size(), 2u) << "both listen again";
  talk(call);
  hang_up(call);
  EXPECT_EQ(server->mi("core.undrain").substr(0, 7), "200 OK\n") << "it does so already";
  EXPECT_EQ(server->stop(), 0);
}

TEST_F(DaemonDrain, EndsWithTheLastCallHoweverLongItIs) {
  start({"--drain-spread", "0"});
  auto call = this->call();
  EXPECT_EQ(server->mi("core.drain").substr(0, 7), "200 OK\n");
  wait_until_refused();
  talk(call);

  hang_up(call);

  EXPECT_EQ(close_code(call.alice.ws), 1012);
  EXPECT_EQ(close_code(call.bob.ws), 1012);
  EXPECT_EQ(server->wait_for_end(), 0);
}

TEST_F(DaemonDrain, WaitsAsLongAsTheOperatorSaysAndNoLonger) {
  start({"--drain-timeout", "600", "--drain-spread", "0"});
  auto call = this->call();
  EXPECT_EQ(server->mi("core.drain", {"600"}).substr(0, 7), "200 OK\n");

  EXPECT_EQ(server->mi("core.drain", {"1"}).substr(0, 7), "200 OK\n") << "he has changed his mind";

  EXPECT_EQ(close_code(call.alice.ws), 1001);
  EXPECT_EQ(close_code(call.bob.ws), 1001);
  EXPECT_EQ(server->wait_for_end(), 0);
}

TEST_F(DaemonDrain, IsNotTakenBackOnceASignalHasSaidTheEnd) {
  start({"--drain-timeout", "600"});
  auto call = this->call();
  server->signal(SIGTERM);
  wait_until_refused();

  EXPECT_EQ(server->mi("core.undrain"), "500 the daemon was told to end\n\n");
  EXPECT_EQ(server->mi("core.drain"), "500 the daemon was told to end\n\n");

  EXPECT_TRUE(is_refused());
  EXPECT_EQ(server->stop(), 0);
}

TEST_F(DaemonDrain, EndsAtOnceWhenASignalFollowsTheWish) {
  start({"--drain-timeout", "600"});
  auto call = this->call();
  EXPECT_EQ(server->mi("core.drain").substr(0, 7), "200 OK\n");
  server->signal(SIGTERM);
  EXPECT_EQ(close_code(call.alice.ws), 1001);
  EXPECT_EQ(close_code(call.bob.ws), 1001);
  EXPECT_EQ(server->wait_for_end(), 0);
}

// --- meanwhile -------------------------------------------------------------------------------------------------------------

TEST_F(DaemonDrain, AnswersAHandshakeThatIsUnderWayWith503) {
  start({});
  auto call = this->call();
  WsClient late(server->port());
  late.send_raw("GET / HTTP/1.1\r\n");
  wait_until("it was accepted", [&] { return server->owner_of(late.local_port()) != 0; });
  EXPECT_EQ(server->mi("core.drain").substr(0, 7), "200 OK\n");

  auto rest = WsClient::request(server->port(), {});
  late.send_raw(rest.substr(rest.find("\r\n") + 2));

  const auto reply = late.read_reply();
  EXPECT_EQ(reply.status(), 503);
  EXPECT_EQ(reply.header("Retry-After"), "5");
}

TEST_F(DaemonDrain, GoesOnThoughAWorkerDies) {
  start({"--drain-spread", "0"});
  const pid_t first = server->process("worker 0"), second = server->process("worker 1");
  auto call = this->call(first, first);
  auto idle = SipClient::in_worker(*server, second, "idle");
  EXPECT_EQ(server->mi("core.drain").substr(0, 7), "200 OK\n");
  wait_until_refused();

  kill(second, SIGKILL);
  server->process("worker 1", second);

  EXPECT_TRUE(is_refused()) << "the replacement does not listen";
  talk(call);
  EXPECT_EQ(server->mi("core.undrain").substr(0, 7), "200 OK\n");
  std::set<pid_t> workers;
  for (int i = 0; i < 50 && workers.size() < 2; ++i) {
    auto client = WsClient::open(server->port());
    workers.insert(server->owner_of(client.local_port()));
  }
  EXPECT_EQ(workers.size(), 2u) << "the replacement listens when the others do";
  EXPECT_EQ(server->mi("core.drain").substr(0, 7), "200 OK\n");
  hang_up(call);
  EXPECT_EQ(server->wait_for_end(), 0);
}

TEST_F(DaemonDrain, EndsThoughTheWorkerWithTheOnlyCallDies) {
  start({"--drain-timeout", "600", "--drain-spread", "0"});
  const pid_t first = server->process("worker 0");
  auto call = this->call(first, first);
  server->signal(SIGTERM);
  wait_until_refused();

  kill(first, SIGKILL);

  EXPECT_EQ(server->wait_for_end(), 0);
}

TEST_F(DaemonDrain, TellsTheServiceManagerAndAsksItForTime) {
  const Scratch folder;
  const std::string path = folder / "notify";
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const auto until = [&](std::string_view words) {
    for (;;) {
      pollfd readable{socket, POLLIN, 0};
      if (poll(&readable, 1, 30'000) != 1) throw Disappointed("nobody said " + std::string(words));
      char bytes[4096];
      const ssize_t n = recv(socket, bytes, sizeof bytes, 0);
      const std::string said(bytes, static_cast<std::size_t>(n > 0 ? n : 0));
      if (said.find(words) != std::string::npos) return said;
    }
  };
  server = std::make_unique<TestServer>(
      ServerOptions{.workers = 1, .flags = {"--drain-timeout", "600", "--drain-spread", "0"}, .environment = {{"NOTIFY_SOCKET", path}}});
  auto call = this->call();
  until("READY=1");

  EXPECT_EQ(server->mi("core.drain").substr(0, 7), "200 OK\n");
  EXPECT_EQ(until("STATUS=draining"), "STATUS=draining, 2 connections left") << "nobody has asked for the end: no STOPPING";
  EXPECT_EQ(server->mi("core.undrain").substr(0, 7), "200 OK\n");
  until("READY=1\nSTATUS=serving");

  server->signal(SIGTERM);
  until("STOPPING=1");
  EXPECT_NE(until("STATUS=draining").find("\nEXTEND_TIMEOUT_USEC=15000000"), std::string::npos);
  ::close(socket);
}

}  // namespace
}  // namespace sipwsd::test
