// A new configuration in the running daemon (S59): what may change does, in every process at once and for clients that are
// there already; what can't, or is wrong, leaves everything as it was and says why.
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "src/auth/digest.h"
#include "tests/support/certificates.h"
#include "tests/support/sip_client.h"
#include "tests/support/test_server.h"
#include "tests/support/ws_client.h"

namespace sipwsd::test {
namespace {

// Modules first, so that a test writes the lines it is about.
constexpr std::string_view modules =
    "loadmodule \"websocket.so\"\nloadmodule \"registrar.so\"\nloadmodule \"usrloc.so\"\nloadmodule \"tm.so\"\n"
    "loadmodule \"maxfwd.so\"\nloadmodule \"tls.so\"\n";

class DaemonReload : public testing::Test {
 protected:
  void write(const std::string& lines) { std::ofstream(config()) << modules << lines; }
  std::string config() const { return folder / "sipwsd.cfg"; }
  TestServer& start(unsigned workers = 2, std::vector<std::string> flags = {}) {
    flags.insert(flags.begin(), {"-f", config()});
    server = std::make_unique<TestServer>(workers, flags);
    return *server;
  }
  std::string reload() { return server->mi("core.reload"); }
  std::string param(const std::string& name) {
    const auto reply = server->mi("core.params", {name});
    const auto from = reply.find(":: "), to = reply.find(" reload=");
    return from == std::string::npos ? reply : reply.substr(from + 3, to - from - 3);
  }
  // The versions in core.status, the daemon's first.
  std::set<std::string> versions() {
    const auto reply = server->mi("core.status");
    std::set<std::string> out;
    for (std::size_t at = 0; (at = reply.find("Configuration", at)) != std::string::npos;) {
      at += std::string_view("Configuration").size() + 1;
      if (reply[at] == ':') at += 2;
      out.insert(reply.substr(at, reply.find_first_of(" \n", at) - at));
    }
    return out;
  }
  int handshake_status(const std::string& target) {
    WsClient client(server->port());
    return client.handshake({.target = target}).status();
  }

