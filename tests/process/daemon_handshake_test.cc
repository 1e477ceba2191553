// The opening handshake on a real socket (RFC 6455 4.2; reference/websocket.md 2; S01-S08b). What src/ws and src/http prove
// of the codec alone is here proved of what leaves the daemon: whole replies, the end of the connection, counters.
#include <gtest/gtest.h>

#include <functional>

#include "tests/support/test_server.h"
#include "tests/support/ws_client.h"

namespace sipwsd::test {
namespace {

using Offer = WsClient::Offer;

std::vector<std::string> with(std::vector<std::string> more) {
  std::vector<std::string> flags{"--server-header", "Product", "--stage", "edge"};
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

const std::string accepted_tail =
    "Sec-WebSocket-Protocol: sip\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nServer: Product\r\n\r\n";
const std::string accepted = "HTTP/1.1 101 Switching Protocols\r\n" + accepted_tail;
const std::string tail = "Server: Product\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const std::string bad_request = "HTTP/1.1 400 Bad Request\r\n" + tail;
const std::string bad_request_with_offer =
    "HTTP/1.1 400 Bad Request\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n" + tail;
const std::string upgrade_required =
    "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nUpgrade: websocket\r\nConnection: upgrade\r\n" + tail;
const std::string too_large = "HTTP/1.1 431 Request Header Fields Too Large\r\n" + tail;
const std::string unavailable = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n" + tail;

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const auto at = text.find(what);
  if (at == std::string::npos) throw Disappointed("nothing to replace: " + std::string(what));
  return text.replace(at, what.size(), by);
}

// One daemon for all tests that only talk to it.
class DaemonHandshake : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = new TestServer(1, with({})); }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }
  static TestServer& server() { return *server_; }
  static std::string good() { return WsClient::request(server().port(), {}); }

  // Sends `bytes`, expects `reply` to the last byte, and then the end.
  static void expect_refusal(const std::string& bytes, const std::string& reply) {
    WsClient client(server().port());
    client.send_raw(bytes);
    EXPECT_EQ(client.read_reply().head, reply);
    client.expect_end();
  }

 private:
  static TestServer* server_;
};
TestServer* DaemonHandshake::server_ = nullptr;

TEST_F(DaemonHandshake, AnswersWithExactlyTheseHeadersInThisOrder) {
  WsClient client(server().port());

  const auto reply = client.handshake();

  EXPECT_EQ(reply.head, accepted);
}

TEST_F(DaemonHandshake, AcceptsWhatBrowsersAndProxiesMakeOfTheRequest) {
  const struct {
    const char* what;
    std::string request;
  } rows[] = {
      {"Connection is a list", replaced(good(), "Connection: Upgrade", "Connection: keep-alive, Upgrade")},
      {"Connection twice", replaced(good(), "Connection: Upgrade", "Connection: keep-alive\r\nConnection: upgrade")},
      {"Upgrade is a list", replaced(good(), "Upgrade: websocket", "Upgrade: h2c, WebSocket")},
      {"names in any case", replaced(good(), "Sec-WebSocket-Key", "SEC-WEBSOCKET-KEY")},
      {"msrp offered first", replaced(good(), "Protocol: sip", "Protocol: msrp, sip")},
      {"sub-protocols on two lines", replaced(good(), "Protocol: sip", "Protocol: chat\r\nSec-WebSocket-Protocol: sip")},
      {"extensions are offered", replaced(good(), "Version: 13", "Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate")},
      {"a path and a query", replaced(good(), "GET /", "GET /a/b?c=d")},
      {"localhost", replaced(good(), "Host: 127.0.0.1", "Host: localhost")},
      {"an alias", replaced(good(), "Host: 127.0.0.1:" + std::to_string(server().port()), "Host: example.org")},
  };
  for (const auto& [what, request] : rows) {
    SCOPED_TRACE(what);
    WsClient client(server().port());
    client.send_raw(request);
    EXPECT_EQ(client.read_reply().head, accepted);
  }
}

