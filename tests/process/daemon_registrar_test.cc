// Registrations in the running daemon: what a lost connection, a killed worker, a killed daemon and a stuck disk do to
// them; GRUUs that others call; clients on UDP.
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <fstream>

#include "tests/support/sip_client.h"
#include "tests/support/test_server.h"
#include "tests/support/udp_phone.h"

namespace sipwsd::test {
namespace {

std::uint16_t udp_port(const TestServer& server) {
  constexpr std::string_view words = "listening on udp:127.0.0.1:";
  const std::string log = server.log();
  const auto at = log.find(words);
  std::uint16_t port = 0;
  if (at != std::string::npos) std::from_chars(log.data() + at + words.size(), log.data() + log.size(), port);
  return port;
}

std::vector<std::string> with_udp(std::vector<std::string> flags = {}) {
  flags.insert(flags.end(), {"--listen", "ws:127.0.0.1:0", "--listen", "udp:127.0.0.1:0"});
  return flags;
}

std::string quoted(const std::string& line, const std::string& name) {
  const auto at = line.find(";" + name + "=\"");
  if (at == std::string::npos) return {};
  const auto from = at + name.size() + 3;
  return line.substr(from, line.find('"', from) - from);
}

// What ul_dump says of a user; empty when it is not there.
std::string dumped(TestServer& server, const std::string& user) {
  const auto all = server.mi("ul_dump");
  const auto at = all.find("AOR:: " + user + "@example.org");
  if (at == std::string::npos) return {};
  return all.substr(at, all.find("\tAOR::", at + 1) - at);
}
bool waits(TestServer& server, const std::string& user) { return dumped(server, user).find("Suspended::") != std::string::npos; }

SipRequest register_over_udp(const UdpPhone& phone, unsigned cseq, unsigned expires = 600) {
  auto request = phone.make("REGISTER", "sip:example.org");
  request.cseq = cseq;
  request.to = "<" + phone.aor() + ">";
  request.call_id = "registration-of-" + phone.user;
  request.headers = {"Contact: <" + phone.contact() + ">", "Expires: " + std::to_string(expires)};
  return request;
}

// --- lost and closed connections -----------------------------------------------------------------------------------------

class DaemonRegistrar : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = new TestServer(2, with_udp()); }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }
  static TestServer& server() { return *server_; }

 private:
  static TestServer* server_;
};
TestServer* DaemonRegistrar::server_ = nullptr;

TEST_F(DaemonRegistrar, ExpectsAClientBackWhoseConnectionWasReset) {
  SipClient before{server().port(), "lost"};
  before.register_contact();
  before.ws.abort();
  wait_until("it is expected back", [&] { return waits(server(), "lost"); });

  SipClient after{server().port(), "lost"};
  after.register_contact();

  EXPECT_FALSE(waits(server(), "lost"));
  SipClient bob{server().port(), "lost-bob"};
  bob.send(bob.make("MESSAGE", after.aor()));
  after.respond(after.receive_request("MESSAGE"), 200, "OK");
  EXPECT_EQ(bob.receive_response(200).status(), 200);
}

TEST_F(DaemonRegistrar, ForgetsAClientThatSaidGoodbye) {
  SipClient alice{server().port(), "goodbye"};
  alice.register_contact();
  alice.ws.send_close(1000);
  alice.ws.receive_close();
  wait_until("it is forgotten", [&] { return dumped(server(), "goodbye").empty(); });
  SipClient bob{server().port(), "goodbye-bob"};
  EXPECT_EQ(bob.ask(bob.make("MESSAGE", alice.aor())).status(), 480);
}

TEST_F(DaemonRegistrar, KeepsOneContactOfAPageThatWasLoadedAnew) {
  const std::string instance = ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000000000001>\"";
  SipClient before{server().port(), "reloaded"};
  before.register_contact(instance);
  before.ws.abort();
  SipClient after{server().port(), "reloaded"};
  const auto ok = after.ask(after.registration({"<sip:other@other.invalid;transport=ws>" + instance}, 600));
  ASSERT_EQ(ok.status(), 200);
  ASSERT_EQ(ok.all("Contact").size(), 1u);
  EXPECT_EQ(uri_in(ok.header("Contact")), "sip:other@other.invalid;transport=ws");
  EXPECT_EQ(ok.header("Contact").find(", <"), std::string::npos);
}

