// SIP over UDP and over connections that the daemon makes, against the running daemon: what the kernel spreads over two
// workers must be one server (RFC 3261 18, RFC 5626 4.4.2).
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/sip_client.h"
#include "tests/support/test_server.h"
#include "tests/support/udp_phone.h"

namespace sipwsd::test {
namespace {

sockaddr_in address(const char* host, std::uint16_t port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  inet_pton(AF_INET, host, &at.sin_addr);
  return at;
}

void wait_for(int fd, const char* what) {
  pollfd waiting{fd, POLLIN, 0};
  if (poll(&waiting, 1, Deadline().left_ms()) != 1) throw Disappointed(std::string("waited in vain for ") + what);
}

// Takes one connection, at the port of a phone.
class TcpEar {
 public:
  explicit TcpEar(std::uint16_t port) : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in at = address("127.0.0.1", port);
    is_open_ = ::bind(listener_, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 && ::listen(listener_, 4) == 0;
  }
  ~TcpEar() {
    ::close(listener_);
    if (stream_ >= 0) ::close(stream_);
  }
  TcpEar(const TcpEar&) = delete;
  TcpEar& operator=(const TcpEar&) = delete;

  bool is_open() const { return is_open_; }
  SipMessage receive(std::string_view end_of_body) {
    if (stream_ < 0) {
      wait_for(listener_, "a connection");
      stream_ = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    }
    std::string all;
    while (!all.ends_with(end_of_body)) {
      wait_for(stream_, "a message");
      char bytes[8192];
      const auto n = ::recv(stream_, bytes, sizeof bytes, 0);
      if (n <= 0) throw Disappointed("the connection ended");
      all.append(bytes, static_cast<std::size_t>(n));
    }
    return SipMessage::parse(all);
  }
  void send(std::string_view bytes) { ::send(stream_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }

 private:
  int listener_, stream_ = -1;
  bool is_open_ = false;
};

// A phone whose port is free for TCP as well.
struct PhoneWithTcp {
  std::unique_ptr<UdpPhone> phone;
  std::unique_ptr<TcpEar> ear;
};
PhoneWithTcp phone_with_tcp(const std::string& user) {
  for (int i = 0; i < 100; ++i) {
    auto phone = std::make_unique<UdpPhone>(user);
    auto ear = std::make_unique<TcpEar>(phone->port());
    if (ear->is_open()) return {std::move(phone), std::move(ear)};
  }
  throw Disappointed("no port is free for UDP and TCP");
}

class DaemonUdp : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = new TestServer(2, {"--listen=udp:127.0.0.1:0", "--listen=ws:127.0.0.1:0"}); }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }
  static TestServer& server() { return *server_; }
  static std::uint16_t port() { return server().port_of("udp"); }

 private:
  static TestServer* server_;
};
TestServer* DaemonUdp::server_ = nullptr;

// Takes the 200.
void register_contact(UdpPhone& phone, std::uint16_t port) {
  auto request = phone.make("REGISTER", "sip:example.org");
  request.to = phone.aor();
  request.headers.push_back("Contact: <" + phone.contact() + ">");
  phone.send(phone.text(request), port);
  static_cast<void>(phone.receive_response(200));
}
SipRequest message_to(const UdpPhone& from, const std::string& user, std::string body) {
  auto request = from.make("MESSAGE", "sip:" + user + "@example.org");
  request.body = std::move(body);
  return request;
}

TEST_F(DaemonUdp, CarriesARequestAndItsResponseBetweenTwoPhones) {
  UdpPhone alice("call-alice"), bob("call-bob");
  register_contact(alice, port());
  register_contact(bob, port());

  alice.send(alice.text(message_to(alice, "call-bob", "hello")), port());

  const auto request = bob.receive_request("MESSAGE");
  EXPECT_EQ(request.body, "hello");
  EXPECT_TRUE(request.header("Via").starts_with("SIP/2.0/UDP 127.0.0.1:" + std::to_string(port()) + ";branch=z9hG4bK"));
  bob.send(bob.answer(request, 200, "OK"), port());
  EXPECT_EQ(alice.receive_response(200).all("Via").size(), 1u);
}

TEST_F(DaemonUdp, CarriesThemBetweenAPhoneAndABrowser) {
  UdpPhone phone("mixed-phone");
  register_contact(phone, port());
  SipClient browser(server().port(), "mixed-browser");
  browser.register_contact();

  phone.send(phone.text(message_to(phone, "mixed-browser", "to the browser")), port());
  browser.respond(browser.receive_request("MESSAGE"), 200, "OK");
  static_cast<void>(phone.receive_response(200));

  auto back = browser.make("MESSAGE", "sip:mixed-phone@example.org");
  back.body = "to the phone";
  browser.send(back);
  const auto request = phone.receive_request("MESSAGE");
  EXPECT_EQ(request.body, "to the phone");
  phone.send(phone.answer(request, 200, "OK"), port());
  browser.receive_response(200);
}