  Scratch folder;
  std::unique_ptr<TestServer> server;
};

// --- what changes ----------------------------------------------------------------------------------------------------------

TEST_F(DaemonReload, ChangesWhatHandshakesAreToldInEveryWorker) {
  write("server_header=\"one\"\nmodparam(\"websocket\", \"ws_path\", \"/one\")\n");
  start();
  EXPECT_EQ(handshake_status("/one"), 101);
  EXPECT_EQ(handshake_status("/two"), 404);
  write("server_header=\"two\"\nmodparam(\"websocket\", \"ws_path\", \"/two\")\nmodparam(\"websocket\", \"allowed_origins\", \"https://a.example\")\n");

  EXPECT_EQ(reload(), "200 OK\nVersion:: 2\nserver_header: one -> two\nwebsocket.ping_application_data: one -> two\n"
                      "websocket.allowed_origins: (empty) -> https://a.example\nwebsocket.ws_path: /one -> /two\n\n");

  for (int i = 0; i < 20; ++i) {  // both workers
    EXPECT_EQ(handshake_status("/one"), 404);
    WsClient client(server->port());
    const auto reply = client.handshake({.target = "/two"});
    EXPECT_EQ(reply.status(), 101);
    EXPECT_EQ(reply.header("Server"), "two");
    WsClient stranger(server->port());
    EXPECT_EQ(stranger.handshake({.target = "/two", .headers = {"Origin: https://b.example"}}).status(), 403);
  }
  EXPECT_EQ(versions(), std::set<std::string>{"2"});
}

TEST_F(DaemonReload, ChangesWhatIsDoneForClientsThatAreThereAlready) {
  write("server_header=\"one\"\nmodparam(\"registrar\", \"max_expires\", 600)\n");
  start();
  SipClient alice(server->port(), "alice");
  EXPECT_EQ(parameter(alice.register_contact({}, 3600).header("Contact"), "expires"), "600");
  write("server_header=\"two\"\nmodparam(\"registrar\", \"max_expires\", 120)\nmodparam(\"websocket\", \"ping_rate\", 1)\n");

  EXPECT_TRUE(reload().starts_with("200 OK\n"));

  EXPECT_EQ(parameter(alice.register_contact({}, 3600).header("Contact"), "expires"), "120");
  const auto refused = alice.ask(alice.make("MESSAGE", "sip:nobody@example.org"));
  EXPECT_EQ(refused.status(), 480);
  EXPECT_EQ(refused.header("Server"), "two") << "what the transaction layer says too";
  for (int i = 0; i < 12; ++i) alice.ws.send_ping();
  EXPECT_EQ(alice.ws.receive_close().close_code(), 1008);
}

TEST_F(DaemonReload, ReachesKeepaliveAndTheReplyPipe) {
  write("modparam(\"websocket\", \"keepalive_timeout\", 3600)\n");
  start(1);
  auto idle = WsClient::open(server->port());
  write("modparam(\"websocket\", \"keepalive_timeout\", 1)\n");

  EXPECT_TRUE(reload().starts_with("200 OK\n"));

  EXPECT_TRUE(idle.receive().is_ping()) << "within two seconds, not an hour";
}

TEST_F(DaemonReload, FollowsTheLogLevelOfTheFileButNotOverTheOperator) {
  write("log_level=notice\n");
  start(1);
  EXPECT_EQ(server->mi("debug", {"5"}), "200 OK\nDEBUG:: 5\n\n");
  write("log_level=notice\nretry_after=7\n");
  EXPECT_TRUE(reload().starts_with("200 OK\n"));
  EXPECT_EQ(server->mi("debug"), "200 OK\nDEBUG:: 5\n\n") << "the file says what it said before";
  write("log_level=info\nretry_after=7\n");
  EXPECT_EQ(reload(), "200 OK\nVersion:: 3\nlog_level: notice -> info\n\n");
  EXPECT_EQ(server->mi("debug"), "200 OK\nDEBUG:: 4\n\n");
}

TEST_F(DaemonReload, DoesTheSameOnSighupAsOnTheCommand) {
  write("retry_after=7\n");
  start();
  write("retry_after=8\n");

  server->signal(SIGHUP);

  server->wait_for_log("configuration 2: retry_after: 7 -> 8\n");
  server->wait_for_log("configuration 2 is in force\n");
  EXPECT_EQ(param("core.retry_after"), "8");
}

TEST_F(DaemonReload, GivesAReplacementTheNewestConfiguration) {
  write("modparam(\"websocket\", \"ws_path\", \"/one\")\n");
  start(1);
  write("modparam(\"websocket\", \"ws_path\", \"/two\")\n");
  EXPECT_TRUE(reload().starts_with("200 OK\n"));
  const pid_t worker = server->process("worker 0"), mi = server->process("mi");

  kill(worker, SIGKILL);
  server->process("worker 0", worker);

  EXPECT_EQ(handshake_status("/two"), 101);
  kill(mi, SIGKILL);
  server->process("mi", mi);
  EXPECT_EQ(param("ws_path"), "/two");
  EXPECT_EQ(versions(), std::set<std::string>{"2"});
  write("modparam(\"websocket\", \"ws_path\", \"/three\")\n");
  EXPECT_TRUE(reload().starts_with("200 OK\nVersion:: 3\n")) << "the new mi process is heard too";
  EXPECT_EQ(handshake_status("/three"), 101);
}

// --- what is refused -------------------------------------------------------------------------------------------------------

TEST_F(DaemonReload, S59RefusesAsAWholeWhatNeedsARestart) {
  write("modparam(\"websocket\", \"ws_path\", \"/one\")\nmodparam(\"usrloc\", \"max_bindings\", 500)\n");
  start();
  write("modparam(\"websocket\", \"ws_path\", \"/two\")\nmodparam(\"usrloc\", \"max_bindings\", 600)\nstage=\"echo\"\n");

  EXPECT_EQ(reload(), "500 stage needs a restart: edge -> echo\nusrloc.max_bindings needs a restart: 500 -> 600\n\n");

  EXPECT_EQ(handshake_status("/one"), 101) << "what could have changed has not either";
  EXPECT_EQ(handshake_status("/two"), 404);
  EXPECT_EQ(param("ws_path"), "/one");
  EXPECT_EQ(versions(), std::set<std::string>{"1"});
}

TEST_F(DaemonReload, S59SaysWhereTheFileIsWrongAndRunsOn) {
  write("modparam(\"websocket\", \"ws_path\", \"/one\")\n");
  start();
  const struct {
    std::string lines;
    std::string why;
  } rows[] = {
      {"modparam(\"websocket\", \"ws_path\", \"/two\")\nmodparam(\"websocket\", \"keepalive_timeut\", 3)\n",
       config() + ":8:23: module websocket has no parameter \"keepalive_timeut\"; did you mean \"keepalive_timeout\"?"},
      {"modparam(\"websocket\", \"ws_path\", \"/two\"\n", config() + ":8:"},
      {"modparam(\"websocket\", \"ws_path\", \"/two\")\nmodparam(\"websocket\", \"close_timeout\", 0)\n",
       config() + ":8:40: close_timeout is out of range"},
      {"modparam(\"websocket\", \"ws_path\", \"/two\")\nmodparam(\"registrar\", \"min_expires\", 7000)\n", config() + ":8:38: min_expires is larger than max_expires"},
  };
  for (const auto& [lines, why] : rows) {
    write(lines);
    const auto reply = reload();
    EXPECT_TRUE(reply.starts_with("500 " + why)) << reply << "\nexpected: " << why;
    EXPECT_EQ(handshake_status("/one"), 101);
  }
  std::filesystem::remove(config());
  EXPECT_EQ(reload(), "500 can't read " + config() + ": No such file or directory\n\n");
  EXPECT_EQ(handshake_status("/one"), 101);
  EXPECT_NE(server->log().find("error: configuration not changed: "), std::string::npos);
  EXPECT_EQ(versions(), std::set<std::string>{"1"});

  write("modparam(\"websocket\", \"ws_path\", \"/two\")\n");
  EXPECT_TRUE(reload().starts_with("200 OK\nVersion:: 2\n")) << "once it is right, it is taken";
  EXPECT_EQ(handshake_status("/two"), 101);
}

// --- users -----------------------------------------------------------------------------------------------------------------

class DaemonReloadUsers : public DaemonReload {
 protected:
  void write_users(const std::vector<std::string>& users) {
    std::ofstream file(folder / "users");
    for (const auto& user : users)
      file << user << ":example.org:" << auth::ha1(auth::Algorithm::md5, user, "example.org", "of-" + user) << "\n";
  }
  TestServer& start_with_users(std::vector<std::string> flags = {}) {
    write("");
    flags.insert(flags.end(), {"--auth-mode", "digest", "--auth-file", folder / "users"});
    return start(2, flags);
  }
  // The status of a REGISTER with the right password.
  int registration(SipClient& client) {
    const std::string contact = "<" + client.contact() + ">";
    auto request = client.registration({contact}, 600);
    const auto challenge = client.ask(request);
    if (challenge.status() != 401) return challenge.status();
    const auto header = challenge.header("WWW-Authenticate");
    const auto quoted = [&](const std::string& name) {
      const auto at = header.find(name + "=\"") + name.size() + 2;
      return header.substr(at, header.find('"', at) - at);
    };
    const auto h = auth::ha1(auth::Algorithm::md5, client.user, quoted("realm"), "of-" + client.user);
    const auto answer = auth::response({.algorithm = auth::Algorithm::md5, .ha1 = h, .method = "REGISTER", .uri = request.uri,
                                        .nonce = quoted("nonce"), .qop = "auth", .nc = "00000001", .cnonce = "c"});
    request = client.registration({contact}, 600);
    request.cseq = 2;
    request.headers.push_back("Authorization: Digest username=\"" + client.user + "\", realm=\"" + quoted("realm") + "\", nonce=\"" +
                              quoted("nonce") + "\", uri=\"" + request.uri + "\", response=\"" + answer +
                              "\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"c\"");
    return client.ask(request).status();
  }
};

TEST_F(DaemonReloadUsers, LetsInNewUsersAndKeepsOutThoseWhoAreGone) {
  write_users({"alice", "bob"});
  start_with_users();
  SipClient alice(server->port(), "alice"), bob(server->port(), "bob"), carol(server->port(), "carol");
  EXPECT_EQ(registration(alice), 200);
  EXPECT_EQ(registration(carol), 401);
  write_users({"alice", "carol"});

  EXPECT_EQ(reload(), "200 OK\nVersion:: 2\n\n");

  EXPECT_EQ(registration(alice), 200);
  EXPECT_EQ(registration(bob), 401);
  EXPECT_EQ(registration(carol), 200);
}

TEST_F(DaemonReloadUsers, S59KeepsTheOldUsersWhenTheFileIsBroken) {
  write_users({"alice"});
  start_with_users();
  std::ofstream(folder / "users") << "carol:example.org:secret\n";

  EXPECT_EQ(reload(), "500 " + (folder / "users") + ":1: HA1 is not 32 (MD5) or 64 (SHA-256) hexadecimal digits; write user:realm:HA1\n\n");

  SipClient alice(server->port(), "alice");
  EXPECT_EQ(registration(alice), 200);
  EXPECT_EQ(server->log().find("secret"), std::string::npos);
}

TEST_F(DaemonReloadUsers, ReadsFilesThatOnlyTheSupervisorMayRead) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can change the user";
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all | std::filesystem::perms::others_all);
  write_users({"alice"});
  chmod((folder / "users").c_str(), 0600);
  start_with_users({"--user", "nobody", "--group", "nogroup"});
  chmod(config().c_str(), 0600);
  write_users({"alice", "carol"});