TEST_F(DaemonHandshake, RefusesWithTheStatusAndHeadersOfTheReference) {
  const struct {
    const char* what;
    std::string request;
    std::string reply;
  } rows[] = {
      {"POST", replaced(good(), "GET", "POST"), "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\n" + tail},
      {"HTTP/1.0", replaced(good(), "HTTP/1.1", "HTTP/1.0"), bad_request},
      {"a name that is not ours", replaced(good(), "Host: 127.0.0.1", "Host: rebound.test"),
       "HTTP/1.1 403 Forbidden\r\n" + tail},
      {"version 8", replaced(good(), "Version: 13", "Version: 8"), upgrade_required},
      {"version 0", replaced(good(), "Version: 13", "Version: 0"), upgrade_required},
      {"no version", replaced(good(), "Sec-WebSocket-Version: 13\r\n", ""), bad_request_with_offer},
      {"no Upgrade", replaced(good(), "Upgrade: websocket\r\n", ""), bad_request_with_offer},
      {"Upgrade holds it, but is not it", replaced(good(), "Upgrade: websocket", "Upgrade: xwebsocket"), bad_request_with_offer},
      {"no Connection", replaced(good(), "Connection: Upgrade\r\n", ""), bad_request_with_offer},
      {"Connection holds it, but is not it", replaced(good(), "Connection: Upgrade", "Connection: noupgrade"),
       bad_request_with_offer},
      {"no key", replaced(good(), "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""), bad_request_with_offer},
      {"a key of 15 bytes", replaced(good(), "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j"), bad_request_with_offer},
      {"a key that is no base64", replaced(good(), "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j****"),
       bad_request_with_offer},
      {"no sub-protocol", replaced(good(), "Sec-WebSocket-Protocol: sip\r\n", ""), bad_request_with_offer},
      {"sub-protocols that begin like ours", replaced(good(), "Protocol: sip", "Protocol: sipfoo, xsip"), bad_request_with_offer},
      {"msrp alone", replaced(good(), "Protocol: sip", "Protocol: msrp"), bad_request_with_offer},
      {"a plain GET for a file", "GET /etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", bad_request_with_offer},
  };
  for (const auto& [what, request, reply] : rows) {
    SCOPED_TRACE(what);
    expect_refusal(request, reply);
  }
}

TEST_F(DaemonHandshake, S01RefusesARequestHeadThatIsTooLargeOrCanBeReadInTwoWays) {
  std::string many_headers = good();
  many_headers.resize(many_headers.size() - 2);
  for (int i = 0; i < 65; ++i) many_headers += "X-" + std::to_string(i) + ": y\r\n";
  std::string long_head = good();
  long_head.resize(long_head.size() - 2);
  for (int i = 0; i < 5; ++i) long_head += "X: " + std::string(2000, 'y') + "\r\n";
  const struct {
    const char* what;
    std::string request;
    std::string reply;
  } rows[] = {
      {"more than 64 headers", many_headers + "\r\n", too_large},
      {"more than 8 KiB", long_head + "\r\n", too_large},
      {"a line of more than 4 KiB", "GET /" + std::string(5000, 'a'), too_large},
      {"a header line of more than 4 KiB", replaced(good(), "\r\n\r\n", "\r\nX: " + std::string(5000, 'a')), too_large},
      {"bare LF", replaced(good(), "Upgrade: websocket\r\n", "Upgrade: websocket\n"), bad_request},
      {"a folded line", replaced(good(), "Upgrade: websocket", "Upgrade:\r\n websocket"), bad_request},
      {"NUL", replaced(good(), "Upgrade: web", std::string("Upgrade: \0web", 13)), bad_request},
      {"two Hosts", replaced(good(), "Upgrade:", "Host: 127.0.0.1\r\nUpgrade:"), bad_request},
      {"no Host", replaced(good(), "Host: 127.0.0.1:" + std::to_string(server().port()) + "\r\n", ""), bad_request},
      {"two keys", replaced(good(), "Upgrade:", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nUpgrade:"), bad_request},
      {"two versions", replaced(good(), "Upgrade:", "Sec-WebSocket-Version: 13\r\nUpgrade:"), bad_request},
      {"two Origins", replaced(good(), "Upgrade:", "Origin: http://a\r\nOrigin: http://b\r\nUpgrade:"), bad_request},
      {"Content-Length", replaced(good(), "Upgrade:", "Content-Length: 5\r\nUpgrade:"), bad_request},
      {"Transfer-Encoding", replaced(good(), "Upgrade:", "Transfer-Encoding: chunked\r\nUpgrade:"), bad_request},
      {"a space before the colon", replaced(good(), "Upgrade:", "Upgrade :"), bad_request},
      {"no HTTP at all", "REGISTER sip:example.org SIP/2.0\r\n\r\n", bad_request},
  };
  for (const auto& [what, request, reply] : rows) {
    SCOPED_TRACE(what);
    expect_refusal(request, reply);
  }
}

TEST_F(DaemonHandshake, TakesAGetThatArrivesByteByByte) {
  WsClient client(server().port());

  for (const char c : good()) client.send_raw({&c, 1});

  EXPECT_EQ(client.read_reply().head, accepted);
}

TEST_F(DaemonHandshake, S07TakesWhatFollowsTheGetInTheSameSegmentAsFramesAndOnlyOnce) {
  WsClient client(server().port());
  const std::string options_ping = "\r\n\r\n";  // RFC 7118: answered with CRLF
  const std::string cut = frame(op::ping, "third");

  client.send_raw(good() + frame(op::ping, "first") + frame(op::text, options_ping) + cut.substr(0, 3));

  EXPECT_EQ(client.read_reply().head, accepted);
  EXPECT_EQ(client.receive().payload, "first");
  EXPECT_EQ(client.receive().payload, "\r\n");
  client.send_raw(cut.substr(3));
  const Frame last = client.receive();
  EXPECT_TRUE(last.is_pong());
  EXPECT_EQ(last.payload, "third");
}

TEST_F(DaemonHandshake, CountsSuccessesAndRefusals) {
  const auto good_before = server().statistic("ws_successful_handshakes");
  const auto sip_before = server().statistic("ws_sip_successful_handshakes");
  const auto bad_before = server().statistic("ws_failed_handshakes");

  const auto client = WsClient::open(server().port());
  expect_refusal(replaced(good(), "Version: 13", "Version: 8"), upgrade_required);
  expect_refusal(replaced(good(), "Upgrade:", "Upgrade :"), bad_request);

  EXPECT_EQ(server().statistic("ws_successful_handshakes"), good_before + 1);
  EXPECT_EQ(server().statistic("ws_sip_successful_handshakes"), sip_before + 1);
  EXPECT_EQ(server().statistic("ws_failed_handshakes"), bad_before + 2);
}

TEST_F(DaemonHandshake, AnswersDisabledWith503WhileLiveConnectionsGoOn) {
  auto live = WsClient::open(server().port());

  EXPECT_EQ(server().mi("ws.disable"), "200 OK\n\n");
  expect_refusal(good(), unavailable);
  live.send_ping("still");
  EXPECT_EQ(live.receive().payload, "still");

  EXPECT_EQ(server().mi("ws.enable"), "200 OK\n\n");
  WsClient again(server().port());
  EXPECT_EQ(again.handshake().head, accepted);
}

TEST_F(DaemonHandshake, ForgetsAClientThatLeavesInTheMiddleOfItsRequest) {
  server().wait_for_statistic("ws_current_connections", 0);  // earlier tests' clients
  for (int i = 0; i < 3; ++i) {
    WsClient client(server().port());
    client.send_raw(good().substr(0, 40));
  }
  WsClient reset(server().port());
  reset.send_raw("GET");
  reset.abort();

  auto next = WsClient::open(server().port());

  next.send_ping("alive");
  EXPECT_EQ(next.receive().payload, "alive");
  EXPECT_EQ(server().statistic("ws_current_connections"), 1u);
}

// --- daemons of their own ------------------------------------------------------------------------------------------

TEST(DaemonHandshakeDeadline, S02IsOfTheWholeRequestHoweverSteadilyItsBytesCome) {
  TestServer server(1, {"--handshake-timeout", "1"});
  WsClient slow(server.port());
  const auto start = std::chrono::steady_clock::now();

  slow.send_raw("GET / HTTP/1.1\r\nX: ");
  while (slow.try_send_raw("y") && !slow.has_something_within(std::chrono::milliseconds(20))) {
    ASSERT_LT(std::chrono::steady_clock::now() - start, patience);
  }

  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(900));
  EXPECT_EQ(server.statistic("handshake_timeouts"), 1u);
}

TEST(DaemonHandshakeDeadline, DoesNotTouchAConnectionThatIsOpen) {
  TestServer server(1, {"--handshake-timeout", "1"});
  auto open = WsClient::open(server.port());
  WsClient silent(server.port());

  silent.expect_end();  // a second has passed

  open.send_ping("alive");
  EXPECT_EQ(open.receive().payload, "alive");
}

TEST(DaemonHandshakePolicy, AllowsAnyOriginOrTheClientsOwnAsCorsModeSays) {
  TestServer any(1, with({"--cors-mode", "1"}));
  TestServer own(1, with({"--cors-mode", "2"}));
  const Offer offer{.headers = {"Origin: https://phone.example.org"}};
  const std::string status = "HTTP/1.1 101 Switching Protocols\r\n";

  WsClient a(any.port()), b(own.port()), c(own.port());
  EXPECT_EQ(a.handshake(offer).head, status + "Access-Control-Allow-Origin: *\r\n" + accepted_tail);
  EXPECT_EQ(b.handshake(offer).head, status + "Access-Control-Allow-Origin: https://phone.example.org\r\n" + accepted_tail);
  EXPECT_EQ(c.handshake().head, accepted);
}

TEST(DaemonHandshakePolicy, S05AdmitsOnlyListedOriginsAndOnlyTheConfiguredPath) {
  TestServer server(1, with({"--allowed-origins", "https://*.example.org", "--no-allow-no-origin", "--ws-path", "/ws"}));
  const auto ask = [&](const std::string& target, std::vector<std::string> headers) {
    WsClient client(server.port());
    return client.handshake({.target = target, .headers = std::move(headers)}).status();
  };

  EXPECT_EQ(ask("/ws", {"Origin: https://phone.example.org"}), 101);
  EXPECT_EQ(ask("/ws?x=1", {"Origin: https://phone.example.org"}), 101);
  EXPECT_EQ(ask("/ws", {"Origin: http://phone.example.org"}), 403);
  EXPECT_EQ(ask("/ws", {"Origin: https://phone.example.org.evil.test"}), 403);
  EXPECT_EQ(ask("/ws", {"Origin: null"}), 403);
  EXPECT_EQ(ask("/ws", {}), 403);
  EXPECT_EQ(ask("/", {"Origin: https://phone.example.org"}), 404);
  EXPECT_EQ(ask("/wss", {"Origin: https://phone.example.org"}), 404);
}

TEST(DaemonHandshakePolicy, S08bKeepsQueryAndSubProtocolOutOfTheLog) {
  TestServer server(1, {"--log-level", "debug"});
  WsClient good(server.port()), bad(server.port());

  EXPECT_EQ(good.handshake({.target = "/?token=hunter2", .protocol = "sip, hunter2"}).status(), 101);
  EXPECT_EQ(bad.handshake({.target = "/?token=hunter2", .protocol = "hunter2"}).status(), 400);
  good.send_close(1000);
  good.receive_close();
  EXPECT_EQ(server.stop(), 0);

  EXPECT_EQ(server.log().find("hunter2"), std::string::npos);
}

TEST(DaemonHandshakePolicy, LeavesTheServerHeaderOutWhenItIsNotToBeSent) {
  TestServer server(1, {"--no-server-signature"});
  WsClient good(server.port()), bad(server.port());

  EXPECT_FALSE(good.handshake().header("Server"));
  EXPECT_FALSE(bad.handshake({.host = "elsewhere.test"}).header("Server"));
}

TEST(DaemonFullTable, AnswersNewcomers503AndHurtsNobodyElse) {
  TestServer server(2, with({"--max-connections", "2"}));
  auto first = WsClient::open(server.port()), second = WsClient::open(server.port());

  WsClient third(server.port());
  EXPECT_EQ(third.handshake().head, unavailable);
  third.expect_end();

  EXPECT_EQ(server.statistic("full_table_refusals"), 1u);
  EXPECT_EQ(server.statistic("handshake_refused_503"), 1u);
  for (auto* client : {&first, &second}) {
    client->send_ping("alive");
    EXPECT_EQ(client->receive().payload, "alive");
  }
  first.send_close(1000);
  EXPECT_EQ(first.receive_close().close_code(), 1000);
  first.expect_end();
  server.wait_for_statistic("ws_current_connections", 1);
  WsClient fourth(server.port());
  EXPECT_EQ(fourth.handshake().head, accepted);
}

}  // namespace
}  // namespace sipwsd::test
