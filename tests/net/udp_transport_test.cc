// Datagrams over real sockets on loopback; only time is not real.
#include <sys/syscall.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "src/os/udp_socket.h"
#include "tests/net/net_fixture.h"

namespace {

// What a turn costs. The C library's two are replaced by these, and the heap is counted.
int receive_calls = 0, send_calls = 0, allocations = 0;

}  // namespace

extern "C" int recvmmsg(int socket, mmsghdr* headers, unsigned count, int flags, timespec* timeout) {
  ++receive_calls;
  return static_cast<int>(syscall(SYS_recvmmsg, socket, headers, count, flags, timeout));
}
extern "C" int sendmmsg(int socket, mmsghdr* headers, unsigned count, int flags) {
  ++send_calls;
  return static_cast<int>(syscall(SYS_sendmmsg, socket, headers, count, flags));
}
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace sipwsd::net {
namespace {

using namespace std::chrono_literals;
using shm::Counter;

const std::string options = "OPTIONS sip:example.org SIP/2.0\r\n\r\n";

Endpoint udp_at(const char* address, std::uint16_t port = 0) {
  Endpoint at = test::at(address, port);
  at.protocol = TransportProtocol::udp;
  return at;
}

// The other end.
class Phone {
 public:
  explicit Phone(const char* address = "127.0.0.1") : socket_(std::move(*os::bind_udp(udp_at(address)))) {
    at_ = *os::local_endpoint(socket_.raw(), TransportProtocol::udp);
  }
  const Endpoint& at() const { return at_; }
  void send(const Endpoint& to, std::string_view bytes) {
    const std::array datagram{os::OutgoingDatagram{as_bytes(bytes), to, {}}};
    const auto sent = os::send_datagrams(socket_.raw(), datagram);
    ASSERT_TRUE(sent && *sent == 1);
  }
  // What has come, each with its sender.
  std::vector<std::string> take() {
    std::vector<std::string> out;
    os::DatagramReceiver receiver;
    while (const std::size_t n = receiver.receive(socket_.raw()))
      for (std::size_t i = 0; i < n; ++i) out.push_back(std::string(as_text(receiver[i].bytes)) + " from " + receiver[i].from.to_string());
    return out;
  }
  void hang_up() { socket_.close(); }

 private:
  os::Fd socket_;
  Endpoint at_;
};

class OverUdp : public NetTest {
 protected:
  // A socket of the daemon's; where it can be reached by a phone on loopback.
  Endpoint listen(const char* bound = "127.0.0.1", const char* reached = "127.0.0.1") {
    auto socket = os::bind_udp(udp_at(bound), os::ReusePort::found_group);
    if (!socket) throw std::runtime_error(socket.error().why);
    const Endpoint at = *os::local_endpoint(socket->raw(), TransportProtocol::udp);
    registry.serve_datagrams(at, socket->raw());
    sockets_.push_back(std::move(*socket));
    bound_.push_back(at);
    registry.use_own_addresses(bound_);
    return udp_at(reached, at.port);
  }
  Result<Flow> send(const Endpoint& to, std::string_view message, const Endpoint& from = {}) {
    return registry.send({.flow = {}, .remote = to, .local = from}, message, 0, {});
  }
  void limit_everybody() { settings.limits_exempt = {}; }

  std::vector<os::Fd> sockets_;
  std::vector<Endpoint> bound_;
};

TEST_F(OverUdp, ADatagramGoesUpWithBothItsEnds) {
  const Endpoint here = listen();
  Phone phone;
  phone.send(here, options);
  turn();
  EXPECT_EQ(user.datagrams, Strings{options + " from " + phone.at().to_string() + " to " + here.to_string()});
  EXPECT_EQ(count(Counter::udp_received), 1u);
}

TEST_F(OverUdp, AnIpv6DatagramGoesUpAsWell) {
  const Endpoint here = listen("::1", "::1");
  Phone phone("::1");
  phone.send(here, options);
  turn();
  EXPECT_EQ(user.datagrams, Strings{options + " from " + phone.at().to_string() + " to " + here.to_string()});
}

TEST_F(OverUdp, WhatIsSentLeavesAtTheTurnsEndFromTheSocketAskedFor) {
  const Endpoint first = listen(), second = listen();
  Phone phone;
  ASSERT_TRUE(send(phone.at(), "one", first));
  ASSERT_TRUE(send(phone.at(), "two", second));
  EXPECT_EQ(phone.take(), Strings{}) << "not before";
  turn();
  auto got = phone.take();
  std::sort(got.begin(), got.end());
  EXPECT_EQ(got, (Strings{"one from " + first.to_string(), "two from " + second.to_string()}));
  EXPECT_EQ(count(Counter::udp_sent), 2u);
}

TEST_F(OverUdp, AnyFittingSocketSendsWhenNoneIsAskedForOrThatOneIsNoMore) {
  const Endpoint here = listen();
  Phone phone;
  ASSERT_TRUE(send(phone.at(), "any"));
  ASSERT_TRUE(send(phone.at(), "of an earlier configuration", udp_at("127.0.0.1", 1)));
  turn();
  EXPECT_EQ(phone.take(), (Strings{"any from " + here.to_string(), "of an earlier configuration from " + here.to_string()}));
  EXPECT_TRUE(send(udp_at("::1", 5060), "no socket of that family").is(Errc::unsupported));
}

TEST_F(OverUdp, WhereEveryAddressIsBoundTheAnswerLeavesFromTheOneThatWasAsked) {
  const Endpoint here = listen("0.0.0.0", "127.0.0.9");
  Phone phone;
  user.datagram_script = [&](const Arrival& arrival, std::string_view) { ASSERT_TRUE(registry.send(arrival.back(), "answer", 0, {})); };
  phone.send(here, options);
  turn();
  EXPECT_EQ(user.datagrams, Strings{options + " from " + phone.at().to_string() + " to " + here.to_string()});
  EXPECT_EQ(phone.take(), Strings{"answer from " + here.to_string()});
}

TEST_F(OverUdp, ATurnCostsOneCallEachWayAndNoMemory) {
  const Endpoint here = listen();
  Phone phone;
  user.is_taking_notes = false;
  user.datagram_script = [&](const Arrival& arrival, std::string_view) { ASSERT_TRUE(registry.send(arrival.back(), "answer", 0, {})); };
  for (int round = 0; round < 2; ++round) {  // the first one makes the buffers
    for (int i = 0; i < 30; ++i) phone.send(here, options);
    receive_calls = send_calls = allocations = 0;
    loop.run_once(0ms);
    EXPECT_EQ(receive_calls, 1);
    EXPECT_EQ(send_calls, 1);
    EXPECT_TRUE(round == 0 || allocations == 0) << allocations;
    EXPECT_EQ(phone.take().size(), 30u);
  }
}

TEST_F(OverUdp, AFloodIsReadAShareATurn) {
  const Endpoint here = listen();
  Phone phone;
  for (int i = 0; i < 100; ++i) phone.send(here, options);
  loop.run_once(0ms);
  EXPECT_EQ(user.datagrams.size(), os::DatagramReceiver::at_once);
  turn();
  EXPECT_EQ(user.datagrams.size(), 100u);
}

TEST_F(OverUdp, WhatIsTooLongIsRefusedAndNothingIsSent) {
  listen();
  Phone phone;
  EXPECT_TRUE(send(phone.at(), std::string(65'508, 'x')).is(Errc::too_large));
  EXPECT_TRUE(send(phone.at(), std::string(65'507, 'x')));
  turn();
  EXPECT_EQ(phone.take().size(), 1u);
}

TEST_F(OverUdp, MoreThanASocketMayHoldIsRefused) {
  listen();
  Phone phone;
  int taken = 0;
  while (taken < 100'000 && send(phone.at(), options)) ++taken;
  EXPECT_EQ(taken, 1024);
  EXPECT_TRUE(send(phone.at(), options).is(Errc::full));
  EXPECT_EQ(count(Counter::udp_send_queue_full), 2u);
  turn();
  EXPECT_EQ(count(Counter::udp_sent), 1024u) << "what had been taken has gone";
  EXPECT_TRUE(send(phone.at(), options));
}

// A socket whose buffer is full: what the kernel doesn't take waits for it.
TEST_F(OverUdp, WhatTheKernelDoesNotTakeWaitsUntilItDoes) {
  listen();
  const int small = 1;
  ::setsockopt(sockets_[0].raw(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  Phone phone;
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(send(phone.at(), std::string(1000, 'x')));
  turn();
  for (int i = 0; i < 20; ++i) turn();
  EXPECT_EQ(phone.take().size(), 20u);
  EXPECT_TRUE(is_asleep());
}

TEST_F(OverUdp, WhatTheKernelHadNoRoomForIsCounted) {
  const Endpoint here = listen();
  const int small = 1;
  ::setsockopt(sockets_[0].raw(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  Phone phone;
  for (int i = 0; i < 50; ++i) phone.send(here, std::string(500, 'x'));
  turn();
  EXPECT_LT(user.datagrams.size(), 50u);
  phone.send(here, "the next one tells");
  turn();
  EXPECT_EQ(user.datagrams.size() + count(Counter::udp_lost), 51u);
}

TEST_F(OverUdp, KeepalivesAreTakenWithoutAWord) {
  const Endpoint here = listen();
  Phone phone;
  for (const std::string_view keepalive : {std::string_view{}, std::string_view{"\r\n"}, std::string_view{"\r\n\r\n"}, std::string_view{"\0\0\0\0", 4}})
    phone.send(here, keepalive);
  turn();
  EXPECT_EQ(user.datagrams, Strings{});
  EXPECT_EQ(phone.take(), Strings{});
  EXPECT_EQ(count(Counter::udp_keepalives), 4u);
}

TEST_F(OverUdp, AStunRequestIsAnsweredWithTheAddressItCameFrom) {
  const Endpoint here = listen();
  Phone phone;
  const std::string request = std::string("\0\1\0\0\x21\x12\xa4\x42", 8) + "twelve bytes";
  phone.send(here, request);
  turn();
  const auto got = phone.take();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].substr(0, 2), std::string("\1\1", 2));
  EXPECT_EQ(static_cast<std::uint8_t>(got[0][26]) << 8 | static_cast<std::uint8_t>(got[0][27]), phone.at().port ^ 0x2112);
  EXPECT_EQ(count(Counter::udp_stun_requests), 1u);
  EXPECT_EQ(user.datagrams, Strings{});
}

TEST_F(OverUdp, WhatIsNeitherSipNorStunIsDroppedAndNobodyIsBannedForIt) {
  limit_everybody();
  const Endpoint here = listen();
  Phone phone;
  for (int i = 0; i < 100; ++i) phone.send(here, i % 2 == 0 ? "\x80\x81 garbage" : "\1 no STUN either");
  turn();
  EXPECT_EQ(user.datagrams, Strings{});
  EXPECT_EQ(count(Counter::udp_garbage), 100u);
  EXPECT_EQ(count(Counter::strikes), 0u);
}

TEST_F(OverUdp, WhoIsBannedIsNotHeard) {
  limit_everybody();
  const Endpoint here = listen();
  Phone phone;
  segment->bans.ban({.subject = test::at("127.0.0.1", 0), .reason = shm::BanReason::by_operator, .strikes = 0, .since = 0, .until = 1'000'000});
  phone.send(here, options);
  turn();
  EXPECT_EQ(user.datagrams, Strings{});
  EXPECT_EQ(count(Counter::udp_banned), 1u);
}

TEST_F(OverUdp, WhoSendsTooFastIsNotHeardForAMoment) {
  limit_everybody();
  settings.message_rate = 10;
  const Endpoint here = listen();
  Phone phone;
  for (int i = 0; i < 30; ++i) phone.send(here, options);
  turn();
  EXPECT_EQ(user.datagrams.size(), 20u) << "two seconds' worth at once";
  EXPECT_EQ(count(Counter::udp_too_fast), 10u);
  pass(1s);
  for (int i = 0; i < 30; ++i) phone.send(here, options);
  turn();
  EXPECT_EQ(user.datagrams.size(), 30u);
}

TEST_F(OverUdp, PeersAreNotLimited) {
  limit_everybody();
  settings.message_rate = 1;
  ASSERT_TRUE(settings.peers.add("127.0.0.0/8"));
  const Endpoint here = listen();
  Phone phone;
  for (int i = 0; i < 30; ++i) phone.send(here, options);
  turn();
  EXPECT_EQ(user.datagrams.size(), 30u);
}

TEST_F(OverUdp, ADeadPeerIsToldOfWithWhatWasSentToHim) {
  listen();
  Phone dead, alive;
  dead.hang_up();
  ASSERT_TRUE(send(dead.at(), options));
  turn();
  EXPECT_EQ(user.returned, Strings{options + " to " + dead.at().to_string()});
  EXPECT_EQ(count(Counter::udp_unreachable), 1u);
  ASSERT_TRUE(send(alive.at(), "and others are not hurt"));
  turn();
  EXPECT_EQ(alive.take().size(), 1u);
  EXPECT_TRUE(is_asleep());
}

// The kernel reports an error that came back with the next call, whoever that is for.
TEST_F(OverUdp, AnErrorThatCameBackDoesNotHitTheNextOneToBeSent) {
  listen();
  Phone dead, alive;
  dead.hang_up();
  ASSERT_TRUE(send(dead.at(), "to the dead"));
  ASSERT_TRUE(send(alive.at(), "to the living"));
  loop.run_once(0ms);
  ASSERT_TRUE(send(dead.at(), "again to the dead"));
  ASSERT_TRUE(send(alive.at(), "again to the living"));
  turn();
  EXPECT_EQ(alive.take().size(), 2u);
  EXPECT_EQ(user.returned.size(), 2u);
}

TEST_F(OverUdp, WhereNoWayLeadsIsToldAtOnce) {
  listen();
  const Endpoint nowhere = udp_at("192.0.2.1", 5060);  // from a socket of loopback
  ASSERT_TRUE(send(nowhere, options));
  Phone alive;
  ASSERT_TRUE(send(alive.at(), "and others are not hurt"));
  turn();
  EXPECT_EQ(user.returned, Strings{options + " to " + nowhere.to_string()});
  EXPECT_EQ(count(Counter::udp_send_failed), 1u);
  EXPECT_EQ(alive.take().size(), 1u);
}

TEST_F(OverUdp, WhileAnotherWorkerDoesNotKeepUpDatagramsWaitInTheKernel) {
  const Endpoint here = listen();
  Phone phone;
  while (mailbox.post(shm::process_slot(WorkerSlot{1}), bus::ConnectionClosed{ConnectionId{1}})) {
  }
  phone.send(here, options);
  loop.run_once(0ms);
  EXPECT_EQ(user.datagrams, Strings{});
  bus::Mailbox other(segment->mailboxes, shm::process_slot(WorkerSlot{1}));
  while (other.drain(1000, [](shm::ProcessSlot, const bus::Letter&) {}) != 0) {
  }
  pass(10ms);
  EXPECT_EQ(user.datagrams.size(), 1u);
}

TEST_F(OverUdp, OurAddressIsWhatAPeerCanAnswerTo) {
  const Endpoint here = listen("0.0.0.0", "127.0.0.1");
  const auto source = [&](const Destination& to) {
    const auto found = registry.source_for(to);
    return found ? found->to_string() : "none";
  };
  EXPECT_EQ(source({.flow = {}, .remote = udp_at("127.0.0.1", 5060), .local = {}}), here.to_string());
  EXPECT_EQ(source({.flow = {}, .remote = udp_at("127.0.0.1", 5060), .local = udp_at("127.0.0.9", here.port)}),
            udp_at("127.0.0.9", here.port).to_string());
  EXPECT_EQ(source({.flow = {}, .remote = udp_at("::1", 5060), .local = {}}), "none");
}

}  // namespace
}  // namespace sipwsd::net