  server->signal(SIGHUP);

  server->wait_for_log("configuration 2 is in force\n");
  SipClient carol(server->port(), "carol");
  EXPECT_EQ(registration(carol), 200);
}

// --- many, and meanwhile ---------------------------------------------------------------------------------------------------

// Clients that come and go as fast as they can; every one must be served.
class Visitors {
 public:
  explicit Visitors(std::function<void()> visit) {
    for (int i = 0; i < 2; ++i)
      threads_.emplace_back([this, visit] {
        while (!stop_) try {
            visit();
            ++served_;
          } catch (const std::exception& why) {
            const std::lock_guard lock(mutex_);
            turned_away_.push_back(why.what());
            if (turned_away_.size() > 10) return;
          }
      });
  }
  ~Visitors() { leave(); }
  // How many were turned away, and why the first was.
  std::vector<std::string> leave() {
    stop_ = true;
    for (auto& thread : threads_)
      if (thread.joinable()) thread.join();
    return turned_away_;
  }
  int served() const { return served_; }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<int> served_{0};
  std::mutex mutex_;
  std::vector<std::string> turned_away_;
  std::vector<std::thread> threads_;
};

TEST_F(DaemonReload, TakesAHundredReloadsUnderHandshakesWithoutLosingOne) {
  write("retry_after=1\n");
  start(2, {"--stage", "echo", "--handshake-rate", "0"});
  auto resident = WsClient::open(server->port());
  Visitors visitors([this] {
    auto client = WsClient::open(server->port());
    client.send_text("hello");
    if (client.receive().payload != "hello") throw Disappointed("no echo");
  });

  for (int i = 2; i <= 101; ++i) {
    write("retry_after=" + std::to_string(i) + "\n");
    ASSERT_TRUE(reload().starts_with("200 OK\nVersion:: " + std::to_string(i) + "\n"));
  }

  const auto turned_away = visitors.leave();
  EXPECT_TRUE(turned_away.empty()) << turned_away.size() << " of " << visitors.served() << ": " << turned_away.front();
  EXPECT_GT(visitors.served(), 10);
  resident.send_text("still here");
  EXPECT_EQ(resident.receive().payload, "still here");
  EXPECT_EQ(param("core.retry_after"), "101");
}

