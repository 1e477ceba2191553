#pragma once
// SIP over UDP (RFC 3261 18): all datagram sockets of this worker. Every worker has its copy of each, in one SO_REUSEPORT
// group, so each sends by itself; which worker a datagram comes in at is the kernel's choice, and the router's letters
// make up for it.
//
// A turn costs a socket one system call to receive and one to send, however many datagrams that is: what is sent is
// gathered and leaves at the turn's end. Nothing is allocated on the way.
//
// Who sent a datagram is only what it says of itself. So nobody is banned for one; what is no SIP is dropped and counted,
// who sends too many is not heard for a moment, and who is banned (for what he did over a connection) is not heard at all.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sipwsd/endpoint.h"
#include "sipwsd/result.h"
#include "src/net/connection_context.h"
#include "src/net/source_rates.h"
#include "src/os/udp_socket.h"

namespace sipwsd::net {

class UdpTransport {
 public:
  explicit UdpTransport(ConnectionContext& context);
  ~UdpTransport();

  // `at` as bound. The descriptor belongs to the supervisor's set and stays open when this goes.
  void serve(const Endpoint& at, int socket);

  // From the socket bound to `from`, or, where one is bound to every address of that port, with `from` as its sender.
  // full: the socket takes no more and enough waits already; too_large; unsupported: no such socket.
  Result<void> send(const Endpoint& from, const Endpoint& to, std::string_view bytes);

 private:
  class Socket;
  enum class Kind : std::uint8_t { sip, keepalive, stun, garbage };
  static Kind kind_of(ByteView bytes) noexcept;
  void take(Socket& socket, const os::DatagramReceiver::Datagram& datagram);
  void answer_stun(Socket& socket, const Endpoint& local, const Endpoint& source, ByteView request);

  ConnectionContext& context_;
  SourceRates rates_;
  std::vector<std::unique_ptr<Socket>> sockets_;
  std::unique_ptr<os::DatagramReceiver> receiver_;  // when there is a socket
};

}  // namespace sipwsd::net
