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

TEST(UdpSocket, CarriesDatagramsBetweenEndpointsAndMarksCutOnes) {
  const auto here = bind_udp(loopback(TransportProtocol::udp), ReusePort::found_group);
  ASSERT_TRUE(here) << here.error().why;
  const Endpoint at = *local_endpoint(here->raw(), TransportProtocol::udp);
  const auto there = bind_udp(loopback(TransportProtocol::udp));
  std::array<std::byte, 4> buffer{};
  EXPECT_TRUE(receive_datagram(here->raw(), buffer).is(Errc::incomplete));

  ASSERT_TRUE(send_datagram(there->raw(), as_bytes("abc"), at));
  ASSERT_TRUE(send_datagram(there->raw(), as_bytes("abcdef"), at));

  const auto whole = receive_datagram(here->raw(), buffer);
  ASSERT_TRUE(whole);
  EXPECT_EQ(as_text({buffer.data(), whole->size}), "abc");
  EXPECT_FALSE(whole->truncated);
  EXPECT_EQ(whole->from, *local_endpoint(there->raw(), TransportProtocol::udp));
  const auto cut = receive_datagram(here->raw(), buffer);
  ASSERT_TRUE(cut);
  EXPECT_TRUE(cut->truncated);
  EXPECT_EQ(as_text({buffer.data(), cut->size}), "abcd");
}

TEST(UdpSocket, FormsAGroupThatASecondDaemonCanNotJoin) {
  const auto first = bind_udp(loopback(TransportProtocol::udp), ReusePort::found_group);
  ASSERT_TRUE(first);
  const Endpoint at = *local_endpoint(first->raw(), TransportProtocol::udp);
  EXPECT_TRUE(bind_udp(at, ReusePort::found_group).is(Errc::exists));
  const auto second = bind_udp(at, ReusePort::join_group);
  ASSERT_TRUE(second) << second.error().why;

  // The group is real: datagrams of many senders reach both.
  int first_got = 0;
  int second_got = 0;
  for (int i = 0; i < 64; ++i) {
    const auto sender = bind_udp(loopback(TransportProtocol::udp));
    ASSERT_TRUE(send_datagram(sender->raw(), as_bytes("x"), at));
  }
  std::array<std::byte, 4> buffer{};
  while (receive_datagram(first->raw(), buffer)) ++first_got;
  while (receive_datagram(second->raw(), buffer)) ++second_got;
  EXPECT_EQ(first_got + second_got, 64);
  EXPECT_GT(first_got, 0);
  EXPECT_GT(second_got, 0);
}

}  // namespace
}  // namespace sipwsd::os