// Eight phones: the kernel gives each one's datagrams to either worker, their transactions belong to either.
TEST_F(DaemonUdp, ForwardsARequestOnceHoweverOftenAndWherePhonesSendIt) {
  UdpPhone bob("once-bob");
  register_contact(bob, port());
  for (int i = 0; i < 8; ++i) {
    UdpPhone alice("once-alice");
    const std::string request = alice.text(message_to(alice, "once-bob", "once"));
    alice.send(request, port());
    alice.send(request, port());
    alice.send(request, port());
    bob.send(bob.answer(bob.receive(), 200, "OK"), port());
    EXPECT_EQ(alice.receive().status(), 200);
    alice.send(request, port());  // the response was lost, as far as we know
    EXPECT_EQ(alice.receive().status(), 200);
    EXPECT_TRUE(bob.hears_nothing_for(std::chrono::milliseconds{0}));
  }
}

TEST_F(DaemonUdp, KnowsAtOnceThatAPhoneIsGone) {
  UdpPhone alice("gone-alice");
  {
    UdpPhone bob("gone-bob");
    register_contact(bob, port());
  }

  alice.send(alice.text(alice.make("INVITE", "sip:gone-bob@example.org")), port());

  auto response = alice.receive();
  if (response.status() == 100) response = alice.receive();
  EXPECT_GE(response.status(), 400);  // and not a 408 after half a minute: nobody waits so long here
}

TEST_F(DaemonUdp, AnswersStunAndTakesKeepalivesWithoutAWord) {
  UdpPhone phone("stun");
  phone.send("\r\n\r\n", port());
  phone.send(std::string_view("\0\0\0\0", 4), port());
  phone.send(std::string("\0\1\0\0\x21\x12\xa4\x42", 8) + "twelve bytes", port());

  static_cast<void>(phone.receive());

  const std::string& answer = phone.last_bytes;
  ASSERT_EQ(answer.size(), 32u);
  EXPECT_EQ(answer.substr(8, 12), "twelve bytes");
  EXPECT_EQ((static_cast<unsigned char>(answer[26]) << 8 | static_cast<unsigned char>(answer[27])) ^ 0x2112, phone.port());
  EXPECT_TRUE(phone.hears_nothing_for(std::chrono::milliseconds{0}));
}

TEST_F(DaemonUdp, GoesOnThroughTheDeathOfItsWorkers) {
  UdpPhone phone("death");
  register_contact(phone, port());
  for (const std::string worker : {"worker 0", "worker 1"}) {
    const pid_t old = server().process(worker);
    ::kill(old, SIGKILL);
    static_cast<void>(server().process(worker, old));
  }
  register_contact(phone, port());  // what came meanwhile waits in the supervisor's copies of the sockets
}

// RFC 3261 18.1.1: too long for a datagram.
const std::string long_body = std::string(2000, 'x') + "!";

TEST_F(DaemonUdp, SendsALongRequestOverAConnectionThatItMakes) {
  UdpPhone alice("long-alice");
  const auto [bob, ear] = phone_with_tcp("long-bob");
  register_contact(*bob, port());

  alice.send(alice.text(message_to(alice, "long-bob", long_body)), port());

  const auto request = ear->receive("!");
  EXPECT_EQ(request.body, long_body);
  EXPECT_TRUE(request.header("Via").starts_with("SIP/2.0/TCP "));
  ear->send(bob->answer(request, 200, "OK"));
  static_cast<void>(alice.receive_response(200));
  EXPECT_TRUE(bob->hears_nothing_for(std::chrono::milliseconds{0}));
}

TEST_F(DaemonUdp, SendsALongRequestAsADatagramToWhoTakesNoConnections) {
  UdpPhone alice("fallback-alice"), bob("fallback-bob");
  register_contact(bob, port());

  alice.send(alice.text(message_to(alice, "fallback-bob", long_body)), port());

  const auto request = bob.receive_request("MESSAGE");
  EXPECT_EQ(request.body, long_body);
  EXPECT_TRUE(request.header("Via").starts_with("SIP/2.0/UDP "));
  bob.send(bob.answer(request, 200, "OK"), port());
  static_cast<void>(alice.receive_response(200));
}

TEST(DaemonUdpEverywhere, AnswersFromTheAddressThatWasAsked) {
  TestServer server(1, {"--listen=udp:0.0.0.0:0", "--listen=ws:127.0.0.1:0", "--auth-mode=none"});
  const std::string log = server.log(), words = "listening on udp:0.0.0.0:";
  const auto port = static_cast<std::uint16_t>(std::stoi(log.substr(log.find(words) + words.size())));
  const int phone = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const sockaddr_in here = address("127.0.0.1", 0), there = address("127.0.0.9", port);
  ASSERT_EQ(::bind(phone, reinterpret_cast<const sockaddr*>(&here), sizeof here), 0);
  constexpr std::string_view options =
      "OPTIONS sip:127.0.0.9 SIP/2.0\r\nVia: SIP/2.0/UDP h;rport;branch=z9hG4bKany\r\nMax-Forwards: 70\r\n"
      "From: <sip:a@example.org>;tag=1\r\nTo: <sip:127.0.0.9>\r\nCall-ID: any\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

  ::sendto(phone, options.data(), options.size(), 0, reinterpret_cast<const sockaddr*>(&there), sizeof there);

  wait_for(phone, "an answer");
  sockaddr_in from{};
  socklen_t size = sizeof from;
  char bytes[4096];
  EXPECT_GT(::recvfrom(phone, bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&from), &size), 0);
  ::close(phone);
  EXPECT_EQ(from.sin_addr.s_addr, there.sin_addr.s_addr);
  EXPECT_EQ(from.sin_port, there.sin_port);
}

}  // namespace
}  // namespace sipwsd::test
