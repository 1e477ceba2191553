// Limits, bans and the memory ceiling of the real daemon. The test's own address is on loopback, which is exempt unless
// something else is said to be.
#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <vector>

#include "tests/support/test_server.h"
#include "tests/support/ws_client.h"

namespace sipwsd::test {
namespace {

class DaemonLimits : public ::testing::Test {
 protected:
  static std::vector<std::string> with(std::vector<std::string> flags) {
    flags.insert(flags.end(), {"--auth-mode", "none", "--limits-exempt", "203.0.113.0/24"});
    return flags;
  }
  // The status line of a refusal, and that it says when to come again.
  static std::string refusal(TestServer& server) {
    WsClient client(server.port());
    const auto reply = client.handshake();
    EXPECT_TRUE(reply.header("Retry-After")) << reply.head;
    client.expect_end();
    return reply.head.substr(0, reply.head.find('\r'));
  }
  static bool is_closed_without_a_word(TestServer& server) {
    WsClient client(server.port());
    return client.has_something_within(patience) && (client.expect_end(), true);
  }
  static inline const std::string too_many_requests = "HTTP/1.1 429 Too Many Requests";
  static inline const std::string unavailable = "HTTP/1.1 503 Service Unavailable";
};

TEST_F(DaemonLimits, CountTheConnectionsOfAnAddressOverAllWorkers) {
  TestServer server(2, with({"--max-connections-per-address", "3"}));
  std::vector<WsClient> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(WsClient::open(server.port()));
  EXPECT_EQ(refusal(server), too_many_requests);
  EXPECT_EQ(server.statistic("address_refusals"), 1u);

  clients.pop_back();
  server.wait_for_statistic("ws_current_connections", 2);
  clients.push_back(WsClient::open(server.port()));
  EXPECT_EQ(refusal(server), too_many_requests);
}

TEST_F(DaemonLimits, ForgetTheConnectionsOfAWorkerThatWasKilled) {
  TestServer server(1, with({"--max-connections-per-address", "2"}));
  const auto first = WsClient::open(server.port()), second = WsClient::open(server.port());
  const pid_t worker = server.process("worker 0");
  ::kill(worker, SIGKILL);
  server.process("worker 0", worker);
  server.wait_for_statistic("ws_current_connections", 0);
  const auto third = WsClient::open(server.port()), fourth = WsClient::open(server.port());
  EXPECT_EQ(refusal(server), too_many_requests);
}

TEST_F(DaemonLimits, SlowDownWhoConnectsTooFast) {
  TestServer server(2, with({"--handshake-rate", "1", "--handshake-burst", "2"}));
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    WsClient client(server.port());
    refused += client.handshake().status() == 429;
  }
  EXPECT_GE(refused, 1) << "nobody is so slow that these take twenty seconds";
  EXPECT_EQ(server.statistic("handshake_rate_refusals"), static_cast<std::uint64_t>(refused));
}

TEST_F(DaemonLimits, DoNotHoldForExemptNetworks) {
  TestServer server(1, {"--auth-mode", "none", "--handshake-rate", "1", "--handshake-burst", "1",
                        "--max-connections-per-address", "1", "--ban-strikes", "1"});
  std::vector<WsClient> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(WsClient::open(server.port()));
  WsClient(server.port()).send_raw("NO HTTP\r\n\r\n");
  clients.push_back(WsClient::open(server.port()));
  EXPECT_EQ(server.statistic("bans_made"), 0u);
}

TEST_F(DaemonLimits, CountThoseWhoHaveNotRegistered) {
  TestServer server(2, with({"--max-unregistered", "2"}));
  const auto first = WsClient::open(server.port()), second = WsClient::open(server.port());
  EXPECT_EQ(server.statistic("unregistered_connections"), 2u);
  EXPECT_EQ(refusal(server), unavailable);
}

TEST_F(DaemonLimits, BanWhoSendsNonsenseUntilAnOperatorLiftsIt) {
  TestServer server(2, with({"--ban-strikes", "4"}));
  const auto before = WsClient::open(server.port());
  for (int i = 0; i < 2; ++i) {
    WsClient nonsense(server.port());
    nonsense.send_raw("NO HTTP\r\n\r\n");
    nonsense.read_reply();
    nonsense.expect_end();
  }
  server.wait_for_statistic("bans_made", 1);
  EXPECT_TRUE(is_closed_without_a_word(server));
  EXPECT_EQ(server.statistic("banned_refusals"), 1u);
  EXPECT_NE(server.mi("ban.list").find("127.0.0.1: malformed-http, 4 strikes"), std::string::npos);
  server.wait_for_log("127.0.0.1 is banned for 600 s: malformed-http, 4 strikes");

  server.mi("ban.remove", {"127.0.0.1"});
  const auto after = WsClient::open(server.port());
}

TEST_F(DaemonLimits, EndTheConnectionsOfWhomAnOperatorBans) {
  TestServer server(2, with({}));
  auto first = WsClient::open(server.port()), second = WsClient::open(server.port());
  EXPECT_EQ(server.mi("ban.add", {"127.0.0.1"}), "200 OK\n127.0.0.1 banned for 600s, 2 connections dropped\n\n");
  first.expect_end();
  second.expect_end();
  EXPECT_TRUE(is_closed_without_a_word(server));
  server.wait_for_statistic("closed_banned", 2);
}

TEST_F(DaemonLimits, RefuseWhatIsNewWhenMemoryIsShort) {
  TestServer server(1, {"--auth-mode", "none", "--memory-limit", "1"});  // it needs more than that to be there at all
  server.wait_for_log("memory is short");
  EXPECT_EQ(refusal(server), unavailable);
  EXPECT_EQ(server.statistic("memory_refusals"), 1u);
  EXPECT_GT(server.statistic("memory_used"), 1024u * 1024u);
}

}  // namespace
}  // namespace sipwsd::test