// S26.
TEST_F(DaemonRegistrar, TakesTenContactsOfAUserAllOrNone) {
  SipClient alice{server().port(), "many"};
  std::vector<std::string> contacts;
  for (int i = 0; i < 9; ++i) contacts.push_back("<sip:a" + std::to_string(i) + "@a.invalid;transport=ws>");
  ASSERT_EQ(alice.ask(alice.registration(contacts, 600)).status(), 200);
  const auto refused = alice.ask(alice.registration({"<sip:x@a.invalid>", "<sip:y@a.invalid>"}, 600));
  EXPECT_EQ(refused.status(), 503);
  EXPECT_EQ(refused.header("P-Registrar-Error"), "Too many registered contacts");
  EXPECT_EQ(alice.ask(alice.registration({"<sip:x@a.invalid>"}, 600)).status(), 200);
}

// --- GRUU ----------------------------------------------------------------------------------------------------------------

TEST_F(DaemonRegistrar, GivesNamesOfAnInstanceThatOthersCall) {
  const auto registered = [&](SipClient& client, const std::string& contact, const char* instance, const char* call_id) {
    auto request = client.registration({"<" + contact + ">;+sip.instance=\"<" + instance + ">\""}, 600);
    request.headers.push_back("Supported: gruu");
    request.call_id = call_id;
    const auto ok = client.ask(request);
    EXPECT_EQ(ok.status(), 200);
    return ok.header("Contact");
  };
  SipClient desk{server().port(), "gruu"}, mobile{server().port(), "gruu"}, bob{server().port(), "gruu-bob"};
  const auto line = registered(desk, desk.contact(), "urn:uuid:desk", "desk-1");
  registered(mobile, "sip:mobile@gruu.invalid;transport=ws", "urn:uuid:mobile", "mobile-1");
  const auto pub = quoted(line, "pub-gruu"), temp = quoted(line, "temp-gruu");
  ASSERT_EQ(pub, "sip:gruu@example.org;gr=urn:uuid:desk");

  for (const auto& uri : {pub, temp}) {
    bob.send(bob.make("MESSAGE", uri));
    const auto message = desk.receive_request("MESSAGE");
    EXPECT_EQ(message.uri(), desk.contact());
    desk.respond(message, 200, "OK");
    EXPECT_EQ(bob.receive_response(200).status(), 200);
    EXPECT_FALSE(mobile.ws.has_something_within(std::chrono::milliseconds{20})) << uri;
  }
  EXPECT_EQ(bob.ask(bob.make("MESSAGE", "sip:gruu@example.org;gr=urn:uuid:other")).status(), 404);
  EXPECT_EQ(bob.ask(bob.make("MESSAGE", "sip:tgruu.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA@example.org;gr")).status(), 404);
  registered(desk, desk.contact(), "urn:uuid:desk", "desk-2");
  EXPECT_EQ(bob.ask(bob.make("MESSAGE", temp)).status(), 404) << "of the registration before";
}

// --- UDP -----------------------------------------------------------------------------------------------------------------

TEST_F(DaemonRegistrar, ReachesADatagramClientWhereItsRegisterCameFrom) {
  UdpPhone phone{"udp-alice"};
  auto request = register_over_udp(phone, 1);
  request.headers[0] = "Contact: <sip:udp-alice@127.0.0.99:9>";  // what a phone behind a NAT says
  phone.send(phone.text(request), udp_port(server()));
  ASSERT_EQ(phone.receive_response(200).status(), 200);
  EXPECT_NE(dumped(server(), "udp-alice").find("Address:: udp:127.0.0.1:" + std::to_string(phone.port())), std::string::npos)
      << dumped(server(), "udp-alice");

  SipClient bob{server().port(), "udp-bob"};
  bob.send(bob.make("MESSAGE", phone.aor()));
  const auto message = phone.receive_request("MESSAGE");
  EXPECT_EQ(message.uri(), "sip:udp-alice@127.0.0.99:9");
  EXPECT_EQ(phone.came_from, udp_port(server()));
  phone.send(phone.answer(message, 200, "OK"), udp_port(server()));
  EXPECT_EQ(bob.receive_response(200).status(), 200);
}

// --- deaths --------------------------------------------------------------------------------------------------------------

TEST(DaemonRegistrarDeath, ExpectsTheClientsOfAKilledWorkerBack) {
  TestServer server(2, {});
  SipClient alice{server.port(), "alice"};
  alice.register_contact();
  const pid_t worker = server.owner_of(alice.ws.local_port());
  ASSERT_GT(worker, 0);

  kill(worker, SIGKILL);

  wait_until("it is expected back", [&] { return waits(server, "alice"); });
  SipClient again{server.port(), "alice"};
  again.register_contact();
  EXPECT_FALSE(waits(server, "alice"));
}

