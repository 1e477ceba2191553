#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>

#include "sipwsd/bytes.h"
#include "src/os/host_lookup.h"
#include "src/os/socket_address.h"
#include "src/os/tcp_listener.h"
#include "src/os/udp_socket.h"

namespace sipwsd::os {
namespace {

Endpoint loopback(TransportProtocol protocol = TransportProtocol::ws, std::uint16_t port = 0) {
  Endpoint endpoint = *parse_address("127.0.0.1");
  endpoint.protocol = protocol;
  endpoint.port = port;
  return endpoint;
}

Fd connect_to(const Endpoint& endpoint) {
  const SocketAddress address = to_socket_address(endpoint);
  Fd socket{::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  EXPECT_EQ(connect(socket.raw(), address.raw(), address.length), 0) << std::strerror(errno);
  return socket;
}

bool wait_readable(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  return poll(&waiting, 1, 5000) == 1;
}

TEST(SocketAddress, ReadsAndPrintsNumericAddresses) {
  struct Row {
    const char* text;
    const char* printed;
  };
  const Row good[] = {{"192.0.2.7:8080", "192.0.2.7:8080"},
                      {"[2001:db8::5]:1", "[2001:db8::5]:1"},
                      {"[::ffff:192.0.2.7]:99", "192.0.2.7:99"},
                      {"*:0", "0.0.0.0:0"}};
  for (const auto& row : good) {
    const auto endpoint = parse_address_and_port(row.text);
    ASSERT_TRUE(endpoint) << row.text;
    EXPECT_EQ(endpoint->host_text() + ":" + std::to_string(endpoint->port), row.printed);
    EXPECT_EQ(to_endpoint(to_socket_address(*endpoint), TransportProtocol::none), *endpoint);
  }
  for (const char* bad : {"", ":", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3:5", "localhost:80", "::1:80", "[::1:80", "[::1]"})
    EXPECT_FALSE(parse_address_and_port(bad)) << bad;
}

TEST(HostLookup, TakesAddressesInterfacesAndNames) {
  EXPECT_EQ(look_up_host("192.0.2.7")->at(0).address_text(), "192.0.2.7");
  EXPECT_EQ(look_up_host("2001:db8::5")->at(0).address_text(), "2001:db8::5");
  EXPECT_EQ(look_up_host("")->at(0).address_text(), "0.0.0.0");
  const auto loop_interface = look_up_host("lo");
  ASSERT_TRUE(loop_interface) << loop_interface.error().why;
  EXPECT_TRUE(loop_interface->at(0).is_loopback());
  const auto name = look_up_host("localhost");
  ASSERT_TRUE(name) << name.error().why;
  for (const auto& address : *name) EXPECT_TRUE(address.is_loopback());
  EXPECT_TRUE(look_up_host("no-such-host.invalid").is(Errc::not_found));
}

TEST(TcpListener, AcceptsWithThePeersAddressAndSaysWhenNobodyWaits) {
  const auto listener = listen_tcp(loopback());
  ASSERT_TRUE(listener) << listener.error().why;
  const auto at = local_endpoint(listener->raw(), TransportProtocol::ws);
  EXPECT_TRUE(accept_tcp(listener->raw(), TransportProtocol::ws).is(Errc::incomplete));

  const Fd client = connect_to(*at);
  ASSERT_TRUE(wait_readable(listener->raw()));
  const auto accepted = accept_tcp(listener->raw(), TransportProtocol::ws);

  ASSERT_TRUE(accepted);
  EXPECT_EQ(accepted->peer, *local_endpoint(client.raw(), TransportProtocol::ws));
  char byte = 0;
  EXPECT_EQ(recv(accepted->socket.raw(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, EAGAIN) << "an accepted socket is nonblocking";
}

TEST(TcpListener, FormsAGroupOfItsOwnAndNobodyElseCanJoinByAccident) {
  const auto first = listen_tcp(loopback(), {.reuse_port = ReusePort::found_group});
  ASSERT_TRUE(first) << first.error().why;
  const Endpoint at = *local_endpoint(first->raw(), TransportProtocol::ws);
  const auto second = listen_tcp(at, {.reuse_port = ReusePort::join_group});
  ASSERT_TRUE(second) << second.error().why;

  const auto intruder = listen_tcp(at, {.reuse_port = ReusePort::found_group});
  EXPECT_TRUE(intruder.is(Errc::exists)) << "a second daemon of the same user";
  EXPECT_TRUE(listen_tcp(at).is(Errc::exists));
  EXPECT_NE(intruder.error().why.find(at.to_string()), std::string::npos) << intruder.error().why;
}

TEST(TcpListener, SpreadsConnectionsOverTheWholeGroup) {
  const auto first = listen_tcp(loopback(), {.reuse_port = ReusePort::found_group});
  ASSERT_TRUE(first);
  const Endpoint at = *local_endpoint(first->raw(), TransportProtocol::ws);
  const auto second = listen_tcp(at, {.reuse_port = ReusePort::join_group});
  ASSERT_TRUE(second);

  std::vector<Fd> clients;
  for (int i = 0; i < 64; ++i) clients.push_back(connect_to(at));

  int accepted_by_first = 0;
  int accepted_by_second = 0;
  while (accept_tcp(first->raw(), TransportProtocol::ws)) ++accepted_by_first;
  while (accept_tcp(second->raw(), TransportProtocol::ws)) ++accepted_by_second;
  EXPECT_EQ(accepted_by_first + accepted_by_second, 64);
  EXPECT_GT(accepted_by_first, 0);
  EXPECT_GT(accepted_by_second, 0);
}

TEST(TcpListener, TakesIpv6OnlyOnAnIpv6Address) {
  Endpoint any = *parse_address("::");
  any.protocol = TransportProtocol::ws;
  const auto listener = listen_tcp(any);
  if (!listener) GTEST_SKIP() << "no IPv6 here: " << listener.error().why;
  const auto at = local_endpoint(listener->raw(), TransportProtocol::ws);
  EXPECT_TRUE(listen_tcp(loopback(TransportProtocol::ws, at->port))) << "the IPv4 port of the same number is still free";
}

// What has come, as "text from to".
std::vector<std::string> received(int socket, DatagramReceiver& receiver) {
  std::vector<std::string> out;
  for (std::size_t n = receiver.receive(socket), i = 0; i < n; ++i)
    out.push_back(std::string(as_text(receiver[i].bytes)) + " " + receiver[i].from.to_string() + " " + receiver[i].to.address_text());
  return out;
}

struct Correspondents {
  explicit Correspondents(const char* bound = "127.0.0.1", const char* reached = "127.0.0.1") {
    Endpoint at = *parse_address(bound);
    at.protocol = TransportProtocol::udp;
    auto socket = bind_udp(at, ReusePort::found_group);
    if (!socket) return;  // no IPv6 here
    here = std::move(*socket);
    here_at = *parse_address(reached);
    here_at.protocol = TransportProtocol::udp;
    here_at.port = local_endpoint(here.raw(), TransportProtocol::udp)->port;
    Endpoint mine = here_at;
    mine.port = 0;
    there = std::move(*bind_udp(mine));
    there_at = *local_endpoint(there.raw(), TransportProtocol::udp);
  }
  Fd here, there;
  Endpoint here_at, there_at;
};

TEST(UdpSocket, CarriesSeveralDatagramsAtOnceEachWithItsSender) {
  Correspondents c;
  DatagramReceiver receiver;
  EXPECT_EQ(receiver.receive(c.here.raw()), 0u);
  const std::string long_one(largest_datagram, 'x');

  const std::array datagrams{OutgoingDatagram{as_bytes("abc"), c.here_at, {}}, OutgoingDatagram{{}, c.here_at, {}},
                             OutgoingDatagram{as_bytes(long_one), c.here_at, {}}};
  const auto sent = send_datagrams(c.there.raw(), datagrams);

  ASSERT_TRUE(sent);
  EXPECT_EQ(*sent, 3u);
  const std::string from = " " + c.there_at.to_string() + " *";
  EXPECT_EQ(received(c.here.raw(), receiver), (std::vector<std::string>{"abc" + from, from, long_one + from}));
  ASSERT_TRUE(send_datagrams(c.there.raw(), std::array{OutgoingDatagram{as_bytes("again"), c.here_at, {}}}));
  EXPECT_EQ(received(c.here.raw(), receiver), std::vector<std::string>{"again" + from}) << "nothing of the last call is left";
}

TEST(UdpSocket, SaysWhatIsTooLong) {
  Correspondents c;
  const std::string too_long(largest_datagram + 1, 'x');
  EXPECT_TRUE(send_datagrams(c.there.raw(), std::array{OutgoingDatagram{as_bytes(too_long), c.here_at, {}}}).is(Errc::too_large));
}

// Both families the same way: the address it was sent to is known, and the answer leaves from it.
void expect_answers_from_the_address_asked(const char* every, const char* one, const char* other) {
  Correspondents c(every, one);
  if (!c.here.is_open()) GTEST_SKIP() << "no IPv6 here";
  DatagramReceiver at_here, at_there;
  ASSERT_TRUE(send_datagrams(c.there.raw(), std::array{OutgoingDatagram{as_bytes("to whom"), c.here_at, {}}}));
  EXPECT_EQ(received(c.here.raw(), at_here), std::vector<std::string>{"to whom " + c.there_at.to_string() + " " + one});
  const Endpoint answering = *parse_address(other);

  ASSERT_TRUE(send_datagrams(c.here.raw(), std::array{OutgoingDatagram{as_bytes("from whom"), c.there_at, answering}}));

  Endpoint expected = answering;
  expected.protocol = TransportProtocol::udp;
  expected.port = c.here_at.port;
  EXPECT_EQ(received(c.there.raw(), at_there), std::vector<std::string>{"from whom " + expected.to_string() + " *"});
}
TEST(UdpSocket, AnswersFromWhicheverIpv4AddressItIsTold) { expect_answers_from_the_address_asked("0.0.0.0", "127.0.0.1", "127.0.0.5"); }
TEST(UdpSocket, AnswersFromWhicheverIpv6AddressItIsTold) { expect_answers_from_the_address_asked("::", "::1", "::1"); }

void expect_word_of_a_dead_peer(const char* address) {
  Correspondents c(address, address);
  if (!c.here.is_open()) GTEST_SKIP() << "no IPv6 here";
  std::array<char, 64> room{};
  EXPECT_TRUE(returned_datagram(c.there.raw(), room).is(Errc::incomplete));
  c.here.close();

  ASSERT_TRUE(send_datagrams(c.there.raw(), std::array{OutgoingDatagram{as_bytes("is anybody there"), c.here_at, {}}}));

  const auto returned = returned_datagram(c.there.raw(), room);
  ASSERT_TRUE(returned);
  EXPECT_TRUE(returned->is_unreachable);
  EXPECT_EQ(returned->to, c.here_at);
  EXPECT_EQ(returned->head, "is anybody there");
  EXPECT_TRUE(returned_datagram(c.there.raw(), room).is(Errc::incomplete)) << "once each";
}
TEST(UdpSocket, HearsThatNobodyListensAtAnIpv4Address) { expect_word_of_a_dead_peer("127.0.0.1"); }
TEST(UdpSocket, HearsThatNobodyListensAtAnIpv6Address) { expect_word_of_a_dead_peer("::1"); }

TEST(UdpSocket, KnowsWhichOfOurAddressesLeadsToAPlace) {
  Endpoint there = *parse_address_and_port("127.0.0.77:5060");
  there.protocol = TransportProtocol::udp;
  const auto source = source_towards(there);
  ASSERT_TRUE(source);
  EXPECT_EQ(source->to_string(), "udp:127.0.0.1:0");
}

TEST(UdpSocket, FormsAGroupThatASecondDaemonCanNotJoin) {
  const auto first = bind_udp(loopback(TransportProtocol::udp), ReusePort::found_group);
  ASSERT_TRUE(first);
  const Endpoint at = *local_endpoint(first->raw(), TransportProtocol::udp);
  EXPECT_TRUE(bind_udp(at, ReusePort::found_group).is(Errc::exists));
  const auto second = bind_udp(at, ReusePort::join_group);
  ASSERT_TRUE(second) << second.error().why;

  // The group is real: datagrams of many senders reach both.
  std::size_t first_got = 0, second_got = 0;
  for (int i = 0; i < 64; ++i) {
    const auto sender = bind_udp(loopback(TransportProtocol::udp));
    ASSERT_TRUE(send_datagrams(sender->raw(), std::array{OutgoingDatagram{as_bytes("x"), at, {}}}));
  }
  DatagramReceiver receiver;
  while (const std::size_t n = receiver.receive(first->raw())) first_got += n;
  while (const std::size_t n = receiver.receive(second->raw())) second_got += n;
  EXPECT_EQ(first_got + second_got, 64u);
  EXPECT_GT(first_got, 0u);
  EXPECT_GT(second_got, 0u);
}

}  // namespace
}  // namespace sipwsd::os
