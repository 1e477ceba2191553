// Which end is which, when that is not plain: two users behind one address, one who has moved, one who has left before the
// answer came.
#include <gtest/gtest.h>

#include "tests/support/sip_client.h"
#include "tests/support/udp_phone.h"

namespace sipwsd::test {
namespace {

using namespace std::chrono_literals;

ServerOptions with_udp(std::vector<std::string> more = {}, unsigned workers = 2) {
  std::vector<std::string> flags{"--listen", "ws:127.0.0.1:0", "--listen", "udp:127.0.0.1:0", "--alias", "example.org",
                                 "--auth-mode", "none"};
  flags.insert(flags.end(), more.begin(), more.end());
  return {.workers = workers, .flags = std::move(flags)};
}

void register_as(UdpPhone& phone, const std::string& user, std::uint16_t port) {
  auto request = phone.make("REGISTER", "sip:example.org");
  request.to = "<sip:" + user + "@example.org>";
  request.from = request.to + ";tag=" + user;
  request.headers = {"Contact: <sip:" + user + "@10.0.0.1;line=" + user + ">", "Expires: 600"};
  phone.send(phone.text(request), port);
  static_cast<void>(phone.receive_response(200));
}

// What the called phone says in the dialog.
SipRequest of_callee(const UdpPhone& phone, const SipMessage& invite, const std::string& method) {
  auto request = phone.make(method, uri_in(invite.header("Contact")));
  request.call_id = invite.header("Call-ID");
  request.from = invite.header("To") + ";tag=" + phone.user;
  request.to = invite.header("From");
  request.headers.clear();
  for (const auto& route : invite.all("Record-Route")) request.headers.push_back("Route: " + route);
  return request;
}

// A switchboard registers all its extensions from one address.
TEST(DaemonFlows, ConnectsTwoUsersBehindOneAddress) {
  TestServer server(with_udp());
  const auto udp = server.port_of("udp");
  UdpPhone board("board");
  register_as(board, "anna", udp);
  register_as(board, "berta", udp);

  auto invite = board.make("INVITE", "sip:berta@example.org");
  board.send(board.text(invite), udp);
  const auto at_berta = board.receive_request("INVITE");
  EXPECT_EQ(at_berta.uri(), "sip:berta@10.0.0.1;line=berta");
  board.send(board.answer(at_berta, 200, "OK"), udp);
  const auto ok = board.receive_response(200);
  auto ack = board.make("ACK", at_berta.uri());
  ack.call_id = invite.call_id;
  ack.from = invite.from;
  ack.to = ok.header("To");
  ack.headers = {"Route: " + ok.header("Record-Route")};
  board.send(board.text(ack), udp);
  EXPECT_EQ(board.receive_request("ACK").uri(), at_berta.uri());
  board.send(board.text(of_callee(board, at_berta, "BYE")), udp);
  const auto bye = board.receive_request("BYE");
  EXPECT_EQ(bye.uri(), board.contact());
  board.send(board.answer(bye, 200, "OK"), udp);
  static_cast<void>(board.receive_response(200));
}

// A phone without a connection, whose address has changed during a call, is who has registered from there.
TEST(DaemonFlows, KnowsAPhoneThatHasMovedByItsRegistration) {
  TestServer server(with_udp());
  const auto udp = server.port_of("udp");
  UdpPhone before("phone", "127.0.0.2"), after("phone", "127.0.0.3");
  register_as(before, "phone", udp);
  SipClient browser(server.port(), "browser");
  browser.register_contact();
  const auto invite = browser.invite("sip:phone@example.org");
  browser.send(invite);
  const auto at_phone = before.receive_request("INVITE");
  before.send(before.answer(at_phone, 200, "OK"), udp);
  static_cast<void>(browser.receive_response(100));
  auto dialog = SipClient::dialog_of(invite, browser.receive_response(200));
  browser.send(browser.within(dialog, "ACK"));
  static_cast<void>(before.receive_request("ACK"));

  register_as(after, "phone", udp);
  browser.send(browser.within(dialog, "INFO"));
  const auto info = after.receive_request("INFO");
  after.send(after.answer(info, 200, "OK"), udp);
  EXPECT_EQ(browser.receive().status(), 200);
  after.send(after.text(of_callee(after, at_phone, "BYE")), udp);
  browser.respond(browser.receive_request("BYE"), 200, "OK");
  static_cast<void>(after.receive_response(200));
}

// A 200 that comes when its client has just lost his connection says nothing about where he is.
TEST(DaemonFlows, GoesOnWaitingForWhoLostHisConnectionBeforeTheRegistrarAnswered) {
  UdpPhone registrar("registrar", "127.0.0.2");
  TestServer server(with_udp({"--upstream", "sip:" + registrar.host_port() + ";transport=udp", "--upstream-interval", "0"}, 1));
  const auto udp = server.port_of("udp");
  std::string path;
  {
    SipClient browser(server.port(), "browser");
    const auto ok_to = [&](const SipMessage& request) {
      return registrar.answer(request, 200, "OK", {"Contact: <" + browser.contact() + ">;expires=600"});
    };
    browser.send(browser.registration({"<" + browser.contact() + ">"}, 600));
    const auto first = registrar.receive_request("REGISTER");
    path = first.header("Path");
    registrar.send(ok_to(first), udp);
    EXPECT_EQ(browser.receive().status(), 200);
    auto refresh = browser.registration({"<" + browser.contact() + ">"}, 600);
    refresh.cseq = 2;
    browser.send(refresh);
    const auto second = registrar.receive_request("REGISTER");
    browser.ws.abort();
    server.wait_for_statistic("ws_current_connections", 0);
    registrar.send(ok_to(second), udp);
  }
  auto invite = registrar.make("INVITE", "sip:browser@browser.invalid;transport=ws");
  invite.headers.push_back("Route: " + path);
  registrar.send(registrar.text(invite), udp);
  EXPECT_EQ(registrar.receive_response(182).status(), 182);
}

// Two users of one page: a Path names the one whose registration it is in.
TEST(DaemonFlows, FollowsEachUserOfASharedConnection) {
  UdpPhone registrar("registrar", "127.0.0.2");
  TestServer server(with_udp({"--upstream", "sip:" + registrar.host_port() + ";transport=udp", "--upstream-interval", "0"}, 1));
  const auto udp = server.port_of("udp");
  std::string path;
  const auto sign_in = [&](SipClient& page, const std::string& user) {
    page.user = user;
    page.send(page.registration({"<" + page.contact() + ">"}, 600));
    const auto request = registrar.receive_request("REGISTER");
    path = request.header("Path");
    registrar.send(registrar.answer(request, 200, "OK", {"Contact: <" + page.contact() + ">;expires=600"}), udp);
    page.receive_response(200);
  };
  {
    SipClient page(server.port(), "anna");
    sign_in(page, "anna");
    sign_in(page, "berta");
    page.ws.abort();
  }
  const std::string paths = path;
  server.wait_for_statistic("ws_current_connections", 0);
  SipClient bertas(server.port(), "berta");
  sign_in(bertas, "berta");
  auto invite = registrar.make("INVITE", "sip:berta@berta.invalid;transport=ws");
  invite.headers.push_back("Route: " + paths);
  registrar.send(registrar.text(invite), udp);
  EXPECT_EQ(bertas.receive_request("INVITE").uri(), invite.uri);
}

// RFC 3261 18.1.1 is the operator's to change.
TEST(DaemonFlows, SendsALongRequestAsADatagramWhenToldSo) {
  TestServer server(with_udp({"--udp-mtu", "0"}));
  UdpPhone phone("phone");
  register_as(phone, "phone", server.port_of("udp"));
  SipClient browser(server.port(), "browser");
  auto message = browser.make("MESSAGE", "sip:phone@example.org");
  message.body = std::string(2000, 'x');
  browser.send(message);
  EXPECT_EQ(phone.receive_request("MESSAGE").body.size(), 2000u);
  EXPECT_EQ(server.statistic("connect_success") + server.statistic("connect_failed"), 0u);
}

// Who rang from a connection that broke stops the call over his new one, whichever worker that is.
TEST(DaemonFlows, StopsACallOverAnotherWorkersConnection) {
  TestServer server(with_udp());
  const pid_t first = server.process("worker 0"), second = server.process("worker 1");
  UdpPhone phone("phone");
  register_as(phone, "phone", server.port_of("udp"));
  auto browser = SipClient::in_worker(server, first, "browser");
  browser.register_contact(";+sip.instance=\"<urn:uuid:1>\";reg-id=1");
  auto invite = browser.invite("sip:phone@example.org");
  browser.send(invite);
  const auto at_phone = phone.receive_request("INVITE");
  phone.send(phone.answer(at_phone, 180, "Ringing"), server.port_of("udp"));
  static_cast<void>(browser.receive_response(100));
  static_cast<void>(browser.receive_response(180));
  browser.ws.abort();
  server.wait_for_statistic("ws_current_connections", 0);
  auto again = SipClient::in_worker(server, second, "browser");
  again.register_contact(";+sip.instance=\"<urn:uuid:1>\";reg-id=1");
  auto cancel = invite;
  cancel.method = "CANCEL";
  cancel.headers.clear();
  cancel.body.clear();
  again.send(cancel);
  EXPECT_EQ(again.receive().status(), 200);
  const auto cancelled = phone.receive_request("CANCEL");
  phone.send(phone.answer(cancelled, 200, "OK"), server.port_of("udp"));
  phone.send(phone.answer(at_phone, 487, "Request Terminated"), server.port_of("udp"));
  EXPECT_EQ(again.receive().status(), 487);
}

}  // namespace
}  // namespace sipwsd::test