TEST(DaemonRegistrarDeath, ForgetsThemAtOnceWithoutAGrace) {
  TestServer server(1, {"--flow-grace", "0"});
  SipClient alice{server.port(), "alice"};
  alice.register_contact();
  alice.ws.abort();
  wait_until("it is forgotten", [&] { return dumped(server, "alice").empty(); });
}

TEST(DaemonRegistrarDeath, LetsGoOfWhoDoesNotComeBack) {
  TestServer server(1, {"--flow-grace", "1"});
  SipClient alice{server.port(), "alice"};
  alice.register_contact();
  alice.ws.abort();
  wait_until("it is forgotten", [&] { return dumped(server, "alice").empty(); });
  SipClient bob{server.port(), "bob"};
  EXPECT_EQ(bob.ask(bob.make("MESSAGE", alice.aor())).status(), 480);
}

// --- the mirror ------------------------------------------------------------------------------------------------------------

class DaemonMirror : public testing::Test {
 protected:
  std::vector<std::string> flags() const { return with_udp({"--db-mode", "1", "--location-db-url", "sqlite://" + (scratch_ / "location.db")}); }
  Scratch scratch_;
};

TEST_F(DaemonMirror, WhatWasAnsweredWith200IsThereAfterAKillOfTheDaemon) {
  UdpPhone phone{"alice"};
  {
    TestServer server(2, flags());
    phone.send(phone.text(register_over_udp(phone, 1)), udp_port(server));
    ASSERT_EQ(phone.receive_response(200).status(), 200);
    SipClient page{server.port(), "page"};
    page.register_contact();
    server.signal(SIGKILL);
    EXPECT_EQ(server.wait_for_end(), 128 + SIGKILL);
  }
  TestServer server(2, flags());
  EXPECT_TRUE(waits(server, "page"));
  SipClient bob{server.port(), "bob"};
  bob.send(bob.make("MESSAGE", phone.aor()));
  const auto message = phone.receive_request("MESSAGE");
  EXPECT_EQ(message.uri(), phone.contact());
  phone.send(phone.answer(message, 200, "OK"), udp_port(server));
  EXPECT_EQ(bob.receive_response(200).status(), 200);

  phone.send(phone.text(register_over_udp(phone, 2, 0)), udp_port(server));
  ASSERT_EQ(phone.receive_response(200).status(), 200);
  server.signal(SIGKILL);
  EXPECT_EQ(server.wait_for_end(), 128 + SIGKILL);
  TestServer third(1, flags());
  EXPECT_EQ(dumped(third, "alice"), "") << "a removal that was answered is stored too";
}

TEST_F(DaemonMirror, AnswersNo200WhileTheMirrorIsStuckAndServesAgainWhenItIsNot) {
  TestServer server(1, flags());
  const pid_t mirror = server.process("mirror");
  SipClient alice{server.port(), "alice"};
  kill(mirror, SIGSTOP);

  const auto refused = alice.ask(alice.registration({"<" + alice.contact() + ">"}, 600));

  EXPECT_EQ(refused.status(), 503);
  EXPECT_FALSE(refused.header("Retry-After").empty());
  kill(mirror, SIGKILL);
  EXPECT_EQ(alice.register_contact().status(), 200) << "by its successor";
  EXPECT_NE(server.process("mirror", mirror), mirror);
}

TEST_F(DaemonMirror, SaysWhatIsWrongWithItsDatabaseAndDoesNotStart) {
  std::ofstream(scratch_ / "location.db") << std::string(4096, 'x');
  auto all = flags();
  TestServer server(ServerOptions{.workers = 1, .flags = all, .wait_until_ready = false});
  EXPECT_EQ(server.wait_for_end(), 78);
  server.wait_for_log("location.db: file is not a database");
}

TEST_F(DaemonMirror, WantsAUrlThatItKnows) {
  TestServer server(ServerOptions{.workers = 1, .flags = {"--db-mode", "1", "--location-db-url", "mysql://a:b@c/d"}, .wait_until_ready = false});
  EXPECT_NE(server.wait_for_end(), 0);
  server.wait_for_log("db_url");
}

}  // namespace
}  // namespace sipwsd::test