TEST_F(DaemonReload, SurvivesAStormOfSighups) {
  write("retry_after=1\n");
  start(2, {"--stage", "echo", "--handshake-rate", "0"});
  Visitors visitors([this] { WsClient::open(server->port()); });

  for (int i = 1; i <= 100; ++i) {
    write("retry_after=" + std::to_string(i + 1) + "\n");
    server->signal(SIGHUP);
    if (i % 10 == 0) server->mi("core.reload");
  }

  EXPECT_TRUE(reload().starts_with("200 OK\n"));
  EXPECT_TRUE(visitors.leave().empty());
  EXPECT_EQ(param("core.retry_after"), "101");
  EXPECT_EQ(versions().size(), 1u);
}

TEST_F(DaemonReload, EndsThoughAWorkerDiesInTheMiddleOfIt) {
  write("retry_after=1\n");
  start(2);
  const pid_t worker = server->process("worker 0");
  kill(worker, SIGSTOP);
  write("retry_after=2\n");

  std::string reply;
  std::thread asking([&] { reply = reload(); });
  server->wait_for_log("configuration 2: retry_after: 1 -> 2");
  EXPECT_EQ(server->log().find("configuration 2 is in force"), std::string::npos) << "one has not taken it over";
  kill(worker, SIGKILL);
  asking.join();

  EXPECT_EQ(reply, "200 OK\nVersion:: 2\nretry_after: 1 -> 2\n\n");
  server->process("worker 0", worker);
  wait_until("the new one runs with it too", [&] { return versions() == std::set<std::string>{"2"}; });
}

