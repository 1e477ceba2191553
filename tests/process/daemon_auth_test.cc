// Who may: users from the file, the subscriber table and sipwsctl; the handshake; one nonce in several workers.
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "src/base/base64.h"
#include "src/base/digest.h"
#include "src/base/hex.h"
#include "tests/support/certificates.h"
#include "tests/support/signer.h"
#include "tests/support/sip_client.h"
#include "tests/support/test_server.h"
#include "tests/support/ws_client.h"

namespace sipwsd::test {
namespace {

using Strings = std::vector<std::string>;

std::string md5(const std::string& text) { return base::hex(base::md5(text)); }
std::string ha1(const std::string& user, const std::string& password, const std::string& realm = "example.org") {
  return md5(user + ":" + realm + ":" + password);
}

// The credentials for `request` in answer to `challenge`, MD5 with qop (RFC 7616 3.4.1), written down once more.
std::string answer(const std::string& challenge, const std::string& method, const std::string& uri, const std::string& user,
                   const std::string& password, const std::string& nc = "00000001") {
  const auto value = [&](const std::string& name) {
    const auto at = challenge.find(name + "=\"") + name.size() + 2;
    return challenge.substr(at, challenge.find('"', at) - at);
  };
  const auto realm = value("realm"), nonce = value("nonce");
  const auto response = md5(ha1(user, password, realm) + ":" + nonce + ":" + nc + ":0a4f:auth:" + md5(method + ":" + uri));
  return "Digest username=\"" + user + "\", realm=\"" + realm + "\", nonce=\"" + nonce + "\", uri=\"" + uri + "\", qop=auth, nc=" + nc +
         ", cnonce=\"0a4f\", algorithm=MD5, response=\"" + response + "\"";
}

SipRequest with(SipRequest request, const std::string& header, const std::string& value) {
  request.headers.push_back(header + ": " + value);
  ++request.cseq;
  request.branch += "x";
  return request;
}

// Registers with a password; the final status.
int log_in(SipClient& client, const std::string& password) {
  const auto request = client.registration({"<" + client.contact() + ">"}, 600);
  const auto asked = client.ask(request);
  if (asked.status() != 401) return asked.status();
  return client.ask(with(request, "Authorization", answer(asked.header("WWW-Authenticate"), "REGISTER", request.uri, client.user, password))).status();
}

struct Users {
  explicit Users(const std::string& text) { std::ofstream(folder / "users") << text; }
  [[nodiscard]] std::string file() const { return folder / "users"; }
  [[nodiscard]] Strings flags(Strings more = {}) const {
    Strings flags{"--auth-mode", "digest", "--auth-file", file(), "--alias", "example.org"};
    flags.insert(flags.end(), more.begin(), more.end());
    return flags;
  }
  Scratch folder;
};

std::string line(const std::string& user, const std::string& password) { return user + ":example.org:" + ha1(user, password) + "\n"; }

TEST(DaemonDigest, AdmitsTheRightPasswordOnly) {
  const Users users(line("alice", "secret"));
  TestServer server(1, users.flags());
  SipClient alice(server.port(), "alice"), guesser(server.port(), "alice"), mallory(server.port(), "mallory");
  EXPECT_EQ(log_in(guesser, "guess"), 401);
  EXPECT_EQ(log_in(mallory, "secret"), 401);
  EXPECT_EQ(log_in(alice, "secret"), 200);
}

TEST(DaemonDigest, S23TakesNoAnswerTwiceInWhateverWorker) {
  const Users users(line("alice", "secret"));
  TestServer server(2, users.flags());
  auto first = SipClient::in_worker(server, server.process("worker 0"), "alice");
  auto second = SipClient::in_worker(server, server.process("worker 1"), "alice");
  const auto request = first.registration({"<" + first.contact() + ">"}, 600);
  const auto challenge = first.ask(request).header("WWW-Authenticate");
  const auto answered = with(request, "Authorization", answer(challenge, "REGISTER", request.uri, "alice", "secret"));
  // The worker that did not give the nonce takes it, and then neither takes it again.
  EXPECT_EQ(second.ask(answered).status(), 200);
  for (auto* client : {&first, &second}) {
    const auto replayed = client->ask(with(answered, "X-Again", client == &first ? "1" : "2"));
    EXPECT_EQ(replayed.status(), 401);
    EXPECT_NE(replayed.header("WWW-Authenticate").find("stale=true"), std::string::npos);
  }
  EXPECT_EQ(first.ask(with(with(request, "X-Next", "1"), "Authorization", answer(challenge, "REGISTER", request.uri, "alice", "secret", "00000002"))).status(), 200);
}

TEST(DaemonDigest, TakesTheCredentialsForItselfOffACall) {
  const Users users(line("alice", "secret") + line("bob", "secret"));
  TestServer server(1, users.flags());
  SipClient alice(server.port(), "alice"), bob(server.port(), "bob");
  ASSERT_EQ(log_in(bob, "secret"), 200);
  const auto message = alice.make("MESSAGE", bob.aor());
  const auto asked = alice.ask(message);
  ASSERT_EQ(asked.status(), 407);
  auto answered = with(message, "Proxy-Authorization", answer(asked.header("Proxy-Authenticate"), "MESSAGE", message.uri, "alice", "secret"));
  answered.headers.push_back("Proxy-Authorization: Digest username=\"alice\", realm=\"another\", nonce=\"n\", uri=\"sip:x\", response=\"r\"");
  alice.send(answered);
  const auto got = bob.receive_request("MESSAGE");
  ASSERT_EQ(got.all("Proxy-Authorization").size(), 1u);
  EXPECT_NE(got.header("Proxy-Authorization").find("realm=\"another\""), std::string::npos) << "that one is for somebody behind us (RFC 3261 22.3)";
}

TEST(DaemonDigest, OffersWhatIsConfiguredAndTakesSha512256) {
  const Users users("alice:example.org:SHA-512-256=" + base::hex(base::sha512_256("alice:example.org:secret")) + "\n" + line("alice", "secret"));
  TestServer server(1, users.flags({"--auth-algorithms", "SHA-512-256,SHA-256,MD5"}));
  SipClient alice(server.port(), "alice");
  const auto challenges = alice.ask(alice.registration({"<" + alice.contact() + ">"}, 600)).all("WWW-Authenticate");
  ASSERT_EQ(challenges.size(), 2u);
  EXPECT_NE(challenges[0].find("algorithm=SHA-512-256"), std::string::npos);
  EXPECT_NE(challenges[1].find("algorithm=MD5"), std::string::npos);
  EXPECT_EQ(log_in(alice, "secret"), 200) << "MD5 is still an answer";
}

// --- sipwsctl user ---------------------------------------------------------------------------------------------------

struct Typed {
  explicit Typed(const std::string& text) { std::ofstream(folder / "line") << text << "\n"; }
  Ended into(const std::string& arguments) const { return run({"/bin/sh", "-c", built("sipwsctl") + " user " + arguments + " < " + (folder / "line")}); }
  Scratch folder;
};

// And the daemon is to take it over at once.
std::string told(const TestServer& server) { return " --fifo " + server.fifo() + " --reply-dir " + server.scratch().path(); }

TEST(SipwsctlUser, ChangesWhoTheRunningDaemonKnows) {
  const Users users("# ours\n");
  TestServer server(1, users.flags({"--auth-algorithms", "MD5,SHA-256"}));
  SipClient alice(server.port(), "alice");
  EXPECT_EQ(log_in(alice, "secret"), 401);
  const auto where = " --file " + users.file() + told(server);
  EXPECT_EQ(Typed("secret").into("add alice@example.org" + where).exit_code, 0);
  EXPECT_EQ(log_in(alice, "secret"), 200);
  EXPECT_EQ(Typed("another").into("passwd alice@example.org" + where).exit_code, 0);
  EXPECT_EQ(log_in(alice, "secret"), 401);
  EXPECT_EQ(log_in(alice, "another"), 200);
  EXPECT_EQ(Typed("").into("del alice@example.org" + where).exit_code, 0);
  EXPECT_EQ(log_in(alice, "another"), 401);
  std::ostringstream left;
  left << std::ifstream(users.file()).rdbuf();
  EXPECT_EQ(left.str(), "# ours\n");
}

TEST(SipwsctlUser, FindsFileRealmAndAlgorithmsInTheConfiguration) {
  const Scratch folder;
  std::ofstream(folder / "sipwsd.cfg") << "alias=\"example.org\"\nauth_mode=digest\nauth_file=\"" << (folder / "users") << "\"\nauth_algorithms=\"SHA-256,MD5\"\n";
  EXPECT_EQ(Typed("secret").into("add alice -f " + (folder / "sipwsd.cfg")).exit_code, 0);
  std::ostringstream written;
  written << std::ifstream(folder / "users").rdbuf();
  EXPECT_EQ(written.str(), "alice:example.org:" + base::hex(base::sha256("alice:example.org:secret")) + "\n" + line("alice", "secret"));
  struct stat found {};
  ASSERT_EQ(::stat((folder / "users").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0640u);
  const auto listed = Typed("").into("list -f " + (folder / "sipwsd.cfg"));
  EXPECT_EQ(listed.standard_output, "alice@example.org\tSHA-256 MD5\n");
}

TEST(SipwsctlUser, SaysWhatIsWrongAndChangesNothing) {
  const Users users(line("alice", "secret"));
  const Scratch folder;
  std::ofstream(folder / "bad.cfg") << "auth_mode=nonsense\n";
  struct Row {
    std::string arguments, typed;
    int exit_code;
    std::string why;
  };
  const auto file = " --file " + users.file();
  for (const Row& row : {
           Row{"add alice@example.org" + file, "x", 1, "there is a user alice@example.org already"},
           Row{"passwd bob@example.org" + file, "x", 1, "there is no user bob@example.org"},
           Row{"del bob@example.org" + file, "", 1, "there is no user bob@example.org"},
           Row{"add bob@example.org" + file, "", 2, "an empty password is none"},
           Row{"add bob@example.org" + file, "a\x03", 2, "no control characters"},
           Row{"add bob" + file, "x", 2, "which realm?"},
           Row{"add a:b@example.org" + file, "x", 2, "can't be called so"},
           Row{"passwd alice@example.org --file " + (folder / "missing"), "x", 2, "cannot open"},
           Row{"list -f " + (folder / "bad.cfg"), "", 2, "no auth_mode"},
           Row{"add", "", 2, "user is required"},
           Row{"", "", 2, "subcommand is required"},
       }) {
    const auto ended = Typed(row.typed).into(row.arguments);
    EXPECT_EQ(ended.exit_code, row.exit_code) << row.arguments;
    EXPECT_NE((ended.standard_error + ended.standard_output).find(row.why), std::string::npos) << ended.standard_error << ended.standard_output;
  }
  std::ostringstream left;
  left << std::ifstream(users.file()).rdbuf();
  EXPECT_EQ(left.str(), line("alice", "secret"));
}

// --- the subscriber table --------------------------------------------------------------------------------------------

TEST(DaemonSubscribers, AreReadAtTheStartAndAtEachReload) {
  const Scratch folder;
  const std::string url = "sqlite://" + (folder / "kamailio.db");
  ASSERT_EQ(Typed("secret").into("add alice@example.org --db " + url).exit_code, 0);
  TestServer server(2, {"--auth-mode", "digest", "--auth-db-url", url, "--alias", "example.org"});
  SipClient alice(server.port(), "alice"), bob(server.port(), "bob");
  EXPECT_EQ(log_in(alice, "secret"), 200);
  EXPECT_EQ(log_in(bob, "secret"), 401);
  ASSERT_EQ(Typed("secret").into("add bob@example.org --db " + url + told(server)).exit_code, 0);
  EXPECT_EQ(log_in(bob, "secret"), 200);
  ASSERT_EQ(Typed("").into("del alice@example.org --db " + url + told(server)).exit_code, 0);
  EXPECT_EQ(log_in(alice, "secret"), 401);
}

TEST(DaemonSubscribers, ThatCannotBeReadEndTheStartAndLeaveARunningDaemonAsItIs) {
  const Scratch folder;
  const auto refused = run({built("sipwsd"), "-F", "--listen", "ws:127.0.0.1:0", "--auth-mode", "digest", "--auth-db-url", "sqlite://" + (folder / "missing.db")});
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_NE(refused.standard_error.find("missing.db"), std::string::npos) << refused.standard_error;

  const std::string url = "sqlite://" + (folder / "kamailio.db");
  ASSERT_EQ(Typed("secret").into("add alice@example.org --db " + url).exit_code, 0);
  TestServer server(1, {"--auth-mode", "digest", "--auth-db-url", url, "--alias", "example.org"});
  ASSERT_EQ(std::rename((folder / "kamailio.db").c_str(), (folder / "gone.db").c_str()), 0);
  const auto reloaded = server.mi("core.reload");
  EXPECT_TRUE(reloaded.starts_with("500")) << reloaded;
  EXPECT_NE(reloaded.find("kamailio.db"), std::string::npos) << reloaded;
  SipClient alice(server.port(), "alice");
  EXPECT_EQ(log_in(alice, "secret"), 200);
}

// --- the handshake ---------------------------------------------------------------------------------------------------

const std::string secret = "this secret has more than 32 bytes";

struct TokenServer {
  explicit TokenServer(Strings more = {}) {
    std::ofstream(folder / "key") << secret << "\n";
    Strings flags{"--auth-mode", "handshake", "--ws-auth", "jwt", "--jwt-key", folder / "key", "--alias", "example.org", "--log-level", "debug"};
    flags.insert(flags.end(), more.begin(), more.end());
    server.emplace(1u, flags);
  }
  static std::string token(const std::string& user, const std::string& expires = "9000000000") {
    return hs256_token(secret, R"({"alg":"HS256"})", R"({"sub":")" + user + R"(","exp":)" + expires + "}");
  }
  static WsClient::Offer bearing(const std::string& token) { return {.target = "/sip?access_token=" + token}; }
  HttpReply handshake(const WsClient::Offer& offer) const { return WsClient(server->port()).handshake(offer); }
  Scratch folder;
  std::optional<TestServer> server;
};

TEST(DaemonHandshakeAuth, LetsInWhoHasATokenAndAsksEverybodyElse) {
  TokenServer daemon;
  EXPECT_EQ(daemon.handshake(TokenServer::bearing(TokenServer::token("alice"))).status(), 101);
  EXPECT_EQ(daemon.handshake({.headers = {"Authorization: Bearer " + TokenServer::token("alice")}}).status(), 101);
  for (const auto& offer : {WsClient::Offer{}, TokenServer::bearing("nonsense"), TokenServer::bearing(TokenServer::token("alice", "1000000000")),
                            TokenServer::bearing(hs256_token("somebody else's secret of 32 bytes!", R"({"alg":"HS256"})", R"({"sub":"alice","exp":9000000000})")),
                            WsClient::Offer{.headers = {"Cookie: session=" + TokenServer::token("alice")}}}) {
    const auto refused = daemon.handshake(offer);
    EXPECT_EQ(refused.status(), 401);
    EXPECT_EQ(refused.header("WWW-Authenticate"), "Bearer realm=\"example.org\"");
  }
  EXPECT_EQ(daemon.handshake(TokenServer::bearing(TokenServer::token("@"))).status(), 403);
  EXPECT_EQ(daemon.server->statistic("handshake_refused_401"), 5u);
  EXPECT_EQ(daemon.server->statistic("handshake_refused_403"), 1u);
}

TEST(DaemonHandshakeAuth, S22LetsAConnectionSpeakForItsUserOnlyAndAsksNoPassword) {
  TokenServer daemon;
  const auto connect = [&](const std::string& user) {
    return SipClient(WsClient::open(daemon.server->port(), TokenServer::bearing(TokenServer::token(user))), user);
  };
  auto alice = connect("alice"), bob = connect("sip:bob@example.org");
  bob.user = "bob";
  alice.register_contact();
  bob.register_contact();
  alice.send(alice.make("MESSAGE", bob.aor()));
  bob.respond(bob.receive_request("MESSAGE"), 200, "OK");
  EXPECT_EQ(alice.receive_response(200).method(), "MESSAGE");

  SipClient as_bob(std::move(alice.ws), "bob");
  EXPECT_EQ(as_bob.ask(as_bob.registration({"<" + as_bob.contact() + ">"}, 600)).status(), 403);
  EXPECT_EQ(as_bob.ask(as_bob.make("MESSAGE", bob.aor())).status(), 403);
}

TEST(DaemonHandshakeAuth, LetsNobodyRegisterWhoComesAnotherWay) {
  TokenServer daemon({"--listen", "ws:127.0.0.1:0", "--listen", "tcp:127.0.0.1:0"});
  const auto listening = daemon.server->log();
  const auto at = listening.find("tcp:127.0.0.1:");
  ASSERT_NE(at, std::string::npos) << listening;
  WsClient phone(static_cast<std::uint16_t>(std::stoi(listening.substr(at + 14))));
  phone.send_raw("REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:1;branch=z9hG4bK1\r\nFrom: <sip:alice@example.org>;tag=1\r\n"
                 "To: <sip:alice@example.org>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\nContact: <sip:alice@127.0.0.1:1>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(phone.read_reply().status_line.substr(0, 11), "SIP/2.0 403");
}

TEST(DaemonHandshakeAuth, S05TakesACookieFromAllowedPagesOnly) {
  TokenServer daemon({"--jwt-cookie", "session", "--allowed-origins", "https://phone.example.org"});
  const auto cookie = "Cookie: theme=dark; session=" + TokenServer::token("alice");
  EXPECT_EQ(daemon.handshake({.headers = {cookie, "Origin: https://phone.example.org"}}).status(), 101);
  EXPECT_EQ(daemon.handshake({.headers = {cookie, "Origin: https://evil.example.net"}}).status(), 403);
  EXPECT_EQ(daemon.handshake({.headers = {"Origin: https://phone.example.org"}}).status(), 401);
}

TEST(DaemonHandshakeAuth, TakesNewKeysWithAReloadAndRefusesBadOnes) {
  TokenServer daemon;
  const std::string next = "another secret of at least 32 bytes";
  const auto of_next = hs256_token(next, R"({"alg":"HS256"})", R"({"sub":"alice","exp":9000000000})");
  EXPECT_EQ(daemon.handshake(TokenServer::bearing(of_next)).status(), 401);
  std::ofstream(daemon.folder / "key") << "short";
  const auto refused = daemon.server->mi("core.reload");
  EXPECT_TRUE(refused.starts_with("500") && refused.find("less than 32 bytes") != std::string::npos) << refused;
  EXPECT_EQ(refused.find("short"), std::string::npos) << "what is in the file is nobody's business";
  EXPECT_EQ(daemon.handshake(TokenServer::bearing(TokenServer::token("alice"))).status(), 101);
  std::ofstream(daemon.folder / "key") << next;
  EXPECT_TRUE(daemon.server->mi("core.reload").starts_with("200"));
  EXPECT_EQ(daemon.handshake(TokenServer::bearing(of_next)).status(), 101);
  EXPECT_EQ(daemon.handshake(TokenServer::bearing(TokenServer::token("alice"))).status(), 401);
}

TEST(DaemonHandshakeAuth, TakesAPasswordByDigestAndOverTlsByBasic) {
  const Users users(line("alice", "secret"));
  const CertificateAuthority authority;
  const auto certificate = authority.issue();
  TestServer server(1, users.flags({"--ws-auth", "digest,basic", "--listen", "ws:127.0.0.1:0", "--listen", "wss:127.0.0.1:0", "--tls-certificate",
                                    certificate.file, "--tls-private-key", certificate.key_file}));
  const auto asked = WsClient(server.port()).handshake();
  ASSERT_EQ(asked.status(), 401);
  const auto challenge = asked.header("WWW-Authenticate").value_or("");
  EXPECT_TRUE(challenge.starts_with("Digest realm=\"example.org\"")) << challenge;
  EXPECT_EQ(asked.head.find("Basic"), std::string::npos) << "over ws nobody is asked for a readable password";

  const auto digest = [&](const std::string& password, const std::string& nc) {
    return WsClient(server.port()).handshake({.target = "/x", .headers = {"Authorization: " + answer(challenge, "GET", "/x", "alice", password, nc)}}).status();
  };
  EXPECT_EQ(digest("guess", "00000001"), 401);
  EXPECT_EQ(digest("secret", "00000001"), 101);
  EXPECT_EQ(digest("secret", "00000001"), 401) << "once";

  const auto basic = [](const std::string& pair) { return "Authorization: Basic " + base::base64(pair); };
  EXPECT_EQ(WsClient(server.port()).handshake({.headers = {basic("alice:secret")}}).status(), 401);
  EXPECT_EQ(WsClient::connect(server.tls_port(), TlsOptions{}).handshake({.headers = {basic("alice:guess")}}).status(), 401);
  SipClient alice(WsClient::open(server.tls_port(), {.headers = {basic("alice:secret")}}, TlsOptions{}), "alice");
  EXPECT_EQ(alice.register_contact().status(), 200) << "and nobody asks again";
}

TEST(DaemonHandshakeAuth, S08bWritesNoTokenIntoTheLog) {
  TokenServer daemon({"--jwt-cookie", "session", "--allowed-origins", "https://phone.example.org"});
  const auto good = TokenServer::token("alice"), bad = TokenServer::token("alice", "1000000000");
  for (const auto& token : {good, bad}) {
    static_cast<void>(daemon.handshake(TokenServer::bearing(token)));
    static_cast<void>(daemon.handshake({.headers = {"Authorization: Bearer " + token}}));
    static_cast<void>(daemon.handshake({.headers = {"Cookie: session=" + token, "Origin: https://phone.example.org"}}));
  }
  EXPECT_EQ(daemon.server->stop(), 0);
  const auto log = daemon.server->log();
  EXPECT_NE(log.find("a token that is not valid now"), std::string::npos) << "the log is not silent:\n" << log;
  for (const auto& token : {good, bad})
    for (const auto& part : {token, token.substr(token.find('.') + 1, 20), token.substr(token.rfind('.') + 1)})
      EXPECT_EQ(log.find(part), std::string::npos) << part;
  EXPECT_EQ(log.find(secret), std::string::npos);
}

}  // namespace
}  // namespace sipwsd::test
