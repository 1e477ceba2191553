// S55, S08b: whatever the log level, no secret of a user stands in the log, and nobody can write a line of his own into it
// or drive the terminal of whoever reads it.
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/sip_client.h"
#include "tests/support/test_server.h"
#include "tests/support/ws_client.h"

namespace sipwsd::test {
namespace {

// Each is found nowhere but where the test puts it.
const std::string secrets[] = {"query0secret", "cookie1secret", "bearer2secret",   "basic3secret", "proxy4secret",
                               "digest5secret", "cnonce6secret", "protocol7token", "uri8secret",   "body9secret",
                               "origin10secret", "forwarded11secret", "ha1-12-secret", "password13secret"};

void expect_no_secret_in(const std::string& log) {
  for (const auto& secret : secrets) {
    const auto at = log.find(secret);
    if (at == std::string::npos) continue;
    const auto line = log.rfind('\n', at) + 1;
    ADD_FAILURE() << secret << " is in the log: " << log.substr(line, log.find('\n', at) - line);
  }
}

// Everything a client may hand over in its handshake.
WsClient::Offer confiding(std::vector<std::string> more = {}) {
  WsClient::Offer offer{.target = "/sip?access_token=query0secret&ticket=query0secret",
                        .headers = {"Cookie: session=cookie1secret", "Authorization: Bearer bearer2secret",
                                    "Proxy-Authorization: Basic basic3secret", "X-Api-Key: basic3secret"}};
  offer.headers.insert(offer.headers.end(), more.begin(), more.end());
  return offer;
}

SipRequest with_credentials(SipRequest request, const std::string& realm = "example.org") {
  const std::string credentials = "Digest username=\"alice\", realm=\"" + realm + "\", nonce=\"digest5secret\", uri=\"sip:example.org\", "
                                  "response=\"digest5secret\", cnonce=\"cnonce6secret\", nc=00000001, qop=auth";
  request.headers.push_back("Authorization: " + credentials);
  request.headers.push_back("Proxy-Authorization: " + credentials + ", opaque=\"proxy4secret\"");
  return request;
}

class DaemonSecrets : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(OfAuthMode, DaemonSecrets, testing::Values("none", "digest"), [](const auto& p) { return std::string(p.param); });

TEST_P(DaemonSecrets, StandInNoLineOfADebugLog) {
  const Scratch folder;
  std::ofstream(folder / "users") << "alice:example.org:0123456789abcdef0123456789abcdef\n";
  TestServer server(2, {"--log-level", "debug", "--auth-mode", GetParam(), "--auth-file", folder / "users"});
  {
    SipClient alice(WsClient::open(server.port(), confiding()), "alice");
    // A registration, good and bad; a call, in the clear and after a challenge; to nobody.
    alice.send(with_credentials(alice.registration({"<" + alice.contact() + ">;expires=60"}, 60)));
    alice.receive();
    alice.send(with_credentials(alice.make("MESSAGE", "sip:bob@example.org"), "elsewhere"));
    alice.receive();
    auto message = with_credentials(alice.make("MESSAGE", "sip:bob:password13secret@example.org;x=uri8secret"));
    message.body = "my PIN is body9secret";
    alice.send(message);
    alice.receive();
    auto invite = with_credentials(alice.invite(alice.aor()));
    alice.send(invite);
    alice.receive();
    // What can't be read, can't be answered, or is no SIP at all.
    alice.ws.send_text("MESSAGE sip:x SIP/2.0\r\nAuthorization: Digest response=\"digest5secret\"\r\n\r\nbody9secret");
    alice.ws.send_text("Authorization: Digest digest5secret, body9secret");
    alice.ws.send_text("SIP/2.0 200 OK\r\nProxy-Authorization: Digest response=\"digest5secret\"\r\n\r\n");
    alice.ws.send_close(3000, "body9secret");
    alice.ws.receive_close();
  }
  // Handshakes that are refused, each at another place.
  const auto refuse = [&](const std::string& request) {
    WsClient client(server.port());
    client.send_raw(request);
    static_cast<void>(client.read_reply());
    client.disconnect();
  };
  auto offer = confiding({"Sec-WebSocket-Version: 8"});
  refuse(WsClient::request(server.port(), offer));
  offer = confiding({"X-Forwarded-For: forwarded11secret", "Forwarded: for=forwarded11secret"});
  offer.protocol = "protocol7token";
  refuse(WsClient::request(server.port(), offer));
  refuse("GET /?token=query0secret HTTP/1.1\r\nHost: a\r\nHost: b\r\nCookie: cookie1secret\r\n\r\n");
  refuse("GET /?token=query0secret HTTP/1.1\r\nHost: a\r\nCookie: cookie1secret" + std::string(20'000, 'x') + "\r\n\r\n");
  refuse("POST /login?token=query0secret HTTP/1.1\r\nHost: a\r\nAuthorization: Basic basic3secret\r\n\r\n");
  refuse("GET /?query0secret HTTP/1.1\r\nHost: a\r\n\r\n");
  // The operator's side.
  server.mi("ws.dump");
  server.mi("ul_dump");
  server.mi("core.params");
  // What happens last is written last.
  EXPECT_EQ(server.stop(), 0);
  const std::string log = server.log();
  ASSERT_NE(log.find("closed"), std::string::npos) << "the log is not silent";
  expect_no_secret_in(log);
  EXPECT_EQ(log.find("0123456789abcdef0123456789abcdef"), std::string::npos) << "HA1";
}

TEST(DaemonLog, LetsNobodyWriteALineOfHisOwn) {
  TestServer server(1, {"--log-level", "debug", "--auth-mode", "none"});
  const std::string forged = "\r\n2026-01-01 sipwsd[1] fatal: forged\x1b[2J\x1b]0;owned\x07\x7f\b";
  {
    SipClient alice(WsClient::open(server.port()), "alice");
    auto request = alice.make("MESSAGE", "sip:b@example.org");
    request.method = "MESS\x1b[31mAGE";
    alice.ws.send_text(alice.text(request));
    alice.ws.send_text("MESSAGE sip:a\x1b[2J@example.org SIP/2.0\r\nVia: \x1b[1m\r\nCall-ID: x\x07y\r\n\r\n");
    alice.ws.send_text("\x1b[2J" + forged);
    alice.ws.send_close(3000, forged);
    alice.ws.receive_close();
  }
  {
    WsClient client(server.port());
    client.send_raw("GET /\x1b[2J HTTP/1.1\r\nHost: a\x1b[2J\r\nOrigin: x\x1b[2J\r\n\r\n");
    static_cast<void>(client.read_reply());
  }
  write_to_fifo(server.fifo(), ":ws.close:\n\"1" + std::string("\x1b[2J") + "\nfatal: forged\"\n\n");
  write_to_fifo(server.fifo(), ":nonsense\x1b[2J:r\x1b[2J\n\n");
  server.mi("ws.dump");
  EXPECT_EQ(server.stop(), 0);
  const std::string log = server.log();
  for (const char c : log) {
    const auto byte = static_cast<unsigned char>(c);
    ASSERT_TRUE(byte == '\n' || (byte >= 0x20 && byte != 0x7f)) << "byte " << int{byte} << " in:\n" << log;
  }
  EXPECT_EQ(log.find("\nfatal: forged"), std::string::npos);
  EXPECT_EQ(log.find("\n2026-01-01"), std::string::npos);
  EXPECT_NE(log.find("mi: ws.close \"1\\x1b[2J\\nfatal: forged\""), std::string::npos) << "audited, escaped:\n" << log;
}

}  // namespace
}  // namespace sipwsd::test