TEST_F(DaemonReload, SaysWhoDoesNotTakeItOver) {
  write("retry_after=1\n");
  start(2, {"--worker-stall-timeout", "60"});
  const pid_t worker = server->process("worker 1");
  kill(worker, SIGSTOP);
  write("retry_after=2\n");

  EXPECT_EQ(reload(), "500 configuration 2 is not in force yet in: worker 1\n\n");

  kill(worker, SIGCONT);
  wait_until("worker 1 has caught up", [this] { return versions().size() == 1; });
  write("retry_after=3\n");
  EXPECT_EQ(reload(), "200 OK\nVersion:: 3\nretry_after: 2 -> 3\n\n");
}

// --- certificates ----------------------------------------------------------------------------------------------------------

class DaemonReloadTls : public DaemonReload {
 protected:
  TestServer& start_tls(std::vector<std::string> flags = {}) {
    write("");
    install(authority.issue({.common_name = "first"}));
    flags.insert(flags.end(), {"--stage", "echo", "--handshake-rate", "0", "--listen", "wss:127.0.0.1:0", "--tls-certificate", folder / "cert.pem",
                               "--tls-private-key", folder / "key.pem"});
    return start(2, flags);
  }
  void install(const IssuedCertificate& certificate) {
    std::ofstream(folder / "cert.pem") << certificate.pem;
    std::ofstream(folder / "key.pem") << certificate.key_pem;
  }
  WsClient open_tls() { return WsClient::open(server->tls_port(), {}, TlsOptions{}); }
  std::string shown() { return open_tls().tls().peer_name(); }

  CertificateAuthority authority;
};

