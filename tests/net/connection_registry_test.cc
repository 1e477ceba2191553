#include "src/net/connection_registry.h"

#include <netinet/in.h>

#include "src/net/acceptor.h"
#include "src/os/socket_address.h"
#include "src/os/tcp_listener.h"
#include "tests/net/net_fixture.h"
#include "tests/support/deadline.h"

namespace sipwsd::net {
namespace {

using namespace std::chrono_literals;
using Registry = NetTest;

Destination along(ConnectionId connection, WorkerSlot owner) { return {.flow = {connection, owner}, .remote = {}, .local = {}}; }

TEST_F(Registry, SendsOnAFlowOfItsOwnAtOnce) {
  Peer peer = open();
  EXPECT_TRUE(registry.send(along(ConnectionId{1}, slot), "MESSAGE", 0));
  turn();
  EXPECT_EQ(peer.take(), server_frame(op::text, "MESSAGE"));
  EXPECT_TRUE(registry.send(along(ConnectionId{2}, slot), "x", 0).is(Errc::gone));
  EXPECT_TRUE(registry.send(along(ConnectionId{1}, WorkerSlot::none), "x", 0).is(Errc::gone));
}

TEST_F(Registry, PostsALetterToTheOwnerOfAnotherFlow) {
  bus::Mailbox other(segment->mailboxes, shm::ProcessSlot{1});
  EXPECT_TRUE(registry.send(along(ConnectionId{9}, WorkerSlot{1}), "MESSAGE", 0x0102030405060708));
  EXPECT_TRUE(registry.send(along(ConnectionId{9}, WorkerSlot{1}), "RESPONSE", 0));
  Strings letters;
  other.drain(10, [&](shm::ProcessSlot from, const bus::Letter& letter) {
    const auto& m = std::get<bus::SendMessage>(letter);
    EXPECT_EQ(from, shm::ProcessSlot{0});
    EXPECT_EQ(m.connection, ConnectionId{9});
    letters.push_back(std::string(m.bytes) + " " + std::to_string(m.branch.size()));
  });
  EXPECT_EQ(letters, (Strings{"MESSAGE 8", "RESPONSE 0"}));
  while (registry.send(along(ConnectionId{9}, WorkerSlot{1}), std::string(1000, 'x'), 0)) {
  }
  EXPECT_TRUE(registry.send(along(ConnectionId{9}, WorkerSlot{1}), std::string(1000, 'x'), 0).is(Errc::full));
}

TEST_F(Registry, ClosesAllThatAreOpenAndEndsAllThatAreNotYet) {
  Peer first = open(), second = open(), newcomer = connect(), closing = open();
  EXPECT_TRUE(connection(4).close(ws::CloseCode::normal, {}, CloseCause::operator_said));
  turn();
  EXPECT_EQ(closing.take(), server_close(1000));
  registry.close_all(ws::CloseCode::going_away, "shutdown");
  turn();
  EXPECT_EQ(first.take(), server_close(1001, "shutdown"));
  EXPECT_EQ(second.take(), server_close(1001, "shutdown"));
  EXPECT_TRUE(newcomer.has_ended());
  EXPECT_FALSE(closing.has_ended()) << "has its own time to answer";
  EXPECT_EQ(registry.size(), 3u);
}

TEST_F(Registry, RemembersAnAddressOfRecordOnceAndNotWithoutEnd) {
  Peer peer = open();
  auto& c = connection();
  c.remember_aor("alice@example.org");
  c.remember_aor("alice@example.org");
  EXPECT_EQ(c.bound_aors(), Strings{"alice@example.org"});
  for (int i = 0; i < 100; ++i) c.remember_aor("user" + std::to_string(i) + "@example.org");
  EXPECT_TRUE(c.has_too_many_aors());
  EXPECT_LT(c.bound_aors().size(), 40u);
}

TEST_F(Registry, IsFilledByAnAcceptorUntilThatStops) {
  auto listener = os::listen_tcp(test::at("127.0.0.1", 0));
  ASSERT_TRUE(listener) << listener.error().why;
  const auto local = os::local_endpoint(listener->raw(), TransportProtocol::ws);
  ASSERT_TRUE(local);
  Acceptor acceptor(loop, registry, listener->raw(), TransportProtocol::ws, segment->counters.row(shm::ProcessSlot{0}));
  const auto dial = [&] {
    os::Fd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(local->port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket.raw(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return socket;
  };
  std::vector<os::Fd> clients;
  for (int i = 0; i < 40; ++i) clients.push_back(dial());
  test::wait_until("all are accepted", [&] {
    turn();
    return registry.size() == 40;
  });
  EXPECT_EQ(count(shm::Counter::tcp_passive_open), 40u);
  EXPECT_EQ(connection(1).local().port, local->port);
  EXPECT_EQ(connection(1).remote().protocol, TransportProtocol::ws);

  acceptor.stop();
  clients.push_back(dial());  // waits in the kernel's queue
  turn();
  EXPECT_EQ(registry.size(), 40u);
}

TEST_F(Registry, IsNotAskedInALoopWhetherThereIsRoomForWhoWaits) {
  settings.handshake_rate = 0;
  auto listener = os::listen_tcp(test::at("127.0.0.1", 0));
  ASSERT_TRUE(listener) << listener.error().why;
  const auto local = os::local_endpoint(listener->raw(), TransportProtocol::ws);
  Acceptor acceptor(loop, registry, listener->raw(), TransportProtocol::ws, segment->counters.row(shm::ProcessSlot{0}));
  std::vector<Peer> young;
  while (!registry.is_crowded()) young.push_back(connect());
  const os::Fd client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(local->port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(client.raw(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  turn();
  EXPECT_TRUE(is_asleep());
  EXPECT_EQ(registry.size(), young.size());
  pass(2001ms);
  turn();
  EXPECT_EQ(registry.size(), young.size() + 1);
}

}  // namespace
}  // namespace sipwsd::net
