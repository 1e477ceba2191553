// The running daemon as the edge of a SIP network: phones on UDP beside browsers, gateways, a registrar behind.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/sip_client.h"
#include "tests/support/udp_phone.h"

namespace sipwsd::test {
namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

ServerOptions with_udp(std::vector<std::string> more = {}, unsigned workers = 2) {
  std::vector<std::string> flags{"--listen", "ws:127.0.0.1:0", "--listen", "udp:127.0.0.1:0", "--alias", "example.org",
                                 "--auth-mode", "none"};
  flags.insert(flags.end(), more.begin(), more.end());
  return {.workers = workers, .flags = std::move(flags)};
}

void register_phone(UdpPhone& phone, std::uint16_t port, std::string_view parameters = {}) {
  auto request = phone.make("REGISTER", "sip:example.org");
  request.to = "<" + phone.aor() + ">";
  request.headers = {"Contact: <" + phone.contact() + ">" + std::string(parameters), "Expires: 600"};
  phone.send(phone.text(request), port);
  static_cast<void>(phone.receive_response(200));
}

Strings reversed(Strings values) {
  std::reverse(values.begin(), values.end());
  return values;
}

TEST(DaemonEdge, ConnectsABrowserToAPhoneOnUdpAndBack) {
  TestServer server(with_udp());
  const auto udp = server.port_of("udp");
  UdpPhone phone("phone");
  register_phone(phone, udp);
  SipClient browser(server.port(), "browser");
  browser.register_contact();

  const auto invite = browser.invite(phone.aor());
  browser.send(invite);
  const auto at_phone = phone.receive_request("INVITE");
  EXPECT_EQ(at_phone.uri(), phone.contact());
  EXPECT_EQ(phone.came_from, udp) << "from the socket it registered at";
  const auto record_routes = at_phone.all("Record-Route");
  ASSERT_EQ(record_routes.size(), 2u) << "one a side (RFC 5658)";
  EXPECT_NE(record_routes[0].find("@127.0.0.1:" + std::to_string(udp) + ";lr;r2=on>"), std::string::npos) << record_routes[0];
  EXPECT_NE(record_routes[1].find("@127.0.0.1:" + std::to_string(server.port()) + ";transport=ws;lr;r2=on>"), std::string::npos) << record_routes[1];
  EXPECT_TRUE(at_phone.header("Via").starts_with("SIP/2.0/UDP 127.0.0.1:" + std::to_string(udp))) << at_phone.header("Via");
  phone.send(phone.answer(at_phone, 180, "Ringing"), udp);
  phone.send(phone.answer(at_phone, 200, "OK"), udp);
  static_cast<void>(browser.receive_response(100));
  static_cast<void>(browser.receive_response(180));
  auto dialog = SipClient::dialog_of(invite, browser.receive_response(200));
  browser.send(browser.within(dialog, "ACK"));
  const auto ack = phone.receive_request("ACK");
  EXPECT_TRUE(ack.all("Route").empty());

  // The phone's own words, along the route set it was shown.
  auto bye = phone.make("BYE", browser.contact());
  bye.call_id = at_phone.header("Call-ID");
  bye.from = at_phone.header("To") + ";tag=phone";
  bye.to = at_phone.header("From");
  for (const auto& route : record_routes) bye.headers.push_back("Route: " + route);
  phone.send(phone.text(bye), udp);
  const auto at_browser = browser.receive_request("BYE");
  EXPECT_EQ(at_browser.uri(), browser.contact());
  EXPECT_TRUE(at_browser.all("Route").empty());
  browser.respond(at_browser, 200, "OK");
  static_cast<void>(phone.receive_response(200));
}

TEST(DaemonEdge, RingsABrowserForAPhoneOnUdpWhicheverWorkerGetsWhichDatagram) {
  TestServer server(with_udp({}, 3));
  const auto udp = server.port_of("udp");
  SipClient browser(server.port(), "browser");
  browser.register_contact();
  for (int i = 0; i < 6; ++i) {  // from another port each time: the kernel chooses another socket
    UdpPhone phone("phone" + std::to_string(i));
    auto invite = phone.make("INVITE", browser.aor());
    const auto text = phone.text(invite);
    phone.send(text, udp);
    static_cast<void>(phone.receive_response(100));
    phone.send(text, udp);  // lost, as the phone believes
    const auto at_browser = browser.receive_request("INVITE");
    const auto via = at_browser.all("Via")[1];
    EXPECT_EQ(parameter(via, "received"), "127.0.0.1") << via;
    EXPECT_EQ(parameter(via, "rport"), std::to_string(phone.port())) << via;
    auto cancel = invite;
    cancel.method = "CANCEL";
    cancel.headers.clear();
    browser.respond(at_browser, 180, "Ringing");
    static_cast<void>(phone.receive_response(180));
    phone.send(phone.text(cancel), udp);
    const auto cancelled = browser.receive_request("CANCEL");
    browser.respond(cancelled, 200, "OK");
    browser.respond(at_browser, 487, "Request Terminated");
    static_cast<void>(browser.receive_request("ACK"));
    for (bool terminated = false; !terminated;) {
      const auto message = phone.receive();
      terminated = message.status() == 487;
      if (!terminated) {
        EXPECT_TRUE(message.status() == 200 || message.status() < 200) << message.start_line;
      }
      if (terminated) {
        auto ack = invite;
        ack.method = "ACK";
        ack.to = message.header("To");
        ack.headers.clear();
        phone.send(phone.text(ack), udp);
      }
    }
  }
}

TEST(DaemonEdge, S25CallsOnlyPeersByAddress) {
  UdpPhone gateway("gateway", "127.0.0.2"), stranger("stranger", "127.0.0.3");
  TestServer server(with_udp({"--peers", "127.0.0.2"}));
  SipClient browser(server.port(), "browser");
  EXPECT_EQ(browser.ask(browser.invite("sip:1@" + stranger.host_port())).status(), 403);
  browser.send(browser.invite("sip:1@" + gateway.host_port()));
  const auto at_gateway = gateway.receive_request("INVITE");
  EXPECT_EQ(at_gateway.uri(), "sip:1@" + gateway.host_port());
  gateway.send(gateway.answer(at_gateway, 486, "Busy Here"), server.port_of("udp"));
  static_cast<void>(gateway.receive_request("ACK"));
  static_cast<void>(browser.receive_response(100));
  EXPECT_EQ(browser.receive().status(), 486);
  EXPECT_TRUE(stranger.hears_nothing_for(0ms));

  auto routed = browser.make("MESSAGE", "sip:x@example.org");
  routed.headers = {"Route: <sip:" + stranger.host_port() + ";lr>"};
  EXPECT_EQ(browser.ask(routed).status(), 403);
}

TEST(DaemonEdge, SaysAtOnceWhenNobodyListensThere) {
  std::string nobody;
  {
    UdpPhone gone("gone", "127.0.0.2");
    nobody = gone.host_port();
  }
  TestServer server(with_udp({"--peers", "127.0.0.2"}));
  SipClient browser(server.port(), "browser");
  const auto status = browser.ask(browser.make("MESSAGE", "sip:1@" + nobody)).status();
  EXPECT_TRUE(status == 480 || status == 500 || status == 503) << status;
}

TEST(DaemonEdge, RefusesWhatBeginsByUdpWhileItDrains) {
  TestServer server(with_udp({"--drain-spread", "600"}));
  SipClient browser(server.port(), "browser");  // keeps it from ending at once
  browser.register_contact();
  UdpPhone phone("phone");
  server.mi("core.drain", {"600"});
  wait_until("every worker has heard of it", [&] {
    for (int i = 0; i < 20; ++i) {  // another Via, perhaps another worker
      phone.send(phone.text(phone.make("OPTIONS", "sip:example.org")), server.port_of("udp"));
      const auto answer = phone.receive();
      if (answer.status() != 503) return false;
      if (answer.header("Retry-After").empty()) return false;
    }
    return true;
  });
}

TEST(DaemonEdge, LetsCallsGoOnAfterARestartWhenTheSecretLasts) {
  const auto start = [] {
    return std::make_unique<TestServer>(2, Strings{"--alias", "example.org", "--auth-mode", "none", "--flow-token-secret", "of this cluster", "--shutdown-timeout", "0"});
  };
  auto server = start();
  SipDialog alices, bobs;
  {
    SipClient alice(server->port(), "alice"), bob(server->port(), "bob");
    alice.register_contact();
    bob.register_contact();
    const auto invite = alice.invite(bob.aor());
    alice.send(invite);
    const auto at_bob = bob.receive_request("INVITE");
    bob.respond(at_bob, 200, "OK");
    static_cast<void>(alice.receive_response(100));
    alices = SipClient::dialog_of(invite, alice.receive_response(200));
    bobs = bob.dialog_of(at_bob);
    server->stop();
  }
  server = start();
  SipClient stranger(server->port(), "stranger"), other(server->port(), "other");  // they get the numbers of before
  SipClient alice(server->port(), "alice"), bob(server->port(), "bob");
  EXPECT_EQ(alice.ask(alice.within(alices, "INFO")).status(), 430) << "bob is not back yet";
  bob.register_contact();
  alice.send(alice.within(alices, "INFO"));
  bob.respond(bob.receive_request("INFO"), 200, "OK");
  EXPECT_EQ(alice.receive().status(), 200);
  alice.register_contact();
  bob.send(bob.within(bobs, "BYE"));
  alice.respond(alice.receive_request("BYE"), 200, "OK");
  EXPECT_EQ(bob.receive().status(), 200);
}

class EdgeOfARegistrar : public ::testing::Test {
 protected:
  static std::string uri_of(const UdpPhone& phone) { return "sip:" + phone.host_port() + ";transport=udp"; }
  // Answers OPTIONS, and gives what else comes.
  SipMessage upstream_request(UdpPhone& upstream, std::string_view method) {
    for (;;) {
      auto message = upstream.receive();
      if (message.status() != 0) continue;
      if (message.method() == method) return message;
      if (message.method() == "OPTIONS") upstream.send(upstream.answer(message, 200, "OK"), upstream.came_from);
    }
  }
  UdpPhone registrar{"registrar", "127.0.0.2"};
};

TEST_F(EdgeOfARegistrar, SendsEverythingThereAndBringsBackWhatComesAlongThePath) {
  TestServer server(with_udp({"--upstream", uri_of(registrar)}));
  const auto udp = server.port_of("udp");
  SipClient browser(server.port(), "browser");
  browser.send(browser.registration({"<" + browser.contact() + ">"}, 600));
  const auto at_registrar = upstream_request(registrar, "REGISTER");
  const auto path = at_registrar.header("Path");
  EXPECT_TRUE(path.starts_with("<sip:") && path.ends_with("@127.0.0.1:" + std::to_string(udp) + ";lr;ob>")) << path;
  EXPECT_EQ(at_registrar.header("Contact"), "<" + browser.contact() + ">");
  registrar.send(registrar.answer(at_registrar, 200, "OK", {"Contact: <" + browser.contact() + ">;expires=600"}), udp);
  EXPECT_EQ(browser.receive().status(), 200);

  // A call from there.
  auto invite = registrar.make("INVITE", browser.contact());
  invite.headers.push_back("Route: " + path);
  registrar.send(registrar.text(invite), udp);
  const auto at_browser = browser.receive_request("INVITE");
  EXPECT_TRUE(at_browser.all("Route").empty());
  EXPECT_EQ(at_browser.all("Record-Route").size(), 2u);
  browser.respond(at_browser, 200, "OK");
  const auto ok = registrar.receive_response(200);
  auto ack = registrar.make("ACK", browser.contact());
  ack.call_id = invite.call_id;
  ack.from = invite.from;
  ack.to = ok.header("To");
  for (const auto& route : reversed(ok.all("Record-Route"))) ack.headers.push_back("Route: " + route);
  registrar.send(registrar.text(ack), udp);
  static_cast<void>(browser.receive_request("ACK"));
  auto dialog = browser.dialog_of(at_browser);
  browser.send(browser.within(dialog, "BYE"));
  const auto bye = upstream_request(registrar, "BYE");
  registrar.send(registrar.answer(bye, 200, "OK"), udp);
  EXPECT_EQ(browser.receive().status(), 200);

  // A call to there, to whatever it is.
  browser.send(browser.invite("sip:bob@other.example"));
  const auto call = upstream_request(registrar, "INVITE");
  EXPECT_EQ(call.uri(), "sip:bob@other.example");
  registrar.send(registrar.answer(call, 404, "Not Found"), udp);
  static_cast<void>(browser.receive_response(100));
  EXPECT_EQ(browser.receive().status(), 404);
}

TEST_F(EdgeOfARegistrar, S25RefusesAForgedPath) {
  TestServer server(with_udp({"--upstream", uri_of(registrar)}));
  const auto udp = server.port_of("udp");
  SipClient browser(server.port(), "browser");
  browser.send(browser.registration({"<" + browser.contact() + ">"}, 600));
  const auto at_registrar = upstream_request(registrar, "REGISTER");
  auto path = at_registrar.header("Path");
  path[20] = path[20] == 'A' ? 'B' : 'A';
  auto invite = registrar.make("INVITE", browser.contact());
  invite.headers.push_back("Route: " + path);
  registrar.send(registrar.text(invite), udp);
  EXPECT_EQ(registrar.receive_response(403).status(), 403);
}

TEST_F(EdgeOfARegistrar, HoldsACallFromThereForABrowserThatLostItsConnection) {
  TestServer server(with_udp({"--upstream", uri_of(registrar)}));
  const auto udp = server.port_of("udp");
  std::string path;
  const auto sign_in = [&](SipClient& browser) {
    browser.send(browser.registration({"<" + browser.contact() + ">"}, 600));
    const auto at_registrar = upstream_request(registrar, "REGISTER");
    path = at_registrar.header("Path");
    registrar.send(registrar.answer(at_registrar, 200, "OK", {"Contact: <" + browser.contact() + ">;expires=600"}), udp);
    return browser.receive();
  };
  {
    SipClient browser(server.port(), "browser");
    EXPECT_EQ(sign_in(browser).status(), 200);
    browser.ws.abort();
  }
  server.wait_for_statistic("ws_current_connections", 0);
  auto invite = registrar.make("INVITE", "sip:browser@browser.invalid;transport=ws");
  invite.headers.push_back("Route: " + path);
  registrar.send(registrar.text(invite), udp);
  static_cast<void>(registrar.receive_response(182));
  SipClient again(server.port(), "browser");
  again.send(again.registration({"<" + again.contact() + ">"}, 600));
  const auto at_registrar = upstream_request(registrar, "REGISTER");
  registrar.send(registrar.answer(at_registrar, 200, "OK", {"Contact: <" + again.contact() + ">;expires=600"}), udp);
  bool registered = false, invited = false;
  while (!registered || !invited) {
    const auto message = again.receive();
    registered |= message.status() == 200;
    invited |= message.method() == "INVITE" && message.status() == 0;
  }
}

TEST_F(EdgeOfARegistrar, GoesOnToTheNextOneWhenTheFirstIsAway) {
  std::string nobody;
  {
    UdpPhone gone("gone", "127.0.0.3");
    nobody = uri_of(gone);
  }
  TestServer server(with_udp({"--upstream", nobody, "--upstream", uri_of(registrar)}));
  SipClient browser(server.port(), "browser");
  for (int i = 0; i < 2; ++i) {
    browser.send(browser.registration({"<" + browser.contact() + ">"}, 600));
    const auto at_registrar = upstream_request(registrar, "REGISTER");
    registrar.send(registrar.answer(at_registrar, 200, "OK", {"Contact: <" + browser.contact() + ">;expires=600"}), server.port_of("udp"));
    EXPECT_EQ(browser.receive().status(), 200);
  }
}

}  // namespace
}  // namespace sipwsd::test