TEST_F(DaemonReloadTls, ShowsTheNewCertificateToNewConnectionsAndLeavesTheOldAlone) {
  start_tls();
  auto resident = open_tls();
  EXPECT_EQ(resident.tls().peer_name(), "first");
  install(authority.issue({.common_name = "second"}));

  EXPECT_EQ(server->mi("tls.reload"), "200 OK\nVersion:: 2\n\n");

  for (int i = 0; i < 10; ++i) EXPECT_EQ(shown(), "second");
  resident.send_text("still here");
  EXPECT_EQ(resident.receive().payload, "still here");
  install(authority.issue({.common_name = "third"}));
  EXPECT_TRUE(reload().starts_with("200 OK\n")) << "the whole configuration includes it";
  EXPECT_EQ(shown(), "third");
}

TEST_F(DaemonReloadTls, S59KeepsTheOldCertificateWhenTheNewOneIsNoGood) {
  start_tls();
  const auto first = authority.issue({.common_name = "first"}), other = authority.issue({.common_name = "other"});
  const struct {
    const char* what;
    std::string certificate, key;
  } rows[] = {
      {"a key of another certificate", other.pem, first.key_pem},
      {"no certificate", "hello", first.key_pem},
      {"an empty file", "", first.key_pem},
      {"half a key", other.pem, other.key_pem.substr(0, other.key_pem.size() / 2)},
      {"one that has expired", authority.issue({.valid_from = -7200, .valid_until = -3600}).pem, other.key_pem},
  };
  for (const auto& [what, certificate, key] : rows) {
    std::ofstream(folder / "cert.pem") << certificate;
    std::ofstream(folder / "key.pem") << key;
    for (const char* command : {"tls.reload", "core.reload"}) {
      const auto reply = server->mi(command);
      EXPECT_TRUE(reply.starts_with("500 ")) << what << ": " << reply;
      EXPECT_NE(reply.find(folder.path()), std::string::npos) << what << " names no file: " << reply;
    }
    EXPECT_EQ(shown(), "first") << what;
  }
  std::filesystem::remove(folder / "key.pem");
  EXPECT_NE(server->mi("tls.reload").find("No such file"), std::string::npos);
  EXPECT_EQ(shown(), "first");
  EXPECT_EQ(versions(), std::set<std::string>{"1"});
}

TEST_F(DaemonReloadTls, LosesNoHandshakeInAHundredReloads) {
  start_tls();
  const auto first = authority.issue({.common_name = "first"}), second = authority.issue({.common_name = "second"});
  Visitors visitors([this] {
    auto client = open_tls();
    client.send_text("hello");
    if (client.receive().payload != "hello") throw Disappointed("no echo");
  });

  for (int i = 0; i < 100; ++i) {
    install(i % 2 == 0 ? second : first);
    const auto reply = server->mi("tls.reload");
    ASSERT_TRUE(reply.starts_with("200 OK\n")) << i << ": " << reply << server->log();
  }

  const auto turned_away = visitors.leave();
  EXPECT_TRUE(turned_away.empty()) << turned_away.size() << " of " << visitors.served() << ": " << turned_away.front();
  EXPECT_GT(visitors.served(), 10);
  EXPECT_EQ(shown(), "first");
}

TEST_F(DaemonReloadTls, TakesNothingButFilesFromTheDiskWhenOnlyTheyAreAskedFor) {
  start_tls();
  write("retry_after=77\n");
  EXPECT_TRUE(server->mi("tls.reload").starts_with("200 OK\n"));
  EXPECT_EQ(param("core.retry_after"), "5");
}

TEST_F(DaemonReloadTls, SaysInTheLogWhenACertificateIsAboutToExpire) {
  start_tls();
  EXPECT_EQ(server->log().find("expires"), std::string::npos) << "90 days are many";
  install(authority.issue({.valid_until = 6 * 86'400}));

  EXPECT_TRUE(server->mi("tls.reload").starts_with("200 OK\n"));

  EXPECT_NE(server->log().find("cert.pem"), std::string::npos) << server->log();
}

}  // namespace
}  // namespace sipwsd::test
