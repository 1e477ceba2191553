// SIP over TCP against the running daemon (RFC 3261 18.3, RFC 5626 4.4.1): what a stream is cut into, and what ends it.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/test_server.h"

namespace sipwsd::test {
namespace {

std::uint16_t tcp_port(const TestServer& server) {
  constexpr std::string_view words = "listening on tcp:127.0.0.1:";
  const std::string log = server.log();
  const auto at = log.find(words);
  std::uint16_t port = 0;
  if (at != std::string::npos) std::from_chars(log.data() + at + words.size(), log.data() + log.size(), port);
  return port;
}

class TcpPeer {
 public:
  explicit TcpPeer(const TestServer& server) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(tcp_port(server));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) throw Disappointed("cannot connect");
  }
  ~TcpPeer() { ::close(fd_); }
  TcpPeer(const TcpPeer&) = delete;
  TcpPeer& operator=(const TcpPeer&) = delete;

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) throw Disappointed("cannot send");
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  // Up to and including `end`.
  std::string receive_until(std::string_view end) {
    while (received_.find(end) == std::string::npos)
      if (!read()) throw Disappointed("the stream ended behind: " + received_);
    const auto size = received_.find(end) + end.size();
    auto taken = received_.substr(0, size);
    received_.erase(0, size);
    return taken;
  }
  std::string receive_until_end() {
    while (read()) {
    }
    return std::exchange(received_, {});
  }

 private:
  bool read() {
    pollfd readable{.fd = fd_, .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, Deadline{}.left_ms()) != 1) throw Disappointed("nothing comes behind: " + received_);
    char buffer[4096];
    const auto n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n > 0) received_.append(buffer, static_cast<std::size_t>(n));
    return n > 0;
  }

  int fd_;
  std::string received_;
};

std::string options(std::string_view call_id, std::string_view more = "Content-Length: 0\r\n", std::string_view body = {}) {
  return "OPTIONS sip:example.org SIP/2.0\r\nVia: SIP/2.0/TCP a.invalid;branch=z9hG4bK" + std::string(call_id) +
         "\r\nMax-Forwards: 70\r\nFrom: <sip:a@example.org>;tag=1\r\nTo: <sip:example.org>\r\nCall-ID: " +
         std::string(call_id) + "\r\nCSeq: 1 OPTIONS\r\n" + std::string(more) + "\r\n" + std::string(body);
}

class DaemonSipStream : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = new TestServer(1, {"--listen", "tcp:127.0.0.1:0", "--message-timeout", "1", "--max-message-size", "10000"});
  }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }
  static TestServer& server() { return *server_; }

 private:
  static TestServer* server_;
};
TestServer* DaemonSipStream::server_ = nullptr;

TEST_F(DaemonSipStream, AnswersRequestsHoweverTheyAreCut) {
  TcpPeer peer(server());
  const auto two = options("first", "l: 4\r\n", "\r\n\r\n") + options("second");
  for (std::size_t at = 0; at < two.size(); at += 7) peer.send(two.substr(at, 7));
  peer.send("\r\n" + options("third") + options("fourth"));

  for (const char* call_id : {"first", "second", "third", "fourth"}) {
    const auto reply = peer.receive_until("\r\n\r\n");
    EXPECT_TRUE(reply.starts_with("SIP/2.0 200 ")) << reply;
    EXPECT_NE(reply.find("\r\nCall-ID: " + std::string(call_id) + "\r\n"), std::string::npos) << reply;
    EXPECT_NE(reply.find("\r\nContent-Length: 0\r\n"), std::string::npos) << reply;
  }
}

TEST_F(DaemonSipStream, AnswersADoubleCrlfWithOne) {
  TcpPeer peer(server());
  peer.send(options("before") + "\r\n\r\n\r\n\r\n" + options("behind"));

  peer.receive_until("\r\n\r\n");
  EXPECT_EQ(peer.receive_until("SIP/2.0"), "\r\n\r\nSIP/2.0") << "one for each of the two";
}

TEST_F(DaemonSipStream, AnswersAndClosesWhereAMessageHasNoEnd) {
  struct Row {
    const char* lines;
    const char* status;
  };
  for (const Row row : {Row{"", "400 Missing Content-Length"}, Row{"Content-Length: -1\r\n", "400 Bad Content-Length"},
                        Row{"Content-Length: 1\r\nl: 2\r\n", "400 Content-Length Given Twice"},
                        Row{"Content-Length: 10000\r\n", "513 Message Too Large"}}) {
    TcpPeer peer(server());
    peer.send(options("endless", row.lines) + options("behind it"));
    const auto said = peer.receive_until_end();
    EXPECT_TRUE(said.starts_with("SIP/2.0 " + std::string(row.status) + "\r\n")) << said;
    EXPECT_EQ(said.find("behind it"), std::string::npos);
  }
}

TEST_F(DaemonSipStream, ClosesWithoutAWordWhereNothingCanBeAnswered) {
  for (const std::string& bytes : {options("bare").insert(20, "\n"), options("large") + std::string(70'000, 'x'),
                                   "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP a\r\n\r\n" + options("behind it")}) {
    TcpPeer peer(server());
    peer.send(options("good") + bytes);
    EXPECT_TRUE(peer.receive_until("\r\n\r\n").starts_with("SIP/2.0 200 "));
    const auto said = peer.receive_until_end();
    EXPECT_EQ(said.find("behind it"), std::string::npos) << said;
  }
}

TEST_F(DaemonSipStream, ClosesWhenAMessageIsTooLongUnderWay) {
  TcpPeer peer(server());
  peer.send(options("good") + options("slow").substr(0, 100));

  EXPECT_TRUE(peer.receive_until("\r\n\r\n").starts_with("SIP/2.0 200 "));
  EXPECT_EQ(peer.receive_until_end(), "");
}

TEST(DaemonSipStreamDrain, WhoHadSaidNothingYetIsLetGoOfLikeAllOthers) {
  TestServer server(1, {"--listen", "tcp:127.0.0.1:0", "--drain-timeout", "600", "--drain-spread", "0"});
  TcpPeer caller(server), slow(server);
  auto invite = options("ringing");
  for (auto at = invite.find("OPTIONS"); at != std::string::npos; at = invite.find("OPTIONS")) invite.replace(at, 7, "INVITE");
  caller.send(invite);  // and so the drain waits
  caller.receive_until("\r\n\r\n");
  slow.send("OPTIONS ");
  EXPECT_EQ(server.mi("core.drain").substr(0, 7), "200 OK\n");
  server.wait_for_log("draining: 1 connections are left");
  slow.send(options("late").substr(8));
  EXPECT_TRUE(slow.receive_until_end().starts_with("SIP/2.0 200 "));
}

}  // namespace
}  // namespace sipwsd::test
