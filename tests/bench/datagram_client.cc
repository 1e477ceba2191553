#include "tests/bench/datagram_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace sipwsd::bench {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

[[noreturn]] void give_up(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

}  // namespace

DatagramClient::DatagramClient(Loop& loop, Events& events)
    : events_(events), fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
  if (!fd_) give_up("socket");
  sockaddr_in own = loopback(0);
  socklen_t size = sizeof own;
  if (::bind(fd_.number(), reinterpret_cast<const sockaddr*>(&own), size) != 0) give_up("bind");
  if (::getsockname(fd_.number(), reinterpret_cast<sockaddr*>(&own), &size) != 0) give_up("getsockname");
  port_ = ntohs(own.sin_port);
  loop.watch(fd_.number(), *this);
}

void DatagramClient::connect(std::uint16_t server_port) {
  const sockaddr_in server = loopback(server_port);
  if (::connect(fd_.number(), reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0) give_up("connect");
}

void DatagramClient::send(std::string_view message) {
  // What is not sent is not answered, and that the run counts.
  static_cast<void>(::send(fd_.number(), message.data(), message.size(), 0));
}

void DatagramClient::on_ready(std::uint32_t) {
  static std::array<char, 65536> buffer;  // one thread
  for (;;) {
    const ssize_t n = ::recv(fd_.number(), buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == ECONNREFUSED) continue;  // of an earlier send; what is unanswered is counted
    if (n < 0) return;
    events_.on_datagram({buffer.data(), static_cast<std::size_t>(n)});
  }
}

}  // namespace sipwsd::bench
